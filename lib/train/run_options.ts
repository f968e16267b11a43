/**
 * The options that every training run has: how long, where to, how often to save, how to load.
 * pretrain_options.ts and tokenizer_options.ts add their own. These tables make the command line's flags as
 * well.
 */

import { signalOption } from '../call_options.js'
import { PREFETCH } from '../data/batches.js'
import { type ImageSource, isImageSource } from '../data/image_source.js'
import { DEFAULT_MAX_PIXELS } from '../data/view_settings.js'
import { MOST_THREADS } from '../device.js'
import type { OptionSchema } from '../options.js'

/** What `runSchema` describes, with its defaults filled in. */
export interface RunSettings {
  /** Images to train on. */
  data: ImageSource
  /** Images to evaluate on, with a centre crop and the same masks each time. */
  validation: ImageSource | null
  /** Run folder: checkpoints, metrics and pictures. */
  output: string
  /**
   * 'auto': from the newest whole checkpoint in the output, or anew; 'never'; a checkpoint folder; or
   * PyTorch's training checkpoint, as the original's checkpoint-19.pth.
   */
  resume: string
  /** Passes over the data; the schedules span them. */
  epochs: number
  /** End after this many steps if the epochs have more; the schedules span what is left. */
  maxSteps: number | null
  /** Images that go through the model at once; the original: 2048 over all GPUs at 1.5e-3. */
  batchSize: number
  /** Batches of one step: their gradients are averaged, a step has batchSize * accumulate images. */
  accumulate: number
  /** Peak learning rate, after warm-up. */
  learningRate: number
  /** Learning rate at the end of the cosine. */
  minLearningRate: number
  /** Epochs over which the learning rate rises linearly from 0; the original: 10 of 800. */
  warmupEpochs: number
  /** Steps of warm-up, in place of warmupEpochs. */
  warmupSteps: number | null
  /** AdamW weight decay of matrices and the mask token. */
  weightDecay: number
  /** Weight decay at the end of its cosine; unset: constant. */
  weightDecayEnd: number | null
  /** AdamW betas. */
  betas: readonly [number, number]
  /** AdamW epsilon. */
  eps: number
  /** Largest global norm of the gradient; the original: 3.0 for base, 1.0 for large. */
  clipGradient: number | null
  /** Arithmetic of the matrix products; weights and moments are float32 always. */
  precision: 'fp32' | 'bf16'
  /** 'off': libtorch's own operations one by one, slower; to tell whether a fast path is to blame. */
  optimize: 'auto' | 'off'
  /** Tell of each step where its time goes, and of all at the end. */
  profile: boolean
  /** Of the order of images, crops, colours, masks, drop path and noise. */
  seed: number
  /** Epochs between checkpoints; one is saved at the end too. The original: 20. */
  saveEveryEpochs: number
  /** Steps between checkpoints, beside those at the ends of epochs. */
  saveEverySteps: number | null
  /** Newest checkpoints to keep; the best one is kept beside them. */
  keepCheckpoints: number
  /** Epochs between evaluations. */
  evaluateEveryEpochs: number
  /**
   * Write event files for TensorBoard into the run folder, or into another one: curves, pictures, histograms.
   */
  tensorboard: boolean | string
  /** CPU threads of one operation; unset: one per core. Another number gives other last bits. */
  threads: number | null
  /** Threads that decode images; unset: one per core, at most 16. Their number changes no result. */
  loaderThreads: number | null
  /** Batches loaded ahead. */
  prefetch: number
  /** Stop when a larger share of the images cannot be read. */
  maxBrokenShare: number
  /** An image of more pixels is taken for hostile and left out. */
  maxPixels: number
  /** When aborted, the run finishes its step, saves and ends. */
  signal: AbortSignal | null
}

/** Of runs that can draw what the model makes of images. */
export interface SamplesSettings {
  /**
   * Epochs between sheets of what the model makes of some images, in samples/ of the run folder; unset: none.
   */
  samplesEveryEpochs: number | null
}

export const samplesSchema: OptionSchema = {
  samplesEveryEpochs: {
    type: 'integer',
    min: 1,
    default: null,
    optional: true,
    doc: 'Epochs between sheets of what the model makes of some images, in samples/ of the run folder; unset: none',
  },
}

