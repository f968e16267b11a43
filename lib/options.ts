/**
 * Options as data: one table a call says what each option is. The API validates with it, the command line
 * makes its flags and help from it, and the run's settings file is written from it, so the three cannot
 * differ.
 */
import { BeitError, invalidArgument } from './errors.js'

interface Common {
  /** One line for the help: what it is, with its unit. */
  doc: string
  /** What stands for the value in the help, where neither name nor type tells. */
  placeholder?: string
}

/** What values an option takes. `default: null` with `optional` means: not set. */
export type OptionSpec = Common &
  (
    | { type: 'number' | 'integer'; default: number | null; min?: number; max?: number; optional?: boolean }
    | { type: 'string'; default: string | null; optional?: boolean }
    | { type: 'boolean'; default: boolean }
    /** True and false, or a string that says more than true does. */
    | { type: 'boolean-or-string'; default: boolean }
    | { type: 'choice'; choices: readonly string[]; default: string | null; optional?: boolean }
    /** A fixed number of numbers: [0.9, 0.999]; `size` null: as many as one likes, or one without an array. */
    | {
        type: 'numbers'
        size: number | null
        default: readonly number[] | null
        min?: number
        max?: number
        optional?: boolean
      }
    /** Objects (a model, a data source, a signal): checked by the caller, absent from the command line. */
    | {
        type: 'object'
        check: (value: unknown) => boolean
        expected: string
        optional?: boolean
        default?: null
      }
  )

/** Options by name: what one call takes. */
export type OptionSchema = Record<string, OptionSpec>

/**
 * Checks `given` against `schema` and fills in the defaults. Unknown names are refused with the nearest valid
 * one.
 * @param where the call, for messages: "pretrain"
 */
export function validateOptions<T>(where: string, schema: OptionSchema, given: object): T {
  checkNames(where, Object.keys(schema), given)
  const result: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(schema)) {
    const value = (given as Record<string, unknown>)[name]
    result[name] =
      value === undefined ? defaultOf(where, name, spec) : checked(`${where}: ${name}`, spec, value)
  }
  return result as T
}

/** Refuses what is no object, and names that are not in `valid`, with the nearest one that is. */
export function checkNames(where: string, valid: readonly string[], given: object): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidArgument(`the options of ${where}`, 'an object', given)
  }
  for (const name of Object.keys(given)) {
    if (!valid.includes(name)) {
      throw new BeitError('ERR_INVALID_ARGUMENT', `${where} has no option '${name}'${suggest(name, valid)}`)
    }
  }
}

function defaultOf(where: string, name: string, spec: OptionSpec): unknown {
  const value = spec.default ?? null
  if (value === null && !('optional' in spec && spec.optional)) {
    throw new BeitError('ERR_INVALID_ARGUMENT', `${where} needs the option '${name}': ${spec.doc}`)
  }
  return value
}

function checked(name: string, spec: OptionSpec, value: unknown): unknown {
  if (value === null && 'optional' in spec && spec.optional) return null
  switch (spec.type) {
    case 'number':
    case 'integer': {
      const right = spec.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)
      if (!right || !inRange(spec, value as number)) {
        // Whole, and yet no integer that JavaScript counts in.
        const isTooLarge = !right && Number.isInteger(value)
        const limits = isTooLarge ? { max: Number.MAX_SAFE_INTEGER, ...spec } : spec
        throw invalidArgument(name, `${article(spec.type)}${range(limits)}`, value)
      }
      return value
    }
    case 'numbers': {
      const numbers = spec.size === null && typeof value === 'number' ? [value] : value
      const right =
        Array.isArray(numbers) &&
        (spec.size === null ? numbers.length > 0 : numbers.length === spec.size) &&
        numbers.every((x) => Number.isFinite(x) && inRange(spec, x))
      if (!right) {
        const expected = spec.size === null ? 'one or more numbers' : `an array of ${spec.size} numbers`
        throw invalidArgument(name, `${expected}${range(spec)}`, value)
      }
      return numbers
    }
    case 'string':
      if (typeof value !== 'string' || value === '') throw invalidArgument(name, 'a string', value)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw invalidArgument(name, 'true or false', value)
      return value
    case 'boolean-or-string':
      if (typeof value !== 'boolean' && (typeof value !== 'string' || value === ''))
        throw invalidArgument(name, 'true, false or a string', value)
      return value
    case 'choice':
      if (!spec.choices.includes(value as string)) {
        const hint = typeof value === 'string' ? didYouMean(value, spec.choices) : ''
        throw new BeitError(
          'ERR_INVALID_ARGUMENT',
          `${name} must be one of ${spec.choices.join(', ')}, got ${JSON.stringify(value)}${hint}`,
        )
      }
      return value
    case 'object':
      if (!spec.check(value)) throw invalidArgument(name, spec.expected, value)
      return value
  }
}

interface Range {
  min?: number
  max?: number
}

const inRange = ({ min = -Infinity, max = Infinity }: Range, x: number) => x >= min && x <= max
const article = (type: 'number' | 'integer') => (type === 'integer' ? 'an integer' : 'a number')

function range({ min, max }: Range): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`
  if (min !== undefined) return ` of at least ${min}`
  return max !== undefined ? ` of at most ${max}` : ''
}

/** "; did you mean 'batchSize'?" when a valid name is near, else the list of them. */
export function suggest(name: string, valid: readonly string[]): string {
  return didYouMean(name, valid) || `; there are ${valid.join(', ')}`
}

function didYouMean(name: string, valid: readonly string[]): string {
  const candidate = near(name, valid)
  return candidate === null ? '' : `; did you mean '${candidate}'?`
}

/** The name that `name` was probably meant to be: two letters off, or a third of them; null: there is none. */
export function near(name: string, valid: readonly string[]): string | null {
  const best = valid
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return best !== undefined && best.distance <= Math.max(2, name.length / 3) ? best.candidate : null
}

/** Without the keys whose value is undefined, which must not hide a default. */
export function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min((previous[j] as number) + 1, (current[j - 1] as number) + 1, substitution))
    }
    previous = current
  }
  return previous[b.length] as number
}
