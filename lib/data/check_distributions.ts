/** Whether soft targets are what cross-entropy takes. */
import { setImmediate as breathe } from 'node:timers/promises'
import { BeitError } from '../errors.js'
import { weightsOf } from './batch_targets.js'
import type { LabelledImages } from './labels.js'

/** Of a sum of weights from 1: decimals of a labels file are rounded. */
const TOLERANCE = 1e-3

/** Images between two turns of the event loop. */
const SLICE = 8192

/**
 * Cross-entropy is of a distribution over the classes: weights that sum to 1. One class an image is one.
 * @throws BeitError ERR_DATA naming the first image whose weights sum to something else, or that has none
 */
export async function checkDistributions(images: LabelledImages): Promise<void> {
  if (images.targetKind !== 'weights') return
  for (let index = 0; index < images.length; index++) {
    if (index % SLICE === SLICE - 1) await breathe()
    let sum = 0
    for (const [, weight] of weightsOf(images.targets(index))) sum += weight
    if (Math.abs(sum - 1) <= TOLERANCE) continue
    const { key } = images.sample(index)
    const rounded = Number(sum.toPrecision(6))
    const what =
      sum === 0 ? `the image ${key} has no class` : `the weights of the image ${key} sum to ${rounded}`
    throw new BeitError(
      'ERR_DATA',
      `${images.name}: ${what}, and cross-entropy takes weights that sum to 1: give such weights, or the loss ` +
        "'binary-cross-entropy', which takes every class by itself",
    )
  }
}
