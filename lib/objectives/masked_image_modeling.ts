/**
 * The objective of BEiT (arXiv 2106.08254, section 2.3): predict the visual tokens of the masked patches. The
 * computation is native/train/masked_image_modeling_step.cc.
 */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { BeitError, invalidArgument } from '../errors.js'
import { described } from '../inspection.js'
import { BeitForMaskedImageModeling } from '../models/beit_for_masked_image_modeling.js'
import type { StepResult } from '../native.js'
import { checkNames } from '../options.js'
import { type ImageTokenizer, TokenizerModule } from '../tokenizers/image_tokenizer.js'
import { Trainer, type TrainerOptions } from '../train/trainer.js'
import type { Objective, ViewNeeds } from './objective.js'
import { perplexity } from './token_statistics.js'

/** What it reports of a step. */
export interface MaskedImageModelingMetrics {
  /** Mean cross-entropy over the masked tokens. ln(vocabSize) is what a guess scores. */
  loss: number
  /** Share of masked tokens predicted right, 0 to 1. A good run on natural images ends near 0.05. */
  accuracy: number
  /** Number of masked tokens. */
  masked: number
  /** Perplexity of the target tokens: low means that the tokenizer uses few codes. */
  perplexity: number
}

/** What is trained on what. */
export interface MaskedImageModelingOptions {
  /** The model to train. */
  model: BeitForMaskedImageModeling
  /** null: every batch brings its token ids (`tokens`). */
  tokenizer: ImageTokenizer | null
  /** Normalisation of the model's view, (x - mean) / std a channel with x in [0, 1]; default 0.5 each. */
  mean?: readonly number[]
  /** Of the normalisation, a channel; default 0.5 each. */
  std?: readonly number[]
  /**
   * Patches of an image that the head looks at, whatever its mask is: those that are masked, and others whose
   * loss is ignored. The shapes of a step stay the same then, and its results too; a batch in which more are
   * masked is not padded. 1 to the patches of an image; default null: those that are masked.
   */
  maskedPatches?: number | null
}

/**
 * Masked image modelling with a tokenizer of images.
 *
 * @example
 * const objective = new MaskedImageModeling({ model, tokenizer })
 * console.log(objective.views) // which views of an image its batches must have
 */
export class MaskedImageModeling implements Objective<MaskedImageModelingMetrics> {
  /** Which views of an image a batch must hold. */
  readonly views: ViewNeeds
  readonly #options: Required<MaskedImageModelingOptions>

  /** @throws BeitError ERR_INVALID_ARGUMENT; ERR_SHAPE_MISMATCH when the model's vocabulary is not that of the tokenizer */
  constructor(options: MaskedImageModelingOptions) {
    checkNames('MaskedImageModeling', ['model', 'tokenizer', 'mean', 'std', 'maskedPatches'], options)
    const { model, tokenizer, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5], maskedPatches = null } = options
    if (!(model instanceof BeitForMaskedImageModeling))
      throw invalidArgument('model', 'a BeitForMaskedImageModeling', model)
    if (tokenizer !== null && !(tokenizer instanceof TokenizerModule))
      throw invalidArgument('tokenizer', 'an image tokenizer or null', tokenizer)
    if (tokenizer !== null && tokenizer.vocabSize !== model.config.vocabSize) {
      throw new BeitError(
        'ERR_SHAPE_MISMATCH',
        `the model predicts ${model.config.vocabSize} tokens, but the tokenizer has ` +
          `${tokenizer.vocabSize}: create the model with vocabSize: tokenizer.vocabSize`,
      )
    }
    const [rows, columns] = model.grid
    this.#options = { model, tokenizer, mean, std, maskedPatches }
    this.views = {
      imageSize: model.config.imageSize,
      // One token a patch.
      tokenImageSize: tokenizer && [rows * tokenizer.stride, columns * tokenizer.stride],
      maskGrid: [rows, columns],
    }
  }

  /** A trainer of it. The caller disposes it. */
  createTrainer(options: TrainerOptions): Promise<Trainer> {
    const { model, tokenizer, ...rest } = this.#options
    return Trainer.create(
      {
        kind: 'masked_image_modeling',
        model: model.handle,
        tokenizer: tokenizer?.handle ?? null,
        ...rest,
      },
      options,
    )
  }

  /** What to report of one step, or of many that were added up. */
  metrics({ loss, masked, correct, tokenCounts }: StepResult): MaskedImageModelingMetrics {
    return {
      loss,
      accuracy: masked === 0 ? 0 : correct / masked,
      masked,
      perplexity: perplexity(tokenCounts),
    }
  }

  /** What is trained, and how. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    return described('MaskedImageModeling', this.#options, depth, options)
  }
}
