/**
 * The grammar of RandAugment's settings that timm introduced and the original's fine-tuning uses:
 * `rand-m9-mstd0.5-inc1`. What is done with them is native/data/rand_augment.h.
 */
import { BeitError } from '../errors.js'
import type { RandAugmentSettings } from '../native.js'

/** Settings that the grammar does not have. */
export interface RandAugmentOptions {
  /** Normalisation of the model, 0 to 1 per channel: its colour fills what rotation and the like leave empty. */
  mean?: readonly number[]
  /**
   * Of the operations that move pixels. 'bicubic', the default, is what the original fine-tunes with: timm
   * takes that of the crop; 'random', bilinear or bicubic, is timm's when none is given.
   */
  interpolation?: RandAugmentSettings['interpolation']
}

/** timm reads a deviation above this one as "uniform from 0 to the magnitude". */
const LARGEST_DEVIATION = 100
const FULL_SCALE = 10

interface Part {
  doc: string
  expected: string
  right(value: number): boolean
  set(settings: RandAugmentSettings, value: number): void
}

const inRange =
  (low: number, high: number, integer = false) =>
  (x: number) =>
    x >= low && x <= high && (!integer || Number.isInteger(x))

const PARTS: Record<string, Part> = {
  m: {
    doc: 'magnitude',
    expected: 'a number from 0 to 1000',
    right: inRange(0, 1000),
    set: (settings, value) => {
      settings.magnitude = value
    },
  },
  n: {
    doc: 'operations for an image',
    expected: 'an integer from 1 to 100',
    right: inRange(1, 100, true),
    set: (settings, value) => {
      settings.layers = value
    },
  },
  p: {
    doc: 'probability of each operation',
    expected: 'a number from 0 to 1',
    right: inRange(0, 1),
    set: (settings, value) => {
      settings.probability = value
    },
  },
  mstd: {
    doc: 'standard deviation of the magnitude',
    expected: 'a number of at least 0, or inf',
    right: (x) => x >= 0,
    set: (settings, value) => {
      settings.magnitudeStd = value > LARGEST_DEVIATION ? Number.POSITIVE_INFINITY : value
    },
  },
  mmax: {
    doc: 'largest magnitude',
    expected: 'a number from 0 to 1000',
    right: inRange(0, 1000),
    set: (settings, value) => {
      settings.maxMagnitude = value
    },
  },
  inc: {
    doc: 'operations that do more the greater the magnitude',
    expected: '0 or 1',
    right: (x) => x === 0 || x === 1,
    set: (settings, value) => {
      settings.increasing = value === 1
    },
  },
}

/** 'mstd' before 'm'. */
const KEYS = Object.keys(PARTS).sort((a, b) => b.length - a.length)

/** Says what the parts of the grammar are. */
export const RAND_AUGMENT_GRAMMAR = `'rand' and then, joined by '-', any of ${Object.entries(PARTS)
  .map(([name, { doc }]) => `${name}X (${doc})`)
  .join(', ')}`

/**
 * Settings of `rand-m9-mstd0.5-inc1` and the like. Without a part: m10, n2, p0.5, mstd0, mmax10, inc0, as in
 * timm. Its `t` (other sets of operations) is not known here.
 * @throws BeitError ERR_INVALID_ARGUMENT that names the part
 * @example
 * const randAugment = parseRandAugment('rand-m9-mstd0.5-inc1', { mean: [0.5, 0.5, 0.5] })
 */
export function parseRandAugment(
  text: string,
  { mean = [0.5, 0.5, 0.5], interpolation = 'bicubic' }: RandAugmentOptions = {},
): RandAugmentSettings {
  const settings: RandAugmentSettings = {
    magnitude: FULL_SCALE,
    magnitudeStd: 0,
    maxMagnitude: FULL_SCALE,
    layers: 2,
    probability: 0.5,
    increasing: false,
    interpolation,
    fill: fillOf(mean),
  }
  const [kind, ...parts] = text.split('-')
  if (kind !== 'rand') throw wrong(text, `it begins with '${kind}'; expected ${RAND_AUGMENT_GRAMMAR}`)
  const seen = new Set<string>()
  for (const part of parts) {
    const key = KEYS.find((name) => part.startsWith(name))
    if (key === undefined) throw wrong(text, `there is no part '${part}'; expected ${RAND_AUGMENT_GRAMMAR}`)
    const known = PARTS[key] as Part
    const value = numberOf(part.slice(key.length))
    if (!known.right(value)) throw wrong(text, `part '${part}' (${known.doc}): expected ${known.expected}`)
    if (seen.has(key)) throw wrong(text, `'${key}' (${known.doc}) is given twice`)
    seen.add(key)
    known.set(settings, value)
  }
  if (settings.magnitude > settings.maxMagnitude) {
    throw wrong(
      text,
      `magnitude ${settings.magnitude} is above the largest one, ${settings.maxMagnitude}; ` +
        `lower m or add -mmax${settings.magnitude}`,
    )
  }
  return settings
}

function numberOf(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
}

/** The colour of 8 bits nearest to the mean, an exact half to the even one. */
function fillOf(mean: readonly number[]): [number, number, number] {
  const even = (x: number) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))
  const [red, green, blue] = mean.map((x) => Math.min(255, even(255 * x)))
  return [red as number, green as number, blue as number]
}

function wrong(text: string, problem: string): BeitError {
  return new BeitError('ERR_INVALID_ARGUMENT', `randAugment '${text}': ${problem}`)
}
