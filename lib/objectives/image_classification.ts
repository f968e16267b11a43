/**
 * Training of a classifier: fine-tuning of a pre-trained model, or a ViT from its initial weights. The
 * computation is native/train/image_classification_step.cc.
 */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { invalidArgument } from '../errors.js'
import { described } from '../inspection.js'
import { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import type { StepResult } from '../native.js'
import { checkNames } from '../options.js'
import { Trainer, type TrainerOptions } from '../train/trainer.js'
import type { Objective, ViewNeeds } from './objective.js'

/** What it reports of a step. */
export interface ImageClassificationMetrics {
  /** Mean over the images; of binary cross-entropy, over images and classes. */
  loss: number
  /**
   * Share of the images whose likeliest class has the largest weight in their target, 0 to 1. Targets are
   * those of the loss: where images are mixed, it stays far below that of an evaluation.
   */
  accuracy: number
  /** Number of images. */
  images: number
}

/** What is trained, and by which loss. */
export interface ImageClassificationOptions {
  /** The model to train. */
  model: BeitForImageClassification
  /**
   * 'cross-entropy': one class an image, or a distribution over them. 'binary-cross-entropy': each class by
   * itself, for images of several classes or none.
   */
  loss?: 'cross-entropy' | 'binary-cross-entropy'
  /** Share of a target that is spread over all classes, 0 to 1; the original takes 0.1. */
  labelSmoothing?: number
  /**
   * Layer-wise decay of the learning rate: that of block i is multiplied by `layerDecay ** (depth - i)`, that of
   * what lies before the blocks by `layerDecay ** (depth + 1)`. null: one rate for all.
   */
  layerDecay?: number | null
  /**
   * A copy of the model whose weights follow those of the training, `decay` times their own and the rest of the
   * new ones after each step. It stays the caller's. null: none.
   */
  ema?: { model: BeitForImageClassification; decay: number } | null
}

/**
 * Classification of images. Every batch brings its `targets`, and may bring `erase` and `mix`.
 *
 * @example
 * const objective = new ImageClassification({ model: classifier, labelSmoothing: 0.1 })
 * console.log(objective.views.imageSize)
 */
export class ImageClassification implements Objective<ImageClassificationMetrics> {
  /** Which views of an image a batch must hold. */
  readonly views: ViewNeeds
  readonly #options: Required<ImageClassificationOptions>

  /** Defaults: cross-entropy, without smoothing, decay and averaging. */
  constructor(options: ImageClassificationOptions) {
    checkNames('ImageClassification', ['model', 'loss', 'labelSmoothing', 'layerDecay', 'ema'], options)
    if (!(options.model instanceof BeitForImageClassification))
      throw invalidArgument('model', 'a BeitForImageClassification', options.model)
    this.#options = { loss: 'cross-entropy', labelSmoothing: 0, layerDecay: null, ema: null, ...options }
    this.views = { imageSize: options.model.config.imageSize, tokenImageSize: null, maskGrid: null }
  }

  /** Images are normalised as the model's `preprocessing` says. */
  createTrainer(options: TrainerOptions): Promise<Trainer> {
    const { model, loss, labelSmoothing, layerDecay, ema } = this.#options
    const { mean, std } = model.preprocessing
    return Trainer.create(
      { kind: 'image_classification', model: model.handle, mean, std, loss, labelSmoothing },
      { ...options, layerDecay, ema: ema && { model: ema.model.handle, decay: ema.decay } },
    )
  }

  /** What to report of one step, or of many that were added up. */
  metrics({ loss, correct, images = 0 }: StepResult): ImageClassificationMetrics {
    return { loss, accuracy: images === 0 ? 0 : correct / images, images }
  }

  /** What is trained, and how. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    return described('ImageClassification', this.#options, depth, options)
  }
}
