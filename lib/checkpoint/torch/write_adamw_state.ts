/** The state of an optimizer as torch.optim.AdamW.state_dict() has it, in the original's two groups. */
import { Tensor } from '../../tensor.js'
import { PythonFloat, PythonTuple, type PythonValue } from '../pickle/python_values.js'
import { adamWGroups, type NamedShape } from './adamw_groups.js'

/** Moments of one parameter. */
export interface SavedMoments extends NamedShape {
  expAvg: Tensor
  expAvgSq: Tensor
}

export interface AdamWSettings {
  learningRate: number
  weightDecay: number
  betas: readonly [number, number]
  eps: number
}

/**
 * { state: { number: { step, exp_avg, exp_avg_sq } }, param_groups: [without decay, with decay] }, for
 * `optimizer.load_state_dict` of any PyTorch.
 *
 * @param moments of each parameter, in state-dict order
 * @param step updates made; 0: there is no state yet
 */
export function adamWStateDict(
  moments: readonly SavedMoments[],
  step: number,
  settings: AdamWSettings,
): { state: PythonValue; param_groups: PythonValue } {
  const groups = adamWGroups(moments)
  const state = groups.flat().map(({ expAvg, expAvgSq }, number): [PythonValue, PythonValue] => [
    number,
    // A tensor for each: PyTorch counts them up in place.
    { step: Tensor.from(step), exp_avg: expAvg, exp_avg_sq: expAvgSq },
  ])
  let first = 0
  const param_groups = groups.map((group, i) => {
    const params = group.map((_, place) => first + place)
    first += group.length
    return { ...groupSettings(settings, i === 0 ? 0 : settings.weightDecay), params }
  })
  return { state: new Map(step === 0 ? [] : state), param_groups }
}

/** The keys of PyTorch 2.13, which others complete or ignore; `lr_scale` is the original's own. */
function groupSettings({ learningRate, betas, eps }: AdamWSettings, weightDecay: number) {
  const float = (value: number) => new PythonFloat(value)
  return {
    weight_decay: float(weightDecay),
    lr_scale: float(1),
    lr: float(learningRate),
    betas: new PythonTuple(float(betas[0]), float(betas[1])),
    eps: float(eps),
    amsgrad: false,
    maximize: false,
    foreach: null,
    capturable: false,
    differentiable: false,
    fused: null,
    decoupled_weight_decay: true,
  }
}
