/**
 * Makes the weights of a BEiT fit another configuration: another image or patch size, other positions,
 * another head. Works on state dicts in this library's names and plain configurations.
 */
import { BeitError } from '../../errors.js'
import type { Tensor } from '../../tensor.js'
import type { BeitArchitecture } from '../naming/architecture.js'
import { planAbsolutePositions } from './absolute_positions.js'
import type { Adaptation } from './adaptation.js'
import { type CompleteArchitecture, type HeadedModel, planHead } from './head.js'
import { planPatchEmbedding } from './patch_embedding.js'
import { AdaptationPlan } from './plan.js'
import { planRelativePositions } from './relative_positions.js'

export type { Adaptation, Shapes } from './adaptation.js'
export type { CompleteArchitecture, HeadedModel } from './head.js'
export type { AdaptationPlan } from './plan.js'

/**
 * What has to be done to a state dict of these shapes. Nothing has, and `adaptations` is empty, where the
 * configurations agree.
 *
 * @param source configuration of the state dict
 * @param target configuration of the model
 * @param model what stands behind its blocks
 * @throws BeitError ERR_CHECKPOINT_MISMATCH for what cannot be adapted: another width, depth, number of heads
 * or MLP, with and without LayerScale, and tables of each block to one that all share
 */
export function planAdaptation(
  shapes: ReadonlyMap<string, readonly number[]>,
  source: BeitArchitecture,
  target: CompleteArchitecture,
  model: HeadedModel,
): AdaptationPlan {
  checkBlocks(source, target)
  const plan = new AdaptationPlan(shapes)
  planPatchEmbedding(plan, source, target)
  planAbsolutePositions(plan, source, target)
  planRelativePositions(plan, source, target)
  planHead(plan, target, model)
  return plan
}

/**
 * A state dict made fit for `target`, and what was done. Tensors that stay as they are, are those of `state`;
 * what is new in the model ('initialised' in the report) is not in the result: the model has its own initial
 * values.
 *
 * @throws BeitError ERR_CHECKPOINT_MISMATCH where the configurations cannot be brought together, and for a tensor
 * whose shape is not that of `source`
 * @example
 * const { config } = model
 * const { state, report } = await adaptState(
 *   await model.stateDict(),
 *   config,
 *   { ...config, imageSize: [384, 384] },
 *   'beit_for_masked_image_modeling',
 * )
 * for (const { line } of report) console.log(line)
 * // resized: 12 relative position tables from 14x14 to 24x24 patches, by a cubic spline through ...
 */
export async function adaptState(
  state: ReadonlyMap<string, Tensor>,
  source: BeitArchitecture,
  target: CompleteArchitecture,
  model: HeadedModel,
): Promise<{ state: Map<string, Tensor>; report: readonly Adaptation[] }> {
  const shapes = new Map([...state].map(([name, { shape }]) => [name, shape]))
  const plan = planAdaptation(shapes, source, target, model)
  return { state: await plan.apply(state), report: plan.adaptations }
}

/** What the blocks are made of stays as it is. */
function checkBlocks(source: BeitArchitecture, target: BeitArchitecture): void {
  const facts = (architecture: BeitArchitecture): Record<string, number | string> => ({
    hiddenSize: architecture.hiddenSize,
    depth: architecture.depth,
    heads: architecture.heads,
    // One width has many ratios: it is rounded down.
    'MLP width': Math.trunc(architecture.hiddenSize * architecture.mlpRatio),
    LayerScale: architecture.layerScaleInit > 0 ? 'on' : 'off',
  })
  const [before, after] = [facts(source), facts(target)]
  const differing = Object.keys(before).filter((name) => before[name] !== after[name])
  if (differing.length === 0) return
  const found = differing.map((name) => `${name} ${before[name]}, the model ${after[name]}`)
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `the checkpoint has ${found.join('; ')}. Image and patch size, positions, pooling, vocabSize and ` +
      'numClasses can be adapted, the blocks cannot',
  )
}
