/**
 * Blockwise masking (BEiT, arXiv 2106.08254, section 2.3): its settings, and masks by themselves. The rule is
 * in native/data/blockwise_mask.cc.
 */
import { native } from '../binding.js'
import { BeitError, invalidArgument } from '../errors.js'
import type { MaskSettings } from '../native.js'
import { checkNames } from '../options.js'
import { Tensor } from '../tensor.js'

export type { MaskSettings }

/** What {@link maskSettings} fills in where it is unset or null: all but the grid. */
export type MaskOptions = { [Name in keyof Omit<MaskSettings, 'grid'>]?: MaskSettings[Name] | null }

const SETTINGS = ['mode', 'patches', 'minPatchesPerBlock', 'maxPatchesPerBlock', 'minAspect'] as const

/** Of {@link blockwiseMask}: 128 MiB of indices. */
const MOST_SAMPLES = 2 ** 24

/** Attempts of the original to place a block. */
const ATTEMPTS = 10
/**
 * The largest share of images that the original rule may leave without a mask. The addon draws again for
 * those, which at this share changes nothing that can be measured and, with 16 draws, never fails.
 */
const MAX_EMPTY_SHARE = 1e-4

/**
 * Complete, checked settings for a patch grid. What is unset is the original's for 14 x 14 patches, scaled to
 * the grid: 75 of 196 patches, blocks of at least 16.
 *
 * @param grid rows and columns of patches
 * @throws BeitError ERR_INVALID_ARGUMENT when a number is out of range, or when the settings could leave an
 * image without a mask: the loss of a batch of such images is not a number (microsoft/unilm issue 551).
 *
 * @example
 * maskSettings([14, 14]) // { grid: [14, 14], mode: 'original', patches: 75, minPatchesPerBlock: 16, ... }
 */
export function maskSettings(grid: readonly [number, number], options: MaskOptions = {}): MaskSettings {
  checkNames('mask settings', SETTINGS, options)
  checkGrid(grid)
  const total = grid[0] * grid[1]
  const settings: MaskSettings = {
    grid,
    mode: options.mode ?? 'original',
    patches: options.patches ?? Math.max(1, Math.round((total * 75) / 196)),
    minPatchesPerBlock: options.minPatchesPerBlock ?? Math.max(1, Math.round((total * 16) / 196)),
    maxPatchesPerBlock: options.maxPatchesPerBlock ?? null,
    minAspect: options.minAspect ?? 0.3,
  }
  checkMaskSettings(settings)
  return settings
}

/** Refuses settings out of range, or that could leave an image without a mask: see {@link maskSettings}. */
export function checkMaskSettings(settings: MaskSettings): void {
  const { grid, mode, patches, minPatchesPerBlock, maxPatchesPerBlock, minAspect } = settings
  checkGrid(grid)
  if (!['original', 'exact', 'random'].includes(mode)) {
    throw invalidArgument('mask mode', "'original', 'exact' or 'random'", mode)
  }
  const total = grid[0] * grid[1]
  const range = `a whole number from 1 to the ${total} patches of the grid`
  for (const [name, value] of Object.entries({ patches, minPatchesPerBlock, maxPatchesPerBlock })) {
    if (value !== null && !(Number.isInteger(value) && value >= 1 && value <= total)) {
      throw invalidArgument(name, range, value)
    }
  }
  if (!(minAspect > 0 && minAspect <= 1))
    throw invalidArgument('minAspect', 'above 0 and at most 1', minAspect)
  if (mode !== 'original') return
  const empty = emptyMaskShare(settings)
  if (empty <= MAX_EMPTY_SHARE) return
  const shape = `${grid[0]} x ${grid[1]} grid, ${patches} patches, blocks of at least ${minPatchesPerBlock}`
  throw new BeitError(
    'ERR_INVALID_ARGUMENT',
    `mask settings (${shape}) would leave ${share(empty)} images without a mask: ${reason(settings)}; ` +
      `${remedy(settings)}, or use mode 'exact'`,
  )
}

function checkGrid(grid: readonly [number, number]): void {
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) >= 1
  if (!(Array.isArray(grid) && grid.length === 2 && grid.every(isSide)))
    throw invalidArgument('grid', 'two whole numbers of at least 1, rows and columns of patches', grid)
}

/**
 * The share of images for which the original rule ends without a mask: all attempts to place the first block
 * fail. Integrates over the area and the aspect ratio that an attempt draws.
 */
export function emptyMaskShare(settings: MaskSettings): number {
  const steps = 400
  const cap = Math.min(settings.patches, settings.maxPatchesPerBlock ?? settings.patches)
  let failures = 0
  for (let i = 0; i < steps; i++) {
    const area = settings.minPatchesPerBlock + (cap - settings.minPatchesPerBlock) * ((i + 0.5) / steps)
    for (let j = 0; j < steps; j++) {
      const aspect = settings.minAspect ** (1 - 2 * ((j + 0.5) / steps))
      const height = roundHalfToEven(Math.sqrt(area * aspect))
      const width = roundHalfToEven(Math.sqrt(area / aspect))
      const fits = height < settings.grid[0] && width < settings.grid[1]
      if (!fits || height * width < 1 || height * width > cap) failures++
    }
  }
  return (failures / steps ** 2) ** ATTEMPTS
}

/**
 * Masks as the image loader makes them, for experiments and `forward`: a pure function of its arguments.
 *
 * @param grid rows and columns of patches: `model.grid`
 * @param options settings of {@link maskSettings}; `samples`: how many masks, or the data set indices to make
 * them for
 * @returns bool (B, rows * columns), true = masked
 *
 * @example
 * const mask = blockwiseMask(model.grid, { samples: 2, seed: 0 })
 * const logits = await model.forward(pixels, { mask })
 */
export function blockwiseMask(
  grid: readonly [number, number],
  options: MaskOptions & { samples?: number | readonly number[]; seed?: number; epoch?: number } = {},
): Tensor {
  const { samples = 1, seed = 0, epoch = 0, ...rest } = options
  const settings = maskSettings(grid, rest)
  const count = typeof samples === 'number' ? samples : samples.length
  if (!(Number.isInteger(count) && count >= 0 && count <= MOST_SAMPLES))
    throw invalidArgument('samples', `a whole number up to ${MOST_SAMPLES}, or an array of indices`, samples)
  const indices = typeof samples === 'number' ? Array.from({ length: samples }, (_, i) => i) : samples
  const masks = native().blockwiseMask(settings, seed, epoch, indices)
  return Tensor.from(masks, [indices.length, grid[0] * grid[1]], { dtype: 'bool' })
}

function reason({ grid, patches, minPatchesPerBlock, maxPatchesPerBlock }: MaskSettings): string {
  const cap = Math.min(patches, maxPatchesPerBlock ?? patches)
  if (Math.min(...grid) < 3) return 'a block never fills a whole row or column, and the grid has too few'
  if (cap < minPatchesPerBlock)
    return `blocks of ${minPatchesPerBlock} patches are more than the ${cap} allowed`
  return 'most blocks are too large for the grid'
}

function remedy({ grid, patches, minPatchesPerBlock, maxPatchesPerBlock }: MaskSettings): string {
  const cap = Math.min(patches, maxPatchesPerBlock ?? patches)
  if (Math.min(...grid) < 3) return 'take smaller patches'
  return cap < minPatchesPerBlock ? 'lower minPatchesPerBlock' : 'lower patches or maxPatchesPerBlock'
}

function share(probability: number): string {
  return probability >= 0.1
    ? `${Math.round(probability * 100)} % of the`
    : `one in ${Math.round(1 / probability)}`
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}
