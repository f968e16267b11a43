/** How fine-tuning crops, flips and augments an image. */
import type { ImagePreprocessing } from '../data/preprocessing.js'
import { parseRandAugment } from '../data/rand_augment.js'
import { trainingViews } from '../data/view_settings.js'
import type { ViewSettings } from '../native.js'
import type { FinetuneSettings } from './finetune_options.js'

/** Up to this many pixels a side the original crops an image at its own size, after padding it. */
const SMALL_IMAGE = 32

/** What is done to a training image before it is normalised. */
export function classificationViews(settings: FinetuneSettings): ViewSettings {
  const { model, seed, padding, scale, ratio, flipProbability, maxPixels } = settings
  const { imageSize } = model.config
  const { mean, interpolation } = model.preprocessing
  const isSmall = Math.max(...imageSize) <= SMALL_IMAGE
  const randAugment =
    settings.randAugment === null
      ? null
      : parseRandAugment(settings.randAugment, { mean, interpolation: warped(interpolation) })
  return trainingViews(
    { imageSize, tokenImageSize: null, maskGrid: null },
    {
      seed,
      crop: settings.crop ?? (isSmall ? 'random-crop' : 'random-resized-crop'),
      padding,
      scale,
      ratio,
      interpolation,
      flipProbability,
      // As in timm, one or the other.
      colorJitter: randAugment === null ? settings.colorJitter : [0, 0, 0],
      randAugment,
      maxPixels,
    },
  )
}

/** As in timm, RandAugment moves pixels by the interpolation of the crop. Warping knows no Lanczos. */
const warped = (interpolation: ImagePreprocessing['interpolation']) =>
  interpolation === 'lanczos' ? 'bicubic' : interpolation
