/** What the codes of a tokenizer stand for: patches of images that became each of them, and how often that happens. */
import { batches } from '../data/batches.js'
import type { ImageSource } from '../data/image_source.js'
import { evaluationViews } from '../data/view_settings.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import { counted, grouped, percent } from '../log/format.js'
import { type ImageSize, imageSizePair } from '../models/image_size.js'
import { defined, type OptionSchema, validateOptions } from '../options.js'
import { Tensor } from '../tensor.js'
import { encodeBatch } from '../tokenizers/encode_batch.js'
import { type ImageTokenizer, TokenizerModule } from '../tokenizers/image_tokenizer.js'
import { CodeExamples } from './code_examples.js'
import { codebookUse } from './codebook_grid.js'
import { imagesOption } from './image_choice.js'
import type { Picture } from './picture.js'
import { cut, imagesOf, type RgbImage } from './rgb_image.js'
import { drawSheet } from './sheet.js'

const CELL = 64
/** Tokens on a side of the flat image of one code: enough that its middle does not see the edge. */
const FLAT = 5

/** What {@link codebookSchema} describes, with its defaults filled in. */
export interface CodebookSettings {
  /** Whose codes to look at. */
  tokenizer: ImageTokenizer
  /** Images whose patches to show. */
  data: ImageSource
  /** Size of the images in pixels, N or HEIGHT,WIDTH; unset: that of its training, or 112. */
  imageSize: readonly number[] | null
  /** The codes to show; unset: those used most. */
  codes: readonly number[] | null
  /** Number of codes, where they are not named. Default 16. */
  count: number
  /** Patches of each code. Default 12. */
  patches: number
  /** Images to look for them in. Default 500. */
  images: number
  /** Images that go through the tokenizer at once. Default 32. */
  batchSize: number
  /** Chooses the images and the patches. Default 0. */
  seed: number
}

/** See {@link codebook}. */
export type CodebookOptions = Pick<CodebookSettings, 'tokenizer' | 'data'> &
  Partial<Omit<CodebookSettings, 'imageSize'>> & { imageSize?: ImageSize | null }

/** The options of `visualize.codebook()` as data: types, ranges, defaults and texts. */
export const codebookSchema: OptionSchema = {
  tokenizer: {
    type: 'object',
    check: (value) => value instanceof TokenizerModule,
    expected: 'an image tokenizer',
    doc: 'Whose codes to look at',
  },
  data: imagesOption('Images whose patches to show'),
  imageSize: {
    type: 'numbers',
    size: null,
    min: 1,
    max: 65_536,
    default: null,
    optional: true,
    doc: 'Size of the images in pixels, N or HEIGHT,WIDTH; unset: that of its training, or 112',
  },
  codes: {
    type: 'numbers',
    size: null,
    min: 0,
    default: null,
    optional: true,
    placeholder: 'N,N',
    doc: 'The codes to show; unset: those used most',
  },
  count: { type: 'integer', min: 1, max: 256, default: 16, doc: 'Number of codes, where they are not named' },
  patches: { type: 'integer', min: 1, max: 64, default: 12, doc: 'Patches of each code' },
  images: { type: 'integer', min: 1, default: 500, doc: 'Images to look for them in' },
  batchSize: { type: 'integer', min: 1, default: 32, doc: 'Images that go through the tokenizer at once' },
  seed: { type: 'integer', min: 0, default: 0, doc: 'Chooses the images and the patches' },
}

/**
 * Draws which patches each code of a tokenizer stands for: a row a code, the most used first, with its share of all
 * tokens, what the decoder makes of the code alone, and patches that became it, each from another image as far as
 * there are as many. The headline has the use of the whole codebook; {@link drawCodebook} draws that as a grid.
 *
 * A token sees more of an image than its patch, so patches that look alike can have different codes.
 *
 * @param options
 * - `tokenizer`, `data` and `imageSize`: N or [height, width], multiples of the tokenizer's stride; unset: the size
 *   of its training, or 112
 * - `codes` to show, each 0 to V - 1; without it the `count` (1 to 256, 16 unless told) used most
 * - `patches` of each code, 1 to 64; 12 unless told
 * - `images` to look in, taken by `seed`; 500 unless told; `batchSize` of them at once
 * @throws BeitError ERR_INVALID_ARGUMENT for unknown options, values out of range, codes that the tokenizer does not
 * have and sizes that its stride does not divide; ERR_DATA when no image can be read
 * @example
 * const picture = await visualize.codebook({ tokenizer, data, imageSize: 32, count: 8 })
 * await picture.save('codebook.png')
 */
