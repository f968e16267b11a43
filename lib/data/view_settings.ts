/**
 * Settings of the views of an image, for training and for evaluation. What is done with them is
 * native/data/two_views.h; the defaults are those of the original (unilm/beit, datasets.py): colour jitter
 * 0.4, flip, one random crop of 8 to 100 % of the area, resized twice, bicubic for the model and Lanczos for
 * the tokenizer.
 *
 * For images of 64 pixels and less, a crop of 8 % shows 9 x 9 pixels of a CIFAR image; `scale: [0.35, 1]` or
 * so learns faster there. The defaults stay the original's: the caller knows the images.
 */
import { BeitError, invalidArgument } from '../errors.js'
import type { MaskSettings, ViewSettings } from '../native.js'
import type { ViewNeeds } from '../objectives/objective.js'
import { checkMaskSettings } from './masks.js'

/** Everything that has a default. */
export type ViewOptions = Partial<Omit<ViewSettings, 'imageSize' | 'tokenImageSize' | 'crop'>>
/** Of {@link trainingViews}: `crop` is 'random-resized-crop' unless told. */
export type TrainingViewOptions = ViewOptions & { crop?: 'random-resized-crop' | 'random-crop' }
/** Of {@link evaluationViews}: `crop` is 'center-crop' unless told. */
export type EvaluationViewOptions = ViewOptions & { crop?: 'center-crop' | 'whole' }

/** Twice the size at which Pillow warns of a decompression bomb, where it refuses. */
export const DEFAULT_MAX_PIXELS = 178_956_970

const MAX_PADDING = 1024
const MIN_CROP_SHARE = 0.01

/**
 * Views of training: jitter, flip and one random crop, seen by the model and the tokenizer; RandAugment, where
 * it is on, follows.
 * @param needs sizes of the views, as an objective has them in `views`
 * @param options `mask` is null, the default, exactly when `needs.maskGrid` is
 * @example
 * const { views: needs } = new MaskedImageModeling({ model, tokenizer })
 * const views = trainingViews(needs, { mask: maskSettings(model.grid), seed: 1 })
 * @throws BeitError ERR_INVALID_ARGUMENT, ERR_SHAPE_MISMATCH when the mask's grid is not that of the model
 */
export function trainingViews(needs: ViewNeeds, options: TrainingViewOptions = {}): ViewSettings {
  return checked(needs, { crop: 'random-resized-crop', ...withoutUndefined(options) })
}

/**
 * Views of evaluation, nothing random but the mask: the image resized so that `cropShare` of its shorter side
 * is the view's and the middle cropped; with `crop: 'whole'` all of it resized, whatever its shape.
 * @example
 * const views = evaluationViews({ imageSize: [224, 224], tokenImageSize: null, maskGrid: null }, { cropShare: 0.875 })
 */
export function evaluationViews(needs: ViewNeeds, options: EvaluationViewOptions = {}): ViewSettings {
  return {
    ...checked(needs, { crop: 'center-crop', ...withoutUndefined(options) }),
    flipProbability: 0,
    colorJitter: [0, 0, 0],
    randAugment: null,
  }
}

function checked(needs: ViewNeeds, options: ViewOptions & Pick<ViewSettings, 'crop'>): ViewSettings {
  const settings: ViewSettings = {
    seed: 0,
    mask: null,
    padding: 0,
    cropShare: 1,
    scale: [0.08, 1],
    ratio: [3 / 4, 4 / 3],
    interpolation: 'bicubic',
    tokenInterpolation: 'lanczos',
    flipProbability: 0.5,
    colorJitter: [0.4, 0.4, 0.4],
    randAugment: null,
    maxPixels: DEFAULT_MAX_PIXELS,
    ...options,
    imageSize: needs.imageSize,
    tokenImageSize: needs.tokenImageSize,
  }
  check(settings, needs)
  return settings
}

function check(settings: ViewSettings, { maskGrid }: ViewNeeds): void {
  const { imageSize, tokenImageSize, padding, cropShare, scale, ratio, colorJitter, flipProbability } =
    settings
  const { randAugment, mask, maxPixels, seed } = settings
  const must = (right: boolean, name: string, expected: string, value: unknown) => {
    if (!right) throw invalidArgument(name, expected, value)
  }
  const side = (x: number) => Number.isInteger(x) && x >= 1 && x <= 16384
  must(
    imageSize.length === 2 && imageSize.every(side),
    'imageSize',
    '[height, width] of 1 to 16384',
    imageSize,
  )
  if (tokenImageSize !== null) {
    const right = tokenImageSize.length === 2 && tokenImageSize.every(side)
    must(right, 'tokenImageSize', '[height, width] of 1 to 16384', tokenImageSize)
  }
  must(
    Number.isInteger(padding) && padding >= 0 && padding <= MAX_PADDING,
    'padding',
    `an integer from 0 to ${MAX_PADDING}`,
    padding,
  )
  must(
    cropShare >= MIN_CROP_SHARE && cropShare <= 1,
    'cropShare',
    `a number from ${MIN_CROP_SHARE} to 1`,
    cropShare,
  )
  must(isRange(scale, 1), 'scale', '[from, to] with 0 < from <= to <= 1', scale)
  must(isRange(ratio, 1000), 'ratio', '[from, to] with 0 < from <= to', ratio)
  const share = (x: number) => x >= 0 && x <= 1
  must(
    colorJitter.length === 3 && colorJitter.every(share),
    'colorJitter',
    '3 numbers from 0 to 1',
    colorJitter,
  )
  must(share(flipProbability), 'flipProbability', 'a number from 0 to 1', flipProbability)
  must(Number.isSafeInteger(maxPixels) && maxPixels >= 1, 'maxPixels', 'an integer of at least 1', maxPixels)
  must(Number.isSafeInteger(seed) && seed >= 0, 'seed', 'an integer of at least 0', seed)
  if (randAugment !== null && tokenImageSize !== null) {
    throw invalidArgument('randAugment', "null: it has no view of the tokenizer's", randAugment)
  }
  checkMask(mask, maskGrid)
}

function isRange([from, to]: readonly [number, number], largest: number): boolean {
  return from > 0 && from <= to && to <= largest
}

function checkMask(mask: MaskSettings | null, grid: ViewNeeds['maskGrid']): void {
  if ((mask === null) !== (grid === null)) {
    throw invalidArgument(
      'mask',
      grid === null ? 'null: this objective does not mask' : 'mask settings',
      mask,
    )
  }
  if (mask === null || grid === null) return
  checkMaskSettings(mask)
  if (mask.grid[0] !== grid[0] || mask.grid[1] !== grid[1]) {
    throw new BeitError(
      'ERR_SHAPE_MISMATCH',
      `the mask's grid is ${mask.grid.join('x')}, but the model has ${grid.join('x')} patches`,
    )
  }
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
