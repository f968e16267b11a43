/** The masks of pre-training as a picture: some of them, and how often each patch is hidden. */
import { blockwiseMask } from '../data/masks.js'
import { evaluationViews } from '../data/view_settings.js'
import { BeitError } from '../errors.js'
import { grouped, percent } from '../log/format.js'
import type { MaskSettings } from '../native.js'
import { defined, type OptionSchema, validateOptions } from '../options.js'
import { maskOf } from '../train/pretrain.js'
import { type PretrainSettings, pretrainSchema } from '../train/pretrain_options.js'
import { someImages } from './image_batches.js'
import { imageChoiceSchema, imagesOption } from './image_choice.js'
import { coverMasked } from './patches.js'
import type { Picture } from './picture.js'
import { imagesOf, type RgbImage } from './rgb_image.js'
import { inRows } from './rows.js'
import { ramp } from './shades.js'
import { drawSheet, type Size, type Tile } from './sheet.js'

const COLUMNS = 8
const CELL = 150
/** Masks that the statistics are of, where their patches are not too many together: a grid may have a million. */
const COUNTED = 2000
const COUNTED_PATCHES = 4e6
/** Pixels of a patch of the images: those of the published models. */
const PATCH = 16

/** The options of `pretrain()` that make a mask, by the names they have there. */
export const MASK_NAMES = [
  'maskMode',
  'maskPatches',
  'minMaskPatchesPerBlock',
  'maxMaskPatchesPerBlock',
  'minMaskAspect',
] as const

type MaskChoice = Pick<PretrainSettings, (typeof MASK_NAMES)[number]>

/** What {@link masksSchema} describes, with its defaults filled in. */
export interface MasksSettings extends MaskChoice {
  /** Patches of an image. Default [14]. */
  grid: readonly number[]
  /** Images to lay the masks on. */
  data: PretrainSettings['data'] | null
  /** Number of masks. Default 16. */
  count: number
  /** Chooses the masks. Default 0. */
  seed: number
  /** Every epoch has masks of its own. Default 0. */
  epoch: number
}

/** `grid`: [rows, columns] of patches, or one number for both; `data`: images to lay the masks on. */
export type MasksOptions = Partial<Omit<MasksSettings, 'grid'>> & { grid?: number | readonly number[] }

const pretraining = Object.fromEntries(MASK_NAMES.map((name) => [name, pretrainSchema[name]])) as OptionSchema

/** The options of `visualize.masks()` as data: types, ranges, defaults and texts. */
export const masksSchema: OptionSchema = {
  grid: {
    type: 'numbers',
    size: null,
    min: 1,
    max: 1024,
    default: [14],
    placeholder: 'N|ROWS,COLUMNS',
    doc: 'Patches of an image',
  },
  data: imagesOption('Images to lay the masks on', true),
  ...imageChoiceSchema('masks', 16),
  epoch: { type: 'integer', min: 0, default: 0, doc: 'Every epoch has masks of its own' },
  ...pretraining,
}

/**
 * Draws masks as pre-training makes them (blockwise masking, https://arxiv.org/abs/2106.08254, section 2.3 and
 * algorithm 1), and below them the share of 2,000 masks (fewer on a grid of more than 2,000 patches) in which each patch is
 * hidden: blocks that have to fit into the image hide its middle more often than its corners.
 *
 * @param options
 * - `grid` patches of an image, N or [rows, columns], each 1 to 1024; 14 unless told
 * - `count` masks drawn, 1 to 256; 16 unless told
 * - `seed`, `epoch` of the masks: sample i gets the mask that `pretrain({ seed })` gives it in that epoch
 * - `data` images to draw them on, chosen by `seed`: the same ones for every epoch
 * - `maskMode`, `maskPatches`, `minMaskPatchesPerBlock`, `maxMaskPatchesPerBlock`, `minMaskAspect` as in `pretrain()`
 * @throws BeitError ERR_INVALID_ARGUMENT for unknown options, values out of range and settings that could leave
 * an image without a mask; ERR_DATA when no image can be read
 * @example
 * const picture = await visualize.masks({ grid: 14, maskPatches: 75, seed: 1 })
 * await picture.save('masks.png')
 */
export async function masks(options: MasksOptions = {}): Promise<Picture> {
  const settings = validateOptions<MasksSettings>('visualize.masks', masksSchema, defined(options))
  const { data, seed, epoch } = settings
  const grid = gridOf(settings.grid)
  const mask = maskOf(settings as MaskChoice as PretrainSettings, grid)

  const tiles = data === null ? await plainTiles(mask, settings) : await tilesOnImages(mask, data, settings)
  const statistics = await countMasks(mask, seed, epoch)
  const { counted, shares, fewest, most, mean } = statistics
  const patches = grid[0] * grid[1]
  const asked = `${mask.mode === 'original' ? 'at most ' : ''}${grouped(mask.patches)}`
  const blocks = mask.mode === 'random' ? '' : ` in blocks of at least ${grouped(mask.minPatchesPerBlock)}`
  const rows = inRows(tiles, COLUMNS).map((part, i) => ({
    name: [i === 0 ? 'Masks' : '', i === 0 && data !== null ? 'on images' : ''],
    tiles: part,
  }))
  const lines = [
    `a patch is hidden in ${percent(least(shares))} to ${percent(greatest(shares))} of ${grouped(counted)} masks`,
    `${fewest === most ? grouped(most) : `${grouped(fewest)} to ${grouped(most)}`} patches a mask, ${mean.toFixed(1)} on average`,
  ]
  return drawSheet({
    title: 'Masks',
    subtitle: `mode ${mask.mode} · ${asked} of ${grid[0]} x ${grid[1]} = ${grouped(patches)} patches${blocks} · seed ${seed}${epoch === 0 ? '' : `, epoch ${epoch}`}`,
    rows: [
      ...rows,
      { name: ['How often', 'darker: more'], tiles: [frequencyTile(shares, grid)], beside: lines },
    ],
    cell: CELL,
  })
}

