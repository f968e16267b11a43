/**
 * What stands around the blocks: mask token, last norm, head. A head of another size is dropped and the new
 * one initialised. Between pre-training and a classifier with mean pooling the last norm is not carried over,
 * as in the original: `norm` saw every token before the head of pre-training, `fc_norm` sees their mean, and
 * begins anew.
 */
import type { BeitArchitecture } from '../naming/architecture.js'
import type { Shapes } from './adaptation.js'
import type { AdaptationPlan } from './plan.js'

/** The models that have something behind their blocks; `kind` of their files. */
export type HeadedModel = 'beit_for_masked_image_modeling' | 'beit_for_image_classification'

/** A target says all of it, because the model is made from it. */
export type CompleteArchitecture = Required<BeitArchitecture>

const HEADS = ['lm_head.weight', 'lm_head.bias', 'head.weight', 'head.bias']
const NORMS = ['norm.weight', 'norm.bias', 'fc_norm.weight', 'fc_norm.bias']
const ALL = ['mask_token', ...NORMS, ...HEADS]

export function planHead(plan: AdaptationPlan, target: CompleteArchitecture, model: HeadedModel): void {
  const wanted = shapesOf(target, model)
  const kind = model === 'beit_for_image_classification' ? 'image classification' : 'masked image modelling'
  const norm = 'fc_norm.weight' in wanted ? 'fc_norm' : 'norm'
  const otherNorm = NORMS.filter((name) => !(name in wanted) && plan.has(name))
  const otherHead = ['mask_token', ...HEADS].filter((name) => !(name in wanted))
  plan.drop(otherHead, `${kind} has no place for them`)
  plan.drop(otherNorm, `the model has ${norm} in their place`)

  const there = plan.shapes(ALL)
  const heads = HEADS.filter((name) => name in wanted && name in there)
  const resized = heads.filter((name) => wanted[name]?.[0] !== there[name]?.[0])
  if (resized.length > 0) {
    const [first] = resized as [string]
    const unit = model === 'beit_for_image_classification' ? 'classes' : 'visual tokens'
    const why = `${wanted[first]?.[0]} ${unit} in place of ${there[first]?.[0]}`
    plan.initialise(resized, only(wanted, resized), why)
  }
  // With its head there, a checkpoint is of this model: what it lacks then is missing, but for another norm.
  const begun = heads.length === 0 ? Object.keys(wanted) : otherNorm.length > 0 ? NORMS : []
  const absent = begun.filter((name) => name in wanted && !(name in there))
  if (absent.length > 0) plan.initialise([], only(wanted, absent), 'the checkpoint has none')
}

/** The tensors around the blocks of `model`, in its order. */
function shapesOf(
  { hiddenSize, pooling, numClasses, vocabSize }: CompleteArchitecture,
  model: HeadedModel,
): Shapes {
  const mean = model === 'beit_for_image_classification' && pooling === 'mean'
  const norm = mean ? 'fc_norm' : 'norm'
  const shapes = {
    [`${norm}.weight`]: [hiddenSize],
    [`${norm}.bias`]: [hiddenSize],
  }
  if (model === 'beit_for_image_classification') {
    return { ...shapes, 'head.weight': [numClasses, hiddenSize], 'head.bias': [numClasses] }
  }
  return {
    mask_token: [1, 1, hiddenSize],
    ...shapes,
    'lm_head.weight': [vocabSize, hiddenSize],
    'lm_head.bias': [vocabSize],
  }
}

const only = (shapes: Shapes, names: readonly string[]): Shapes =>
  Object.fromEntries(names.map((name) => [name, shapes[name] as readonly number[]]))