export async function codebook(options: CodebookOptions): Promise<Picture> {
  const settings = validateOptions<CodebookSettings>('visualize.codebook', codebookSchema, defined(options))
  const { tokenizer, data, patches } = settings
  checkCodes(settings)
  const imageSize = sizeOf(settings)
  const grid = tokenizer.gridSize(imageSize)

  const found = await examples(settings, imageSize, grid)
  const { counts } = found
  const total = counts.reduce((sum, count) => sum + count, 0)
  const codes = settings.codes ?? mostUsed(counts, settings.count)
  const decoded = await decodedAlone(tokenizer, codes)
  const use = codebookUse(counts)
  const rows = codes.map((code, i) => {
    const alone = decoded === null ? [] : [{ image: decoded[i] as RgbImage }]
    const count = counts[code] as number
    const tiles = [...alone, ...found.of(code).map((image) => ({ image }))]
    return {
      name: [`Code ${code}`, count === 0 ? 'never chosen' : `${percent(count / total)} of tokens`],
      tiles: tiles.length > 0 ? tiles : [{ image: blank(tokenizer.stride) }],
    }
  })
  return drawSheet({
    title: 'What the codes stand for',
    subtitle:
      `${grouped(use.used)} of ${counted(counts.length, 'code')} used · perplexity ${grouped(Math.round(use.perplexity))} · ` +
      `${grouped(total)} tokens of ${counted(found.images, 'image')} of ${data.name}`,
    rows,
    footers: [...(decoded === null ? [] : ['decoded']), ...(patches > 2 ? ['patches'] : [])],
    cell: CELL,
  })
}

/** In the place of patches that there are not. */
const blank = (side: number): RgbImage => ({
  width: side,
  height: side,
  rgb: new Uint8Array(side * side * 3).fill(240),
})

function checkCodes({ codes, tokenizer }: CodebookSettings): void {
  const wrong = codes?.find((code) => !Number.isInteger(code) || code >= tokenizer.vocabSize)
  if (wrong === undefined) return
  throw new BeitError(
    'ERR_INVALID_ARGUMENT',
    `visualize.codebook: codes must be whole numbers from 0 to ${tokenizer.vocabSize - 1}, got ${wrong}`,
  )
}

/** That of the option, or of the tokenizer's training, or the 112 pixels at which BEiT's tokenizer sees images. */
function sizeOf({ imageSize, tokenizer }: CodebookSettings): readonly [number, number] {
  if (imageSize !== null) {
    const [height, width = height] = imageSize as [number, number?]
    return imageSizePair([height, width])
  }
  const { imageSize: trained } = tokenizer.config as { imageSize?: readonly [number, number] }
  return trained ?? [112, 112]
}

async function examples(
  { tokenizer, data, images, batchSize, patches, seed }: CodebookSettings,
  imageSize: readonly [number, number],
  [height, width]: readonly [number, number],
): Promise<CodeExamples> {
  const found = new CodeExamples(tokenizer.vocabSize, patches, seed)
  const views = evaluationViews({ imageSize, tokenImageSize: null, maskGrid: null })
  const stream = batches(data, { views, batchSize, seed, epochs: 1, dropLast: false, maxBrokenShare: 1 })
  for await (const batch of stream) {
    using held = batch
    const tokens = await encodeBatch(tokenizer, held.pixels)
    const pictures = await imagesOf(held.pixels)
    for (const [i, picture] of pictures.entries()) {
      if (found.images === images) break
      const own = tokens.subarray(i * height * width, (i + 1) * height * width)
      found.add(own, (place) => {
        const [row, column] = [Math.floor(place / width), place % width]
        return cut(picture, column * tokenizer.stride, row * tokenizer.stride, tokenizer.stride)
      })
    }
    if (found.images === images) break
  }
  if (found.images === 0) throw new BeitError('ERR_DATA', `no image of ${data.name} can be read`)
  return found
}

/** The codes chosen most often, of those that were chosen at all. */
function mostUsed(counts: Float64Array, count: number): number[] {
  return [...counts.keys()]
    .filter((code) => (counts[code] as number) > 0)
    .sort((a, b) => (counts[b] as number) - (counts[a] as number) || a - b)
    .slice(0, count)
}

/** The middle of what a flat image of each code is decoded to; null where there is no decoder. */
async function decodedAlone(tokenizer: ImageTokenizer, codes: readonly number[]): Promise<RgbImage[] | null> {
  if ((tokenizer.config as { decoder?: boolean }).decoder === false) return null
  const tokens = BigInt64Array.from(
    codes.flatMap((code) => new Array<bigint>(FLAT * FLAT).fill(BigInt(code))),
  )
  const images = await scope(async () => {
    const shape = [codes.length, FLAT, FLAT]
    return imagesOf(await tokenizer.decode(Tensor.from(tokens, shape, { device: tokenizer.device })))
  })
  const [middle, side] = [Math.floor(FLAT / 2) * tokenizer.stride, tokenizer.stride]
  return images.map((image) => cut(image, middle, middle, side))
}
