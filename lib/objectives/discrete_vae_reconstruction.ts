/**
 * The objective of a discrete VAE: reconstruct the image from relaxed codes, keep the codes near uniform
 * (DALL-E paper, arXiv 2102.12092, section 2.1 and appendix A). The computation is
 * native/train/discrete_vae_step.cc.
 */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { invalidArgument } from '../errors.js'
import { described } from '../inspection.js'
import type { StepResult } from '../native.js'
import { checkNames } from '../options.js'
import { ConvDiscreteVae } from '../tokenizers/conv_discrete_vae.js'
import { Trainer, type TrainerOptions } from '../train/trainer.js'
import type { Objective, ViewNeeds } from './objective.js'

/** What it reports of a step. How the codebook is used over many steps is told by token_statistics.ts. */
export interface DiscreteVaeMetrics {
  /** reconstruction + klWeight · kl */
  loss: number
  /** Mean over the values of an image. */
  reconstruction: number
  /** KL divergence of the codes from uniform: summed over positions, mean over images, without its weight. */
  kl: number
}

/** What is trained, and by which loss. */
export interface DiscreteVaeReconstructionOptions {
  /** The tokenizer to train. */
  tokenizer: ConvDiscreteVae
  /** [height, width] of the training images: multiples of the tokenizer's stride. */
  imageSize: readonly [number, number]
  /** 'mse' and 'smooth-l1' on the image normalised to [-1, 1]; 'logit-laplace' needs 6 channels. */
  reconstruction?: 'mse' | 'smooth-l1' | 'logit-laplace'
  /** Decode one-hot codes, with the gradient of the relaxed ones. */
  straightThrough?: boolean
  /** Gumbel noise on the logits while training. */
  noise?: boolean
}

/**
 * Training of a convolutional tokenizer.
 *
 * @example
 * const objective = new DiscreteVaeReconstruction({ tokenizer, imageSize: [32, 32] })
 * console.log(objective.views.imageSize)
 */
export class DiscreteVaeReconstruction implements Objective<DiscreteVaeMetrics> {
  /** Which views of an image a batch must hold. */
  readonly views: ViewNeeds
  readonly #options: Required<DiscreteVaeReconstructionOptions>

  /** Defaults: mean squared error, relaxed codes, with noise. */
  constructor(options: DiscreteVaeReconstructionOptions) {
    const names = ['tokenizer', 'imageSize', 'reconstruction', 'straightThrough', 'noise']
    checkNames('DiscreteVaeReconstruction', names, options)
    if (!(options.tokenizer instanceof ConvDiscreteVae))
      throw invalidArgument('tokenizer', 'a ConvDiscreteVae', options.tokenizer)
    this.#options = { reconstruction: 'mse', straightThrough: false, noise: true, ...options }
    this.views = { imageSize: options.imageSize, tokenImageSize: null, maskGrid: null }
  }

  /** A trainer of it. The caller disposes it. */
  createTrainer(options: TrainerOptions): Promise<Trainer> {
    const { tokenizer, reconstruction, straightThrough, noise } = this.#options
    return Trainer.create(
      { kind: 'discrete_vae', model: tokenizer.handle, reconstruction, straightThrough, noise },
      options,
    )
  }

  /** What to report of one step, or of many that were added up. */
  metrics({ loss, reconstruction = 0, kl = 0 }: StepResult): DiscreteVaeMetrics {
    return { loss, reconstruction, kl }
  }

  /** What is trained, and how. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    return described('DiscreteVaeReconstruction', this.#options, depth, options)
  }
}