/** Defaults that differ between the kinds of training are arguments. */
export function runSchema(defaults: {
  epochs: number
  batchSize: number
  learningRate: number
  minLearningRate: number
  warmupEpochs: number
  weightDecay: number
  clipGradient: number | null
}): OptionSchema {
  return {
    data: {
      type: 'object',
      check: isImageSource,
      expected: 'an image source, as ImageFolder.open() or WebDataset.open() gives',
      doc: 'Images to train on',
    },
    validation: {
      type: 'object',
      check: isImageSource,
      expected: 'an image source',
      optional: true,
      doc: 'Images to evaluate on, with a centre crop and the same masks each time',
    },
    output: { type: 'string', default: null, doc: 'Run folder: checkpoints, metrics and pictures' },
    resume: {
      type: 'string',
      default: 'never',
      doc:
        "'auto': from the newest whole checkpoint in the output, or anew; 'never'; a checkpoint folder; " +
        "or PyTorch's training checkpoint, as the original's checkpoint-19.pth",
    },
    epochs: {
      type: 'integer',
      min: 1,
      default: defaults.epochs,
      doc: 'Passes over the data; the schedules span them',
    },
    maxSteps: {
      type: 'integer',
      min: 1,
      default: null,
      optional: true,
      doc: 'End after this many steps if the epochs have more; the schedules span what is left',
    },
    batchSize: {
      type: 'integer',
      min: 1,
      default: defaults.batchSize,
      doc: 'Images that go through the model at once; the original: 2048 over all GPUs at 1.5e-3',
    },
    accumulate: {
      type: 'integer',
      min: 1,
      default: 1,
      doc: 'Batches of one step: their gradients are averaged, a step has batchSize * accumulate images',
    },
    learningRate: {
      type: 'number',
      min: 0,
      default: defaults.learningRate,
      doc: 'Peak learning rate, after warm-up',
    },
    minLearningRate: {
      type: 'number',
      min: 0,
      default: defaults.minLearningRate,
      doc: 'Learning rate at the end of the cosine',
    },
    warmupEpochs: {
      type: 'number',
      min: 0,
      default: defaults.warmupEpochs,
      doc: 'Epochs over which the learning rate rises linearly from 0; the original: 10 of 800',
    },
    warmupSteps: {
      type: 'integer',
      min: 0,
      default: null,
      optional: true,
      doc: 'Steps of warm-up, in place of warmupEpochs',
    },
    weightDecay: {
      type: 'number',
      min: 0,
      default: defaults.weightDecay,
      doc: 'AdamW weight decay of matrices and the mask token',
    },
    weightDecayEnd: {
      type: 'number',
      min: 0,
      default: null,
      optional: true,
      doc: 'Weight decay at the end of its cosine; unset: constant',
    },
    betas: { type: 'numbers', size: 2, min: 0, max: 0.999999, default: [0.9, 0.999], doc: 'AdamW betas' },
    eps: { type: 'number', min: 1e-15, default: 1e-8, doc: 'AdamW epsilon' },
    clipGradient: {
      type: 'number',
      min: 1e-6,
      default: defaults.clipGradient,
      optional: true,
      doc: 'Largest global norm of the gradient; the original: 3.0 for base, 1.0 for large',
    },
    precision: {
      type: 'choice',
      choices: ['fp32', 'bf16'],
      default: 'fp32',
      doc: 'Arithmetic of the matrix products; weights and moments are float32 always',
    },
    optimize: {
      type: 'choice',
      choices: ['auto', 'off'],
      default: 'auto',
      doc: "'off': libtorch's own operations one by one, slower; to tell whether a fast path is to blame",
    },
    profile: {
      type: 'boolean',
      default: false,
      doc: 'Tell of each step where its time goes, and of all at the end',
    },
    seed: {
      type: 'integer',
      min: 0,
      default: 0,
      doc: 'Of the order of images, crops, colours, masks, drop path and noise',
    },
    saveEveryEpochs: {
      type: 'integer',
      min: 1,
      default: 1,
      doc: 'Epochs between checkpoints; one is saved at the end too. The original: 20',
    },
    saveEverySteps: {
      type: 'integer',
      min: 1,
      default: null,
      optional: true,
      doc: 'Steps between checkpoints, beside those at the ends of epochs',
    },
    keepCheckpoints: {
      type: 'integer',
      min: 1,
      default: 3,
      doc: 'Newest checkpoints to keep; the best one is kept beside them',
    },
    tensorboard: {
      type: 'boolean-or-string',
      default: false,
      placeholder: 'FOLDER',
      doc: 'Write event files for TensorBoard into the run folder, or into another one: curves, pictures, histograms',
    },
    evaluateEveryEpochs: { type: 'integer', min: 1, default: 1, doc: 'Epochs between evaluations' },
    threads: {
      type: 'integer',
      min: 1,
      max: MOST_THREADS,
      default: null,
      optional: true,
      doc: 'CPU threads of one operation; unset: one per core. Another number gives other last bits',
    },
    loaderThreads: {
      type: 'integer',
      min: 1,
      max: 256,
      default: null,
      optional: true,
      doc: 'Threads that decode images; unset: one per core, at most 16. Their number changes no result',
    },
    prefetch: PREFETCH,
    maxBrokenShare: {
      type: 'number',
      min: 0,
      max: 1,
      default: 0.01,
      doc: 'Stop when a larger share of the images cannot be read',
    },
    maxPixels: {
      type: 'integer',
      min: 1,
      default: DEFAULT_MAX_PIXELS,
      doc: 'An image of more pixels is taken for hostile and left out',
    },
    signal: signalOption('When aborted, the run finishes its step, saves and ends'),
  }
}
