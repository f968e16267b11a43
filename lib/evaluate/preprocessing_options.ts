/** Options of how an image is made for a model, where the caller says more than the model knows. */
import { normalizationOf } from '../data/normalization.js'
import type { ImagePreprocessing } from '../data/preprocessing.js'
import { defined, type OptionSchema } from '../options.js'
import { INTERPOLATIONS, type Interpolation } from '../train/crop_options.js'
import { pretrainSchema } from '../train/pretrain_options.js'

/** What `preprocessingSchema` describes; null: as the model has it. */
export interface PreprocessingSettings {
  /** Mean and deviation of the images; unset: those of the model's training, else ImageNet's. */
  normalization: 'imagenet' | 'inception' | null
  /** Mean of each channel in 0..1, in place of that of normalization. */
  mean: ImagePreprocessing['mean'] | null
  /** Deviation of each channel, in place of that of normalization. */
  std: ImagePreprocessing['std'] | null
  /** Resizing of the images; unset: as in the model's training, else bicubic. */
  interpolation: Interpolation | null
  /**
   * Share of the shorter side that is cropped from the middle; unset: the model's own, else 0.875, and 1 from
   * 384 pixels on and up to 32.
   */
  cropShare: number | null
  /**
   * Resize all of each image to what the model sees, whatever its shape, in place of a crop. Default false.
   */
  wholeImage: boolean
}

const { mean, std } = pretrainSchema

export const preprocessingSchema: OptionSchema = {
  normalization: {
    type: 'choice',
    choices: ['imagenet', 'inception'],
    default: null,
    optional: true,
    doc: "Mean and deviation of the images; unset: those of the model's training, else ImageNet's",
  },
  mean: mean as OptionSchema[string],
  std: std as OptionSchema[string],
  interpolation: {
    type: 'choice',
    choices: INTERPOLATIONS,
    default: null,
    optional: true,
    doc: "Resizing of the images; unset: as in the model's training, else bicubic",
  },
  cropShare: {
    type: 'number',
    min: 0.01,
    max: 1,
    default: null,
    optional: true,
    doc:
      "Share of the shorter side that is cropped from the middle; unset: the model's own, else 0.875, and 1 from " +
      '384 pixels on and up to 32',
  },
  wholeImage: {
    type: 'boolean',
    default: false,
    doc: 'Resize all of each image to what the model sees, whatever its shape, in place of a crop',
  },
}

/** What is given, without what is left to the model. */
export function givenPreprocessing(settings: Partial<PreprocessingSettings>): Partial<ImagePreprocessing> {
  const { normalization = null, mean = null, std = null, interpolation, cropShare, wholeImage } = settings
  const named = normalization === null ? { mean, std } : normalizationOf({ normalization, mean, std })
  return defined({
    mean: named.mean ?? undefined,
    std: named.std ?? undefined,
    interpolation: interpolation ?? undefined,
    cropShare: wholeImage ? 'whole' : (cropShare ?? undefined),
  }) as Partial<ImagePreprocessing>
}
