/** The normalisations of images that have names. */
import type { ImagePreprocessing } from './preprocessing.js'

/** Channel statistics of ImageNet, and those that the original calls "inception". */
const NORMALIZATIONS = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  inception: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
} as const

/** A named normalisation, and what goes before it; null: nothing does. */
export interface NormalizationSettings {
  normalization: keyof typeof NORMALIZATIONS
  mean: ImagePreprocessing['mean'] | null
  std: ImagePreprocessing['std'] | null
}

/** Mean and deviation of each channel: those given, else those of `normalization`. */
export function normalizationOf({
  normalization,
  mean,
  std,
}: NormalizationSettings): Pick<ImagePreprocessing, 'mean' | 'std'> {
  const named = NORMALIZATIONS[normalization]
  return { mean: mean ?? named.mean, std: std ?? named.std }
}