/** [rows, columns] of one number or two. */
function gridOf(given: readonly number[]): readonly [number, number] {
  const [rows, columns = rows, ...more] = given as [number, ...number[]]
  if (more.length > 0 || !Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `visualize.masks: grid must be N or [rows, columns], whole numbers, got ${JSON.stringify(given)}`,
    )
  }
  return [rows, columns]
}

const rowOf = (mask: Uint8Array, i: number, patches: number) => mask.subarray(i * patches, (i + 1) * patches)

const drawn = async (
  mask: MaskSettings,
  samples: number | readonly number[],
  seed: number,
  epoch: number,
) => {
  const { grid, patches, minPatchesPerBlock, maxPatchesPerBlock, mode, minAspect } = mask
  const options = { patches, minPatchesPerBlock, maxPatchesPerBlock, mode, minAspect }
  using made = blockwiseMask(grid, { ...options, samples, seed, epoch })
  return (await made.toTypedArray()) as Uint8Array
}

async function plainTiles(mask: MaskSettings, { count, seed, epoch }: MasksSettings): Promise<Tile[]> {
  const [rows, columns] = mask.grid
  const values = await drawn(mask, count, seed, epoch)
  return Array.from({ length: count }, (_, i) => ({
    image: onePixelAPatch(rowOf(values, i, rows * columns), columns, (masked) => (masked ? HIDDEN : SEEN)),
    overlay: gridLines(mask.grid),
  }))
}

async function tilesOnImages(
  mask: MaskSettings,
  data: PretrainSettings['data'],
  { count, seed, epoch }: MasksSettings,
): Promise<Tile[]> {
  const [rows, columns] = mask.grid
  const needs = {
    imageSize: [rows * PATCH, columns * PATCH],
    tokenImageSize: null,
    maskGrid: null,
  } as const
  using batch = await someImages(data, evaluationViews(needs), count, seed)
  const values = await drawn(mask, batch.indices, seed, epoch)
  const images = await imagesOf(batch.pixels)
  return images.map((image, i) => ({
    image,
    overlay: (cell) => coverMasked(rowOf(values, i, rows * columns), mask.grid, cell),
  }))
}

/** What masks have in common: how often each patch is hidden, and how many patches a mask hides. */
async function countMasks(mask: MaskSettings, seed: number, epoch: number) {
  const patches = mask.grid[0] * mask.grid[1]
  const counted = Math.min(COUNTED, Math.floor(COUNTED_PATCHES / patches))
  const values = await drawn(mask, counted, seed, epoch)
  const shares = new Array<number>(patches).fill(0)
  let [fewest, most, sum] = [patches, 0, 0]
  for (let i = 0; i < counted; i++) {
    let hidden = 0
    rowOf(values, i, patches).forEach((masked, patch) => {
      hidden += masked
      ;(shares[patch] as number) += masked / counted
    })
    fewest = Math.min(fewest, hidden)
    most = Math.max(most, hidden)
    sum += hidden
  }
  return { counted, shares, fewest, most, mean: sum / counted }
}

/** Not of arguments: a million patches are too many. */
const least = (shares: readonly number[]) => shares.reduce((a, b) => Math.min(a, b))
const greatest = (shares: readonly number[]) => shares.reduce((a, b) => Math.max(a, b))

type Rgb = readonly [number, number, number]
const HIDDEN: Rgb = [43, 108, 212]
const SEEN: Rgb = [227, 231, 236]

/** An image in which a patch is one pixel: {@link drawSheet} enlarges it by a whole number. */
function onePixelAPatch(
  values: ArrayLike<number>,
  columns: number,
  colour: (value: number) => Rgb,
): RgbImage {
  const rgb = new Uint8Array(values.length * 3)
  Array.from(values).forEach((value, i) => {
    rgb.set(colour(value), i * 3)
  })
  return { width: columns, height: values.length / columns, rgb }
}

function frequencyTile(shares: readonly number[], grid: readonly [number, number]): Tile {
  const most = greatest(shares)
  return {
    image: onePixelAPatch(shares, grid[1], (share) => ramp(share / most)),
    overlay: gridLines(grid),
  }
}

/** Thin lines between patches, as long as there is room for them. */
function gridLines([rows, columns]: readonly [number, number]) {
  return (cell: Size) => {
    if (cell.width / columns < 5) return ''
    let d = ''
    for (let i = 1; i < columns; i++) d += `M${(i * cell.width) / columns} 0V${cell.height}`
    for (let i = 1; i < rows; i++) d += `M0 ${(i * cell.height) / rows}H${cell.width}`
    return `<path d="${d}" fill="none" stroke="#ffffff" stroke-width="1"/>`
  }
}
