/** Whether soft targets are what cross-entropy takes. */
import { BeitError } from '../errors.js'
import { weightsOf } from './batch_targets.js'
import { countCooperatively } from './cooperative.js'
import type { LabelledImages } from './labels.js'

/** Of a sum of weights from 1: decimals of a labels file are rounded. */
const TOLERANCE = 1e-3

/**
 * Cross-entropy is of a distribution over the classes: weights that sum to 1. One class an image is one.
 * @throws BeitError ERR_DATA naming the first image whose weights sum to something else, or that has none
 */
export async function checkDistributions(images: LabelledImages): Promise<void> {
  if (images.targetKind !== 'weights') return
  await countCooperatively(images.length, (index) => {
    let sum = 0
    for (const [, weight] of weightsOf(images.targets(index))) sum += weight
    if (Math.abs(sum - 1) <= TOLERANCE) return
    const { key } = images.sample(index)
    const rounded = Number(sum.toPrecision(6))
    const what =
      sum === 0 ? `the image ${key} has no class` : `the weights of the image ${key} sum to ${rounded}`
    throw new BeitError(
      'ERR_DATA',
      `${images.name}: ${what}, and cross-entropy takes weights that sum to 1: give such weights, or the loss ` +
        "'binary-cross-entropy', which takes every class by itself",
    )
  })
}
