/** Where the heads of a block look, from the class token or from a patch. */
import { floatPixels } from '../data/float_pixels.js'
import type { ImageSource } from '../data/image_source.js'
import { normalizationOf } from '../data/normalization.js'
import { preprocessedViews } from '../data/preprocessed_views.js'
import { imagePreprocessing } from '../data/preprocessing.js'
import { scope } from '../dispose.js'
import { invalidArgument } from '../errors.js'
import { clipped, percent } from '../log/format.js'
import { BeitModel } from '../models/beit_model.js'
import { defined, type OptionSchema, validateOptions } from '../options.js'
import type { Tensor } from '../tensor.js'
import { someImages } from './image_batches.js'
import { imageChoiceSchema, imagesOption } from './image_choice.js'
import { outlineMasked } from './patches.js'
import type { Picture } from './picture.js'
import { imagesOf, type RgbImage } from './rgb_image.js'
import { glow } from './shades.js'
import { drawSheet, type Tile } from './sheet.js'

const CELL = 128
/** Letters that fit beside a row. */
const NAME_LENGTH = 17

/** What {@link attentionSchema} describes, with its defaults filled in. */
export interface AttentionSettings {
  /** The model to look into. */
  model: BeitModel
  /** Images to look at. */
  data: ImageSource
  /** Number of images. Default 4. */
  count: number
  /** Chooses the images. Default 0. */
  seed: number
  /** The block, from 0; unset: the last. */
  layer: number | null
  /** The patch that looks, from 0; unset: the class token. */
  patch: readonly number[] | null
  /** The heads to show, from 0; unset: all. */
  showHeads: readonly number[] | null
}

/** `patch`: [row, column] of the patch that looks. */
export type AttentionOptions = Pick<AttentionSettings, 'model' | 'data'> &
  Partial<Omit<AttentionSettings, 'patch'>> & { patch?: readonly [number, number] | null }

/** The options of `visualize.attention()` as data: types, ranges, defaults and texts. */
export const attentionSchema: OptionSchema = {
  model: {
    type: 'object',
    check: (value) => value instanceof BeitModel,
    expected: 'a BEiT',
    doc: 'The model to look into',
  },
  data: imagesOption('Images to look at'),
  ...imageChoiceSchema('images', 4),
  layer: {
    type: 'integer',
    min: 0,
    default: null,
    optional: true,
    doc: 'The block, from 0; unset: the last',
  },
  patch: {
    type: 'numbers',
    size: 2,
    min: 0,
    default: null,
    optional: true,
    placeholder: 'ROW,COLUMN',
    doc: 'The patch that looks, from 0; unset: the class token',
  },
  showHeads: {
    type: 'numbers',
    size: null,
    min: 0,
    default: null,
    optional: true,
    placeholder: 'N,N',
    doc: 'The heads to show, from 0; unset: all',
  },
}

/**
 * Draws where a block looks: a row an image, then the mean over all heads, then each head by itself. Brighter patches
 * get more attention; a map is scaled by its own largest value, so maps tell where, not how much. What goes to the
 * class token is not in the maps; beside each row stands its mean share.
 *
 * The numbers themselves are those of {@link BeitModel.attentionMaps}.
 *
 * @param options
 * - `model`, of either kind; its `preprocessing` says how images are made, else that of the release with ImageNet's
 *   mean and deviation
 * - `data`, of which `count` images (1 to 256, 4 unless told) are chosen by `seed`
 * - `layer` the block, 0 to depth - 1; unset: the last
 * - `patch` [row, column] of the patch that looks, outlined in white; unset: the class token looks
 * - `showHeads`, each 0 to heads - 1; unset: all
 * @throws BeitError ERR_INVALID_ARGUMENT for unknown options and for a block, patch or head that the model does not
 * have; ERR_DATA when no image can be read
 * @example
 * const picture = await visualize.attention({ model, data, layer: 1, patch: [1, 2], count: 3 })
 * await picture.save('attention.png')
 */
