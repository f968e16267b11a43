/** The flag --image-size: N for a square, or HEIGHT,WIDTH. */
import { invalidArgument } from '../errors.js'
import type { OptionSpec } from '../options.js'
import type { ImageTokenizer } from '../tokenizers/image_tokenizer.js'

/** The size at which BEiT's tokenizer sees the images of a 224-pixel model. */
const TOKENIZER_SIZE = 112

/** @param unset what holds when the flag is not given, for the help */
export const imageSizeFlag = (unset: string): OptionSpec => ({
  type: 'numbers',
  size: null,
  min: 1,
  max: 65_536,
  default: null,
  optional: true,
  doc: `Size of the images in pixels, N or HEIGHT,WIDTH; unset: ${unset}`,
})

/** [height, width], or undefined when the flag was not given. */
export function imageSizeOf({ imageSize }: Readonly<Record<string, unknown>>): [number, number] | undefined {
  if (imageSize == null) return undefined
  const [height, width = height, ...more] = imageSize as number[]
  if (height === undefined || width === undefined || more.length > 0)
    throw invalidArgument('--image-size', 'N or HEIGHT,WIDTH', imageSize)
  return [height, width]
}

/** That of the flag, or the size a tokenizer was trained on, or 112. */
export function tokenizerImageSize(
  values: Readonly<Record<string, unknown>>,
  tokenizer: ImageTokenizer,
): readonly [number, number] {
  const { imageSize: trained } = tokenizer.config as { imageSize?: readonly [number, number] }
  return imageSizeOf(values) ?? trained ?? [TOKENIZER_SIZE, TOKENIZER_SIZE]
}
