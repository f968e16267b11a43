/**
 * What a data set is to the library: a fixed, ordered list of places where encoded images lie. Reading and
 * decoding are the business of batches(); a source only says where.
 */
import { inspect } from 'node:util'
import { BeitError } from '../errors.js'

/** Where one encoded image lies. */
export interface ImageSample {
  /** The file: the image itself, or the tar shard that holds it. */
  path: string
  /** First byte of the image in the file. */
  offset: number
  /** Number of bytes; -1: the whole file. */
  length: number
  /**
   * Name of the sample inside its data set, for messages: the path below the folder, or the key of the shard.
   */
  key: string
  /** Class, as an index into `classes`; null: unlabelled. */
  label: number | null
}

/**
 * An ordered set of images. The order of a source never depends on the machine, so an index names a sample.
 */
export interface ImageSource {
  /** For messages and settings files: the path or pattern it was opened with. */
  readonly name: string
  /** Number of images. */
  readonly length: number
  /** Class names; null: no sample has a label. */
  readonly classes: readonly string[] | null
  /** Are `classes` the ids 0, 1, ... as text, because they have no names? Unset: they are names. */
  readonly classesAreIds?: boolean
  /** Folders that would be classes, if there were an image in them; not among `classes`. */
  readonly emptyClasses?: readonly string[]
  /** Digest of the listing (names and positions, not contents). A resumed run compares it. */
  readonly fingerprint: string
  /** Sample `index`, 0 <= index < length; anything else throws `ERR_INVALID_ARGUMENT`. */
  sample(index: number): ImageSample
}

/** Whether options got a source at all, of this library or of one's own. */
export function isImageSource(value: unknown): value is ImageSource {
  if (typeof value !== 'object' || value === null) return false
  const { sample, length, name, fingerprint } = value as ImageSource
  const hasSamples = typeof sample === 'function' && Number.isSafeInteger(length) && length >= 0
  return hasSamples && typeof name === 'string' && typeof fingerprint === 'string'
}

/**
 * Sample `index` of a source, which may be one's own.
 * @throws BeitError ERR_DATA when it says no place
 */
export function sampleOf(source: ImageSource, index: number): ImageSample {
  const sample: ImageSample | null | undefined = source.sample(index)
  const { path, offset, length } = sample ?? {}
  const isPlace = typeof path === 'string' && Number.isSafeInteger(offset) && Number.isSafeInteger(length)
  if (!isPlace) {
    throw new BeitError(
      'ERR_DATA',
      `sample ${index} of ${source.name} must be { path, offset, length, key, label }, got ${inspect(sample)}`,
    )
  }
  return sample as ImageSample
}

/** File name extensions taken for images, in lower case. What a file really is shows when it is decoded. */
export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
  'jpg',
  'jpeg',
  'png',
  'ppm',
  'pgm',
  'bmp',
  'tif',
  'tiff',
  'webp',
  'gif',
  'avif',
])

/** Whether a file name ends in one of {@link IMAGE_EXTENSIONS}; upper case counts too. */
export function isImageName(name: string): boolean {
  const dot = name.lastIndexOf('.')
  return dot >= 0 && IMAGE_EXTENSIONS.has(name.slice(dot + 1).toLowerCase())
}
