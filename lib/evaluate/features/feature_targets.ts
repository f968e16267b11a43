/** The labels of images as a file of features has them. */
import { weightsOf } from '../../data/batch_targets.js'
import type { ImageSource } from '../../data/image_source.js'
import { isLabelled } from '../../data/labels.js'
import type { FeatureTable, FeatureTarget } from './feature_file.js'

/** Whether images have no label, one class, or a weight for each class (1 for each of several classes). */
export function featureTargets(data: ImageSource): FeatureTable['targets'] {
  if (data.classes === null) return 'none'
  return isLabelled(data) && data.targetKind !== 'class' ? 'weights' : 'class'
}

/** Of the images `indices`; empty when they have none. */
export function targetsOf(data: ImageSource, indices: readonly number[]): FeatureTarget[] {
  const kind = featureTargets(data)
  if (kind === 'none') return []
  if (kind === 'class') return indices.map((index) => data.sample(index).label ?? -1)
  return indices.map((index) => {
    const weights = new Float32Array(data.classes?.length ?? 0)
    if (isLabelled(data)) for (const [id, weight] of weightsOf(data.targets(index))) weights[id] = weight
    return weights
  })
}
