/** Absolute position embeddings for another grid: bicubic, the class token's kept, as in the original. */
import type { BeitArchitecture } from '../naming/architecture.js'
import { by } from './adaptation.js'
import { gridOf } from './grid.js'
import type { AdaptationPlan } from './plan.js'

const NAME = 'pos_embed'

export function planAbsolutePositions(
  plan: AdaptationPlan,
  source: BeitArchitecture,
  target: BeitArchitecture,
): void {
  const [from, to] = [gridOf(source), gridOf(target)]
  const tokens = to[0] * to[1] + 1
  if (!target.absolutePositions) {
    plan.drop([NAME], 'the model has no absolute positions')
  } else if (!source.absolutePositions) {
    const shape = [1, tokens, target.hiddenSize]
    plan.initialise([], { [NAME]: shape }, 'the checkpoint has no absolute positions')
  } else if (by(from) !== by(to)) {
    plan.change(
      'resized',
      [NAME],
      { kind: 'absolute-positions', from, to },
      ([, , hidden = 0]) => [1, tokens, hidden],
      `absolute positions from ${by(from)} to ${by(to)} patches, bicubic`,
    )
  }
}
