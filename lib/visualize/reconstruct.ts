/** Masked patches filled in: what the model thinks is behind the mask, through the tokenizer's decoder. */
import sharp from 'sharp'
import { normalizationOf } from '../data/normalization.js'
import { percent } from '../log/format.js'
import { defined, type OptionSchema, type OptionSpec, validateOptions } from '../options.js'
import { maskOf } from '../train/pretrain.js'
import { type PretrainSettings, pretrainSchema } from '../train/pretrain_options.js'
import { imageChoiceSchema, imagesOption } from './image_choice.js'
import { maskedPredictions } from './masked_predictions.js'
import { MASK_NAMES } from './masks.js'
import { coverMasked } from './patches.js'
import type { Picture } from './picture.js'
import type { RgbImage } from './rgb_image.js'
import { drawSheet, type Tile } from './sheet.js'

const CELL = 128

type Chosen = Pick<PretrainSettings, 'model' | 'tokenizer' | 'data' | (typeof MASK_NAMES)[number]>

/** What {@link reconstructSchema} describes, with its defaults filled in. */
export interface ReconstructSettings extends Chosen {
  /** Number of images. Default 8. */
  count: number
  /** Chooses the images. Default 0. */
  seed: number
}

/** See {@link reconstruct}. */
export type ReconstructOptions = Pick<Chosen, 'model' | 'tokenizer' | 'data'> & Partial<ReconstructSettings>

/** The options of `visualize.reconstruct()` as data: types, ranges, defaults and texts. */
export const reconstructSchema: OptionSchema = {
  model: { ...(pretrainSchema.model as OptionSpec), doc: 'A trained model' },
  tokenizer: { ...(pretrainSchema.tokenizer as OptionSpec), doc: 'That of its training, with a decoder' },
  data: imagesOption('Images to mask'),
  ...imageChoiceSchema('images', 8),
  ...(Object.fromEntries(MASK_NAMES.map((name) => [name, pretrainSchema[name]])) as OptionSchema),
}

/**
 * Draws images with masked patches filled in: the most likely token of each masked patch is decoded, and its pixels
 * stand in the place of the patch (https://arxiv.org/abs/2106.08254, section 2.4). The rows are the original, what the
 * model saw, its reconstruction, and the same by the right tokens: better than the last no model can be with this
 * tokenizer.
 *
 * Tokens are decoded all together, those of visible patches being the right ones; as a token sees a little more than
 * its patch, a filled patch can show a trace of what is around it.
 *
 * @param options
 * - `model`, a BeitForMaskedImageModeling; its `preprocessing` says how images are made, else ImageNet's mean and
 *   deviation are taken
 * - `tokenizer` of its training, with a decoder
 * - `data`, of which `count` images (1 to 256, 8 unless told) are chosen by `seed`, as are their masks
 * - `maskMode`, `maskPatches`, `minMaskPatchesPerBlock`, `maxMaskPatchesPerBlock`, `minMaskAspect` as in `pretrain()`
 * @throws BeitError ERR_INVALID_ARGUMENT for unknown options, values out of range and a tokenizer that does not fit the
 * model or has no decoder; ERR_DATA when no image can be read
 * @example
 * const picture = await visualize.reconstruct({ model, tokenizer, data, count: 6 })
 * await picture.save('reconstructed.png')
 */
export async function reconstruct(options: ReconstructOptions): Promise<Picture> {
  const settings = validateOptions<ReconstructSettings>(
    'visualize.reconstruct',
    reconstructSchema,
    defined(options),
  )
  const { model, data } = settings
  const { grid } = model
  const known = model.preprocessing ?? normalizationOf({ normalization: 'imagenet', mean: null, std: null })
  const found = await maskedPredictions(
    settings,
    {
      interpolation: 'bicubic',
      ...known,
      tokenInterpolation: 'lanczos',
      mask: maskOf(settings as Chosen as PretrainSettings, grid),
    },
    settings,
  )
  const { originals, maskOfImage, scores } = found
  const filled = (fillings: readonly RgbImage[]): Promise<Tile[]> =>
    Promise.all(
      originals.map(async (image, i) => ({
        image: fill(image, await resized(fillings[i] as RgbImage, image), maskOfImage(i), grid),
      })),
    )
  const right = scores.reduce((sum, one) => sum + one.right, 0)
  const masked = scores.reduce((sum, one) => sum + one.masked, 0)
  return drawSheet({
    title: 'Reconstruction of masked patches',
    subtitle: `${right} of ${masked} masked tokens right (${percent(right / masked)}) · images of ${data.name}`,
    rows: [
      { name: ['Original'], tiles: originals.map((image) => ({ image })) },
      {
        name: ['Masked'],
        tiles: originals.map((image, i) => ({
          image,
          overlay: (cell) => coverMasked(maskOfImage(i), grid, cell),
        })),
      },
      { name: ['Reconstructed', 'by the model'], tiles: await filled(found.decodedMixed) },
      { name: ['Right tokens', 'the best there is'], tiles: await filled(found.decoded) },
    ],
    footers: scores.map((one) => `${one.right} of ${one.masked} right`),
    cell: CELL,
  })
}

/** `image` in the size of `like`. */
async function resized(image: RgbImage, { width, height }: RgbImage): Promise<RgbImage> {
  if (image.width === width && image.height === height) return image
  const raw = { width: image.width, height: image.height, channels: 3 } as const
  const rgb = await sharp(image.rgb, { raw })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer()
  return { width, height, rgb }
}

/** `image` with its masked patches taken from `filling`, which has the same size. */
export function fill(
  image: RgbImage,
  filling: RgbImage,
  mask: ArrayLike<number>,
  [rows, columns]: readonly [number, number],
): RgbImage {
  const { width, height } = image
  const rgb = Uint8Array.from(image.rgb)
  const [patchWidth, patchHeight] = [width / columns, height / rows]
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / patchHeight) * columns
    for (let column = 0; column < columns; column++) {
      if (!mask[row + column]) continue
      const from = (y * width + column * patchWidth) * 3
      rgb.set(filling.rgb.subarray(from, from + patchWidth * 3), from)
    }
  }
  return { width, height, rgb }
}
