/** What a file may say of a model and what a configuration may be have the same limits. */
import { is, ok } from 'uvu/assert'
import { ARCHITECTURE_LIMITS } from '../../../lib/checkpoint/naming/architecture.js'
import { checkArchitecture } from '../../../lib/checkpoint/naming/check_architecture.js'
import { BeitError } from '../../../lib/errors.js'
import { beitConfigSchema, resolveBeitConfig } from '../../../lib/models/beit_config.js'
import { suite } from '../../support/suite.js'

const test = suite('the architecture in a file')

const WHOLE = resolveBeitConfig({ imageSize: 1, patchSize: 1, hiddenSize: 1, heads: 1 })

function passes(check: () => unknown, code: string): boolean {
  try {
    check()
    return true
  } catch (error) {
    ok(error instanceof BeitError && error.code === code, String(error))
    return false
  }
}

test('at and beyond each limit a file and a configuration are taken or refused alike', () => {
  const numbers = Object.entries(beitConfigSchema).filter(
    ([, { type }]) => type === 'integer' || type === 'number',
  )
  is(numbers.length, Object.keys(ARCHITECTURE_LIMITS).length)
  const seen = { taken: 0, refused: 0 }
  for (const [name] of numbers) {
    const { min, max = 1e300 } = beitConfigSchema[name] as { min: number; max?: number }
    for (const value of [min, max, 0, 1, min / 2, max * 2, min - 1, -1, 1.5, NaN, Infinity]) {
      const config = { ...WHOLE, [name]: value }
      if (name === 'patchSize') config.imageSize = [value, value]
      const taken = passes(() => checkArchitecture('a file', config), 'ERR_FORMAT')
      is(
        taken,
        passes(() => resolveBeitConfig(config), 'ERR_INVALID_ARGUMENT'),
        `${name} ${value}`,
      )
      seen[taken ? 'taken' : 'refused']++
    }
  }
  ok(seen.taken > 25 && seen.refused > 60, JSON.stringify(seen))
})

test('sides of an image, and heads that do not divide the width', () => {
  for (const more of [
    { imageSize: [65_536, 1] },
    { imageSize: [65_537, 1] },
    { imageSize: [0, 1] },
    { imageSize: [3, 4], patchSize: 2 },
    { imageSize: [2, 4], patchSize: 2 },
    { hiddenSize: 6, heads: 4 },
    { hiddenSize: 6, heads: 3 },
  ]) {
    const config = { ...WHOLE, ...more } as typeof WHOLE
    const taken = passes(() => checkArchitecture('a file', config), 'ERR_FORMAT')
    is(
      taken,
      passes(() => resolveBeitConfig(config), 'ERR_INVALID_ARGUMENT'),
      JSON.stringify(more),
    )
  }
})

test.run()
