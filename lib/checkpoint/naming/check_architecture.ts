/** Is what a file says of its architecture one? Before anything is computed from it. */
import { BeitError } from '../../errors.js'
import { ARCHITECTURE_LIMITS, type BeitArchitecture, MAX_SIDE } from './architecture.js'

const OPTIONAL: ReadonlySet<string> = new Set(['dropPath', 'normEps', 'vocabSize', 'numClasses'])

/** What cannot be loaded is not converted either: a name that nothing reads may change what the model is. */
const NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(ARCHITECTURE_LIMITS),
  'imageSize',
  'absolutePositions',
  'relativePositions',
  'pooling',
])

/**
 * @param where of the values, for messages
 * @returns the values, with `imageSize` as a pair where it was one number
 * @throws BeitError ERR_FORMAT naming the first value that is none
 */
export function checkArchitecture(where: string, values: object): BeitArchitecture {
  const unknown = Object.keys(values).find((name) => !NAMES.has(name))
  if (unknown !== undefined) {
    throw new BeitError('ERR_FORMAT', `${where}: there is no option '${unknown.slice(0, 80)}'`)
  }
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
  for (const [name, { type, min, ...limit }] of Object.entries(ARCHITECTURE_LIMITS)) {
    const max = 'max' in limit ? limit.max : Number.MAX_VALUE
    const value = given[name] as number
    const isNumber = type === 'integer' ? Number.isInteger(value) : Number.isFinite(value)
    const inside = isNumber && value >= min && value <= max
    const range = `${type === 'integer' ? 'an integer' : 'a number'} from ${min}${'max' in limit ? ` to ${max}` : ''}`
    require(name, inside || (value === undefined && OPTIONAL.has(name)), range)
  }
  const { imageSize, patchSize, hiddenSize, heads, absolutePositions, relativePositions, pooling } = given
  const isSide = (side: unknown) =>
    Number.isInteger(side) && (side as number) <= MAX_SIDE && (side as number) % (patchSize as number) === 0
  const isSize = Array.isArray(imageSize) && imageSize.length === 2 && imageSize.every(isSide)
  require('imageSize', isSize &&
    imageSize.every((side) => side > 0), `[height, width], multiples of ${patchSize}`)
  const isWhole = (hiddenSize as number) % (heads as number) === 0
  require('heads', isWhole, `a divisor of hiddenSize ${hiddenSize}`)
  require('absolutePositions', typeof absolutePositions === 'boolean', 'true or false')
  require('relativePositions', isOneOf(
    ['none', 'shared', 'per-block'],
    relativePositions,
  ), 'none, shared or per-block')
  require('pooling', pooling === undefined || isOneOf(['mean', 'cls'], pooling), 'mean or cls')
  return given as unknown as BeitArchitecture
}

const isOneOf = (choices: readonly string[], value: unknown) => choices.includes(value as string)
