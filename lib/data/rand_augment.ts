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

/** What a number in the grammar is, and which setting it stands for. */
interface Part {
  doc: string
  setting: keyof RandAugmentSettings
  expected: string
  right(value: number): boolean
  /** The setting that a number means; default: the number. */
  meaning?(value: number): number | boolean
}

const numberFrom = (low: number, high: number) => ({
  expected: `a number from ${low} to ${high}`,
  right: (x: number) => x >= low && x <= high,
})

const PARTS: Record<string, Part> = {
  m: { doc: 'magnitude', setting: 'magnitude', ...numberFrom(0, 1000) },
  n: {
    doc: 'operations for an image',
    setting: 'layers',
    expected: 'an integer from 1 to 100',
    right: (x) => x >= 1 && x <= 100 && Number.isInteger(x),
  },
  p: { doc: 'probability of each operation', setting: 'probability', ...numberFrom(0, 1) },
  mstd: {
    doc: 'standard deviation of the magnitude',
    setting: 'magnitudeStd',
    expected: 'a number of at least 0, or inf',
    right: (x) => x >= 0,
    meaning: (x) => (x > LARGEST_DEVIATION ? Number.POSITIVE_INFINITY : x),
  },
  mmax: { doc: 'largest magnitude', setting: 'maxMagnitude', ...numberFrom(0, 1000) },
  inc: {
    doc: 'operations that do more the greater the magnitude',
    setting: 'increasing',
    expected: '0 or 1',
    right: (x) => x === 0 || x === 1,
    meaning: (x) => x === 1,
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
    Object.assign(settings, { [known.setting]: known.meaning?.(value) ?? value })
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
