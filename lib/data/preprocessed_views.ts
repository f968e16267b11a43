/** The views of images that a model evaluates, as its preprocessing has them. */
import type { ViewSettings } from '../native.js'
import type { ImagePreprocessing } from './preprocessing.js'
import { DEFAULT_MAX_PIXELS, evaluationViews } from './view_settings.js'

/**
 * Views of a model of `imageSize` without tokens and masks: the middle of each image, or all of it. Mean and
 * deviation take no part: pixels stay uint8.
 */
export function preprocessedViews(
  imageSize: readonly [number, number],
  { interpolation, cropShare }: ImagePreprocessing,
  maxPixels: number = DEFAULT_MAX_PIXELS,
): ViewSettings {
  const needs = { imageSize, tokenImageSize: null, maskGrid: null }
  const resizing = cropShare === 'whole' ? { crop: 'whole' as const } : { cropShare }
  return evaluationViews(needs, { interpolation, maxPixels, ...resizing })
}
