/** `config.json` of transformers' BEiT models, read and written. */
import { BeitError } from '../../errors.js'
import { type BeitArchitecture, mlpRatioOf, type Told } from './architecture.js'
import { type Companions, distinct, isNames, NO_COMPANIONS } from './companions.js'

/** transformers' own values for what a config.json leaves out (BeitConfig, the same since version 4.12). */
const DEFAULTS = {
  vocab_size: 8192,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  layer_norm_eps: 1e-12,
  image_size: 224,
  patch_size: 16,
  num_channels: 3,
  use_absolute_position_embeddings: false,
  use_relative_position_bias: false,
  use_shared_relative_position_bias: false,
  layer_scale_init_value: 0.1,
  drop_path_rate: 0.1,
  use_mean_pooling: true,
} as const

type Given = Record<keyof typeof DEFAULTS, unknown>

/** Is it the config.json of a BEiT of transformers? */
export function isTransformersConfig(json: unknown): json is object {
  return typeof json === 'object' && json !== null && (json as { model_type?: unknown }).model_type === 'beit'
}

/**
 * The architecture that a config.json describes.
 *
 * @param path for messages
 * @throws BeitError ERR_FORMAT for values of another type, and for an architecture that is not BEiT's
 */
export function readTransformersConfig(path: string, json: object): Told {
  const given = { ...DEFAULTS, ...json } as Given & Record<string, unknown>
  const refuse = (name: string, expected: string) =>
    new BeitError('ERR_FORMAT', `${path}: ${name} is ${JSON.stringify(given[name])}, expected ${expected}`)
  const integer = (name: keyof Given) => {
    const value = given[name]
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw refuse(name, 'a positive integer')
    return value as number
  }
  const amount = (name: keyof Given) => {
    const value = given[name]
    if (typeof value !== 'number' || !(value >= 0)) throw refuse(name, 'a number of at least 0')
    return value
  }
  const pair = (name: keyof Given) => {
    const value = given[name]
    const sides = Array.isArray(value) ? value : [value, value]
    if (sides.length !== 2 || !sides.every((n) => Number.isSafeInteger(n) && n > 0)) {
      throw refuse(name, 'a positive integer or two of them')
    }
    return sides as [number, number]
  }

  const [patchSize, patchWidth] = pair('patch_size')
  if (patchSize !== patchWidth) throw refuse('patch_size', 'square patches')
  if (given.hidden_act !== 'gelu') throw refuse('hidden_act', "'gelu', the activation of BEiT")
  if (given.num_channels !== 3) throw refuse('num_channels', '3, for RGB')
  const [shared, perBlock] = [given.use_shared_relative_position_bias, given.use_relative_position_bias]
  if (shared && perBlock) {
    throw refuse(
      'use_relative_position_bias',
      'false beside a bias that all blocks share: BEiT has one or the other',
    )
  }
  const notes = ['hidden_dropout_prob', 'attention_probs_dropout_prob'].flatMap((name) =>
    given[name] === 0
      ? []
      : [`${path}: ${name} is ${given[name]}; this library has no dropout, as BEiT trains without`],
  )
  const numClasses = classesOf(given)
  const architecture: BeitArchitecture = {
    imageSize: pair('image_size'),
    patchSize,
    hiddenSize: integer('hidden_size'),
    depth: integer('num_hidden_layers'),
    heads: integer('num_attention_heads'),
    mlpRatio: mlpRatioOf(integer('intermediate_size'), integer('hidden_size')),
    layerScaleInit: amount('layer_scale_init_value'),
    absolutePositions: Boolean(given.use_absolute_position_embeddings),
    relativePositions: shared ? 'shared' : perBlock ? 'per-block' : 'none',
    dropPath: amount('drop_path_rate'),
    normEps: amount('layer_norm_eps'),
    vocabSize: integer('vocab_size'),
    ...(numClasses === null ? {} : { numClasses }),
    pooling: given.use_mean_pooling ? 'mean' : 'cls',
  }
  return { architecture, notes }
}

/** Classes: one a label. transformers leaves both keys out for its default of 2. */
function classesOf({ id2label, num_labels }: Record<string, unknown>): number | null {
  if (typeof id2label === 'object' && id2label !== null) return Object.keys(id2label).length
  return typeof num_labels === 'number' ? num_labels : null
}

/** Names of the classes that a config.json has; null where they are transformers' LABEL_0 and so on, or none. */
export function labelsOf({ id2label }: { id2label?: unknown }): string[] | null {
  if (typeof id2label !== 'object' || id2label === null) return null
  const names = Array.from(Object.keys(id2label), (_, id) => (id2label as Record<string, unknown>)[id])
  if (!isNames(names) || names.every((name, id) => name === `LABEL_${id}`)) return null
  return distinct(names)
}

const MULTI_LABEL = 'multi_label_classification'

/** Whether a config.json says that an image may be of several classes. */
export const isMultiLabel = ({ problem_type }: { problem_type?: unknown }) => problem_type === MULTI_LABEL

/** Options that transformers takes as Python floats only: it refuses 0 for 0.0. */
const FLOATS = ['initializer_range', 'layer_norm_eps', 'layer_scale_init_value']

/**
 * The text of a config.json for weights of this architecture.
 *
 * @param model the class of transformers that they are for
 * @param dtype of the weights
 * @param tensors their names, ours: a model without a head has what they say, whatever it was made for
 * @param companions names of the classes, or LABEL_0 and so on, as transformers calls classes without names; and
 * whether an image may be of several
 */
export function writeTransformersConfig(
  architecture: Required<BeitArchitecture>,
  model: 'BeitForMaskedImageModeling' | 'BeitForImageClassification' | 'BeitModel',
  dtype: string,
  tensors: { has(name: string): boolean },
  { labels: names, multiLabel }: Pick<Companions, 'labels' | 'multiLabel'> = NO_COMPANIONS,
): string {
  const { imageSize, relativePositions, numClasses } = architecture
  const masked = model === 'BeitForMaskedImageModeling'
  const labels = names ?? Array.from({ length: numClasses }, (_, i) => `LABEL_${i}`)
  const config = {
    architectures: [model],
    model_type: 'beit',
    torch_dtype: dtype,
    vocab_size: architecture.vocabSize,
    hidden_size: architecture.hiddenSize,
    num_hidden_layers: architecture.depth,
    num_attention_heads: architecture.heads,
    intermediate_size: Math.trunc(architecture.hiddenSize * architecture.mlpRatio),
    hidden_act: 'gelu',
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    initializer_range: 0.02,
    layer_norm_eps: architecture.normEps,
    image_size: imageSize[0] === imageSize[1] ? imageSize[0] : imageSize,
    patch_size: architecture.patchSize,
    num_channels: 3,
    use_mask_token: tensors.has('mask_token'),
    use_absolute_position_embeddings: architecture.absolutePositions,
    use_relative_position_bias: relativePositions === 'per-block',
    use_shared_relative_position_bias: relativePositions === 'shared',
    layer_scale_init_value: architecture.layerScaleInit,
    drop_path_rate: architecture.dropPath,
    // With masked image modelling the one norm is the head's, and this keeps the model from another.
    use_mean_pooling: masked || !tensors.has('norm.weight'),
    ...(masked
      ? {}
      : {
          id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
          label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
          ...(multiLabel && { problem_type: MULTI_LABEL }),
        }),
  }
  const text = JSON.stringify(config, null, 2)
  return `${text.replace(new RegExp(`("(${FLOATS.join('|')})": \\d+)(?=,?\n)`, 'g'), '$1.0')}\n`
}
