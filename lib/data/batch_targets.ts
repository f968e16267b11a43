/** The targets of a batch as the tensor that a classification step takes. */
import { BeitError } from '../errors.js'
import { Tensor } from '../tensor.js'
import type { LabelledImages, Target } from './labels.js'

/**
 * Targets of the images `indices`: int64 (B) of class ids, or float32 (B, C) where they are multi-hot
 * (`multiLabel`, or images with several classes) or weights.
 *
 * @param options.numClasses C; those of the model
 * @throws BeitError ERR_DATA for an id that is no class of the model
 * @example
 * const targets = batchTargets(training, [0, 5, 9], { numClasses: training.classes.length }) // int64 [3]
 */
export function batchTargets(
  images: Pick<LabelledImages, 'name' | 'targetKind' | 'targets'>,
  indices: readonly number[],
  options: { numClasses: number; multiLabel?: boolean },
): Tensor {
  const { numClasses, multiLabel = false } = options
  const checked = (id: number) => {
    if (Number.isInteger(id) && id >= 0 && id < numClasses) return id
    throw new BeitError('ERR_DATA', `${images.name} has the class ${id}, and the model ${numClasses} classes`)
  }
  if (images.targetKind === 'class' && !multiLabel) {
    const ids = indices.map((index) => BigInt(checked(images.targets(index) as number)))
    return Tensor.from(BigInt64Array.from(ids), [indices.length])
  }
  const weights = new Float32Array(indices.length * numClasses)
  indices.forEach((index, row) => {
    for (const [id, weight] of weightsOf(images.targets(index)))
      weights[row * numClasses + checked(id)] = weight
  })
  return Tensor.from(weights, [indices.length, numClasses])
}

/** Any target as the weights of its classes. */
export function weightsOf(target: Target): Iterable<readonly [id: number, weight: number]> {
  if (typeof target === 'number') return [[target, 1]]
  return target instanceof Map ? target : (target as readonly number[]).map((id) => [id, 1] as const)
}
