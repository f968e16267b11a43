/** The patches of an image. */
import type { BeitArchitecture } from '../naming/architecture.js'
import type { Grid } from './plan.js'

/** [rows, columns] of patches. */
export function gridOf({ imageSize, patchSize }: BeitArchitecture): Grid {
  return [imageSize[0] / patchSize, imageSize[1] / patchSize]
}
