/** The golden models of the original release: their configuration in our words, and their tensors. */
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import type { Tensor } from '../../lib/tensor.js'
import { wholeOrPart } from '../support/golden.js'
import { tensorsOf, under } from '../support/tensors.js'

export const GOLDEN_CONFIGS = {
  mim_shared_rel_pos: {
    imageSize: 64,
    hiddenSize: 48,
    depth: 3,
    heads: 4,
    vocabSize: 256,
  },
  mim_abs_pos_rect: {
    imageSize: [96, 64],
    hiddenSize: 48,
    depth: 2,
    heads: 3,
    vocabSize: 128,
    layerScaleInit: 0,
    absolutePositions: true,
    relativePositions: 'per-block',
  },
} as const

export type GoldenName = keyof typeof GOLDEN_CONFIGS

/** The model with the golden weights, and everything in the file. */
export async function goldenBeit(
  name: GoldenName,
): Promise<{ model: BeitForMaskedImageModeling; tensors: Map<string, Tensor>; state: Map<string, Tensor> }> {
  const tensors = await tensorsOf(wholeOrPart(`${name}.safetensors`))
  const state = under('state.', tensors)
  const model = await BeitForMaskedImageModeling.create(GOLDEN_CONFIGS[name], { seed: 3 })
  await model.loadStateDict(state)
  return { model, tensors, state }
}