export async function attention(options: AttentionOptions): Promise<Picture> {
  const settings = validateOptions<AttentionSettings>(
    'visualize.attention',
    attentionSchema,
    defined(options),
  )
  const { model, data, count, seed } = settings
  const { config, grid } = model
  const layer = within('layer', settings.layer ?? config.depth - 1, config.depth)
  const heads = settings.showHeads ?? Array.from({ length: config.heads }, (_, head) => head)
  for (const head of heads) within('showHeads', head, config.heads)
  const patch = settings.patch && patchOf(settings.patch, grid)

  const preprocessing = model.preprocessing ?? imagePreprocessing(ASSUMED, config.imageSize)
  using batch = await someImages(data, preprocessedViews(config.imageSize, preprocessing), count, seed)
  const maps = await attentionFrom(model, batch.pixels, preprocessing, layer, patch === null ? 0 : patch + 1)
  const images = await imagesOf(batch.pixels)
  const marks = Array.from({ length: model.patches }, (_, i) => i === patch)
  const tile = (image: RgbImage): Tile => ({ image, overlay: (cell) => outlineMasked(marks, grid, cell) })

  const who =
    patch === null
      ? 'the class token'
      : `the patch in row ${settings.patch?.[0]}, column ${settings.patch?.[1]}`
  return drawSheet({
    title: 'Attention',
    subtitle: `from ${who} · block ${layer} (0 to ${config.depth - 1}) · images of ${data.name}`,
    rows: images.map((image, i) => {
      const all = maps[i] as Float64Array[]
      const mean = meanOf(all)
      const shown = [mean, ...heads.map((head) => all[head] as Float64Array)]
      return {
        name: [
          clipped(data.sample(batch.indices[i] as number).key, NAME_LENGTH),
          `${percent(mean[0] as number)} on cls`,
        ],
        tiles: [tile(image), ...shown.map((map) => tile(heat(image, map.subarray(1), grid)))],
      }
    }),
    footers: ['image', 'mean', ...heads.map((head) => `head ${head}`)],
    cell: CELL,
  })
}

const ASSUMED = normalizationOf({ normalization: 'imagenet', mean: null, std: null })

function within(name: string, value: number, limit: number): number {
  if (Number.isInteger(value) && value >= 0 && value < limit) return value
  throw invalidArgument(`visualize.attention: ${name}`, `a whole number from 0 to ${limit - 1}`, value)
}

/** The number of the patch in [row, column]. */
function patchOf([row, column]: readonly number[], [rows, columns]: readonly [number, number]): number {
  return (
    within('patch row', row as number, rows) * columns + within('patch column', column as number, columns)
  )
}

/** For each image and head what the token `query` takes from each token: N + 1 values, class token first. */
async function attentionFrom(
  model: BeitModel,
  pixels: Tensor,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
  layer: number,
  query: number,
): Promise<Float64Array[][]> {
  return scope(async () => {
    const input = await (await floatPixels(pixels, model.device, mean, std)).to({ dtype: model.dtype })
    const maps = await model.attentionMaps(input, { layer })
    const [images, heads, tokens] = maps.shape as [number, number, number, number]
    const values = await maps.toFloat32()
    return Array.from({ length: images }, (_, image) =>
      Array.from({ length: heads }, (_, head) => {
        const from = ((image * heads + head) * tokens + query) * tokens
        return Float64Array.from(values.subarray(from, from + tokens))
      }),
    )
  })
}

function meanOf(maps: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array((maps[0] as Float64Array).length)
  for (const map of maps) for (const [i, value] of map.entries()) (mean[i] as number) += value / maps.length
  return mean
}

/** The image in dark grey, and over it the glow of each patch: dark for 0, bright for the map's largest value. */
export function heat(
  { width, height, rgb }: RgbImage,
  map: Float64Array,
  [rows, columns]: readonly [number, number],
): RgbImage {
  const most = Math.max(...map, Number.MIN_VALUE)
  const heated = new Uint8Array(rgb.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const place = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width)
      const value = (map[place] as number) / most
      const at = (y * width + x) * 3
      const [r, g, b] = [rgb[at], rgb[at + 1], rgb[at + 2]] as [number, number, number]
      const grey = 0.5 * (0.299 * r + 0.587 * g + 0.114 * b)
      const opaque = 0.3 + 0.5 * value
      glow(value).forEach((channel, i) => {
        heated[at + i] = Math.round(grey * (1 - opaque) + channel * opaque)
      })
    }
  }
  return { width, height, rgb: heated }
}
