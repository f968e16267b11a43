/** Is what a file says of its architecture one? Before anything is computed from it. */
import { BeitError } from '../../errors.js'
import type { BeitArchitecture } from './architecture.js'

/** Largest values, those of the configurations of lib/models. */
const INTEGERS = { patchSize: 1024, hiddenSize: 65_536, depth: 1024, heads: 1024 }
const OPTIONAL_INTEGERS = { vocabSize: 1_048_576, numClasses: 1_048_576 }
const NUMBERS = { mlpRatio: 64, layerScaleInit: Number.MAX_VALUE }
const OPTIONAL_NUMBERS = { dropPath: 1, normEps: 1 }
const MAX_SIDE = 65_536

/**
 * @param where of the values, for messages
 * @returns the values, with `imageSize` as a pair where it was one number
 * @throws BeitError ERR_FORMAT naming the first value that is none
 */
export function checkArchitecture(where: string, values: object): BeitArchitecture {
  const { imageSize: size } = values as { imageSize?: unknown }
  const given: Record<string, unknown> = {
    ...values,
    imageSize: typeof size === 'number' ? [size, size] : size,
  }
  const require = (name: string, valid: boolean, expected: string) => {
    if (valid) return
    const value = JSON.stringify(given[name])?.slice(0, 80)
    throw new BeitError('ERR_FORMAT', `${where}: ${name} is ${value}, expected ${expected}`)
  }
  const numbers = (limits: Record<string, number>, optional: boolean, integer: boolean) => {
    for (const [name, limit] of Object.entries(limits)) {
      const value = given[name] as number
      const inside = integer
        ? Number.isInteger(value) && value >= 1 && value <= limit
        : Number.isFinite(value) && value >= 0 && value <= limit
      const range = `${integer ? 'an integer from 1' : 'a number from 0'} to ${limit}`
      require(name, (optional && value === undefined) || inside, range)
    }
  }
  numbers(INTEGERS, false, true)
  numbers(OPTIONAL_INTEGERS, true, true)
  numbers(NUMBERS, false, false)
  numbers(OPTIONAL_NUMBERS, true, false)
  const { imageSize, patchSize, absolutePositions, relativePositions, pooling } = given
  const isSide = (side: unknown) =>
    Number.isInteger(side) && (side as number) <= MAX_SIDE && (side as number) % (patchSize as number) === 0
  const isSize = Array.isArray(imageSize) && imageSize.length === 2 && imageSize.every(isSide)
  require('imageSize', isSize &&
    imageSize.every((side) => side > 0), `[height, width], multiples of ${patchSize}`)
  require('absolutePositions', typeof absolutePositions === 'boolean', 'true or false')
  require('relativePositions', isOneOf(
    ['none', 'shared', 'per-block'],
    relativePositions,
  ), 'none, shared or per-block')
  require('pooling', pooling === undefined || isOneOf(['mean', 'cls'], pooling), 'mean or cls')
  return given as unknown as BeitArchitecture
}

const isOneOf = (choices: readonly string[], value: unknown) => choices.includes(value as string)
