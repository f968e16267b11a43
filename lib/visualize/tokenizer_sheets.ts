/** What a tokenizer makes of images: reconstructions side by side, and how often each code is used. */
import { batches } from '../data/batches.js'
import { floatPixels } from '../data/float_pixels.js'
import type { ImageSource } from '../data/image_source.js'
import { evaluationViews } from '../data/view_settings.js'
import { scope } from '../dispose.js'
import { type ImageSize, imageSizePair } from '../models/image_size.js'
import type { ViewSettings } from '../native.js'
import { encodeBatch } from '../tokenizers/encode_batch.js'
import type { ImageTokenizer } from '../tokenizers/image_tokenizer.js'
import { someImages } from './image_batches.js'
import type { Picture } from './picture.js'
import { imagesOf, type RgbImage } from './rgb_image.js'
import { drawSheet } from './sheet.js'

const COLUMNS = 8

/** What is drawn. */
export interface TokenizerSheetOptions {
  /** Whose tokens. */
  tokenizer: ImageTokenizer
  /** Where the images come from. */
  data: ImageSource
  /** Side of the images, or [height, width]: multiples of the tokenizer's stride. */
  imageSize: ImageSize
  /** Number of images; 16 unless told. */
  count?: number
  /** Chooses the images; 0 unless told. */
  seed?: number
}

/**
 * Draws images above what the tokenizer's decoder makes of their tokens.
 *
 * @example
 * const picture = await reconstructionSheet({ tokenizer, data, imageSize: 32 })
 * await picture.save('runs/tokenizer/reconstructions.png')
 */
export async function reconstructionSheet(options: TokenizerSheetOptions): Promise<Picture> {
  const { tokenizer, data, count = 2 * COLUMNS, seed = 0 } = options
  using batch = await someImages(data, viewsOf(options), count, seed)
  const decoded = await scope(async () => {
    const tokens = await tokenizer.encode(await floatPixels(batch.pixels, tokenizer.device))
    return imagesOf(await tokenizer.decode(tokens))
  })
  const originals = await imagesOf(batch.pixels)
  const rows = Array.from({ length: Math.ceil(originals.length / COLUMNS) }, (_, i) => {
    const part = (images: readonly RgbImage[]) =>
      images.slice(i * COLUMNS, (i + 1) * COLUMNS).map((image) => ({ image }))
    return [
      { name: ['Original'], tiles: part(originals) },
      { name: ['Reconstruction'], tiles: part(decoded) },
    ]
  })
  const [height, width] = imageSizePair(options.imageSize)
  const tokens = (height / tokenizer.stride) * (width / tokenizer.stride)
  return drawSheet({
    title: 'Tokenizer',
    subtitle:
      `${tokens} tokens an image, ${tokenizer.vocabSize} codes · mean absolute error ` +
      `${meanAbsoluteError(originals, decoded).toFixed(4)} of 1 · images of ${data.name}`,
    rows: rows.flat(),
  })
}

/**
 * How often each code is chosen in `images` images (2000 unless told) taken at random: vocabSize counts, for
 * {@link drawCodebook}.
 * @example
 * const counts = await countCodes({ tokenizer, data, imageSize: 32, images: 8 })
 */
export async function countCodes(
  options: Omit<TokenizerSheetOptions, 'count' | 'seed'> & { images?: number; batchSize?: number },
): Promise<Float64Array> {
  const { tokenizer, data, images = 2000, batchSize = 32 } = options
  const counts = new Float64Array(tokenizer.vocabSize)
  let left = images
  for await (const batch of batches(data, {
    views: viewsOf(options),
    batchSize,
    epochs: 1,
    dropLast: false,
    maxBrokenShare: 1,
  })) {
    for (const token of await encodeBatch(tokenizer, batch.pixels)) (counts[Number(token)] as number)++
    left -= batch.indices.length
    batch.dispose()
    if (left <= 0) break
  }
  return counts
}

function viewsOf({ imageSize }: Pick<TokenizerSheetOptions, 'imageSize'>): ViewSettings {
  return evaluationViews({ imageSize: imageSizePair(imageSize), tokenImageSize: null, maskGrid: null })
}

function meanAbsoluteError(a: readonly RgbImage[], b: readonly RgbImage[]): number {
  let [sum, count] = [0, 0]
  a.forEach((image, i) => {
    const other = b[i] as RgbImage
    image.rgb.forEach((value, j) => {
      sum += Math.abs(value - (other.rgb[j] as number))
    })
    count += image.rgb.length
  })
  return sum / count / 255
}
