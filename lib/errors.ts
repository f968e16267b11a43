/**
 * The errors of the library: one class, stable codes. Messages say what, where, expected, got, and what to
 * do.
 */
import { inspect } from 'node:util'
import { packageRoot } from './installation.js'

/** Every code a {@link BeitError} can carry. Codes never change their meaning. */
export type BeitErrorCode =
  /** An argument or option has a wrong type, range or name. */
  | 'ERR_INVALID_ARGUMENT'
  /** Shapes or sizes do not fit together. */
  | 'ERR_SHAPE_MISMATCH'
  /** A handle was used after `dispose()`. */
  | 'ERR_DISPOSED'
  /** The addon has not been built, or cannot be loaded. */
  | 'ERR_ADDON_NOT_LOADED'
  /** No libtorch was found, or one that cannot be used. */
  | 'ERR_LIBTORCH'
  /** The device is not there or not usable. */
  | 'ERR_DEVICE'
  /** Memory of the host or of the device ran out. */
  | 'ERR_OUT_OF_MEMORY'
  /** A file or folder cannot be read or written. */
  | 'ERR_IO'
  /** A data set is empty, or too many of its samples cannot be read. */
  | 'ERR_DATA'
  /** A file is not the format it should be. */
  | 'ERR_FORMAT'
  /** A checkpoint does not fit the model. */
  | 'ERR_CHECKPOINT_MISMATCH'
  /** No whole checkpoint to resume from. */
  | 'ERR_NO_CHECKPOINT'
  /** The output is there already: a folder with another run, or a file. */
  | 'ERR_OUTPUT_EXISTS'
  /** Loss or gradient were not finite several steps in a row. */
  | 'ERR_NON_FINITE'
  /** The work was given up because the environment is ending. */
  | 'ERR_CANCELLED'
  /** libtorch or the system reported something that fits no other code. */
  | 'ERR_NATIVE'

/**
 * The one error class of the library.
 *
 * @example
 * try {
 *   await ImageFolder.open('no/such/folder')
 * } catch (error) {
 *   if (error instanceof BeitError && error.code === 'ERR_DATA') console.error(error.message)
 * }
 */
export class BeitError extends Error {
  /** Tells it in a stack from other errors. */
  override readonly name = 'BeitError'
  /** What went wrong, for programs. */
  readonly code: BeitErrorCode

  /** `options.cause` is the error that led to it. */
  constructor(code: BeitErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** "learningRate must be a positive number, got -1" with code `ERR_INVALID_ARGUMENT`. */
export function invalidArgument(name: string, expected: string, actual: unknown): BeitError {
  return new BeitError('ERR_INVALID_ARGUMENT', `${name} must be ${expected}, got ${describe(actual)}`)
}

/**
 * What objects of native memory answer under this name: the folder of the copy of the package that made them. A process
 * may have several, whose classes have the same names.
 */
export const COPY = Symbol.for('beit-torch.copy')

function describe(value: unknown): string {
  if (typeof value === 'string') return shortened(JSON.stringify(value))
  if (typeof value === 'function') return `function ${value.name}`
  if (Array.isArray(value)) return value.length > 8 ? `an array of ${value.length}` : written(value)
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`
  if (typeof value === 'object' && value !== null) {
    if (value.constructor === Object) return written(value)
    const copy = (value as { [COPY]?: string })[COPY] ?? packageRoot
    const origin = copy === packageRoot ? '' : ` of another copy of beit-torch, the one in ${copy}`
    return `a ${value.constructor?.name ?? 'object'}${origin}`
  }
  return String(value)
}

/** As JSON, or as `console.log` shows it where JSON has no word for a part of it: NaN, 1n, a cycle. */
function written(value: object): string {
  const exact = (_: string, part: unknown) => {
    const hasWord =
      typeof part === 'number' ? Number.isFinite(part) : part === null || JSON_TYPES.has(typeof part)
    if (!hasWord) throw new TypeError('not in JSON')
    return part
  }
  try {
    return shortened(JSON.stringify(value, exact))
  } catch {
    return shortened(inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 8 }))
  }
}

const JSON_TYPES: ReadonlySet<string> = new Set(['string', 'boolean', 'object'])

const MOST_CHARACTERS = 200

const shortened = (text: string) =>
  text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}...` : text
