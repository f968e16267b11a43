/**
 * What is done to an image before a classifier sees it: the evaluation side of its training, which travels
 * with the model.
 */
import { invalidArgument } from '../errors.js'

/** How an image becomes the pixels of a model. */
export interface ImagePreprocessing {
  /** Normalisation a channel: (x - mean) / std with x in [0, 1]. */
  readonly mean: readonly [number, number, number]
  /** Of the normalisation, a channel. */
  readonly std: readonly [number, number, number]
  /** How an image is resized. */
  readonly interpolation: 'bilinear' | 'bicubic' | 'lanczos'
  /**
   * In (0, 1]: the shorter side is resized to that of the model's view over `cropShare`, and the middle is
   * cut out. 'whole': the whole image is resized to the view, whatever its shape.
   */
  readonly cropShare: number | 'whole'
}

const HALF = [0.5, 0.5, 0.5] as const

/**
 * Complete, checked preprocessing for a model of `imageSize`. Defaults as the original has them: mean and
 * standard deviation 0.5, bicubic, cropShare 0.875 (256 for 224), and 1 from 384 pixels on and up to 32.
 * @throws BeitError ERR_INVALID_ARGUMENT
 * @example
 * imagePreprocessing({ interpolation: 'bilinear' }, [224, 224]) // mean and std 0.5, cropShare 0.875
 */
export function imagePreprocessing(
  given: Partial<ImagePreprocessing>,
  imageSize: readonly [number, number],
): ImagePreprocessing {
  if (typeof given !== 'object' || given === null) throw invalidArgument('preprocessing', 'an object', given)
  const known: readonly string[] = ['mean', 'std', 'interpolation', 'cropShare']
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw invalidArgument('preprocessing', `an object of ${known.join(', ')}`, unknown)
  const {
    mean = HALF,
    std = HALF,
    interpolation = 'bicubic',
    cropShare = defaultCropShare(imageSize),
  } = given
  const triple = (value: unknown, right: (x: number) => boolean) =>
    Array.isArray(value) && value.length === 3 && value.every((x) => Number.isFinite(x) && right(x))
  const must = (right: boolean, name: string, expected: string, value: unknown) => {
    if (!right) throw invalidArgument(`preprocessing: ${name}`, expected, value)
  }
  must(
    triple(mean, () => true),
    'mean',
    'an array of 3 numbers',
    mean,
  )
  must(
    triple(std, (x) => x > 0),
    'std',
    'an array of 3 numbers above 0',
    std,
  )
  must(INTERPOLATIONS.includes(interpolation), 'interpolation', INTERPOLATIONS.join(' or '), interpolation)
  const share = cropShare === 'whole' || (typeof cropShare === 'number' && cropShare > 0 && cropShare <= 1)
  must(share, 'cropShare', "a number above 0 and up to 1, or 'whole'", cropShare)
  return Object.freeze({ mean, std, interpolation, cropShare })
}

const INTERPOLATIONS: readonly string[] = ['bilinear', 'bicubic', 'lanczos']

function defaultCropShare([height, width]: readonly [number, number]): number {
  const side = Math.min(height, width)
  return side >= 384 || side <= 32 ? 1 : 0.875
}
