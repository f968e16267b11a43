/** The golden classifiers as a trainer takes them. */
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import {
  ImageClassification,
  type ImageClassificationOptions,
} from '../../lib/objectives/image_classification.js'
import type { Tensor } from '../../lib/tensor.js'
import type { MicroBatch, Trainer, TrainerOptions } from '../../lib/train/trainer.js'
import { tensorsOf, under } from '../support/tensors.js'
import { manifest, OPTIONS } from './golden_training.js'

/** A golden classifier with the one batch of its file. */
export interface GoldenClassifier {
  model: BeitForImageClassification
  batch: MicroBatch
  /** Everything in the file. */
  tensors: Map<string, Tensor>
  trainer(
    objective?: Omit<ImageClassificationOptions, 'model'>,
    options?: Partial<TrainerOptions>,
  ): Promise<Trainer>
}

/** The classifier `name` of the file at `path`; `config` overrides its configuration. */
export async function goldenClassifier(
  name: 'cls_mean_pool' | 'cls_token_pool',
  path: string,
  config: { dropPath?: number } = {},
): Promise<GoldenClassifier> {
  const tensors = await tensorsOf(path)
  const {
    img_size,
    embed_dim,
    depth,
    num_heads,
    num_classes,
    init_values,
    use_abs_pos_emb,
    use_rel_pos_bias,
    use_mean_pooling,
  } = manifest(name).config
  const model = await BeitForImageClassification.create({
    imageSize: img_size,
    hiddenSize: embed_dim,
    depth,
    heads: num_heads,
    numClasses: num_classes,
    layerScaleInit: init_values ?? 0,
    absolutePositions: use_abs_pos_emb,
    relativePositions: use_rel_pos_bias ? 'per-block' : 'none',
    pooling: use_mean_pooling ? 'mean' : 'cls',
    ...config,
  })
  await model.loadStateDict(under('state.', tensors))
  return {
    model,
    batch: { pixels: tensors.get('pixels') as Tensor, targets: tensors.get('labels') as Tensor },
    tensors,
    trainer: (objective, options) =>
      new ImageClassification({ model, ...objective }).createTrainer({
        ...OPTIONS,
        clipGradient: null,
        ...options,
      }),
  }
}
