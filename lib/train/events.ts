/**
 * What a training run tells: plain objects that survive JSON. The progress line, metrics.jsonl, the plots and
 * a user's own loop are all consumers of this one stream. Times are in seconds; shares lie in 0..1; steps are
 * counted from 1.
 */

import type { BrokenImage } from '../data/broken_images.js'
import type { ClassBalance } from '../data/class_balance.js'
import type { ClassificationEvaluation } from '../evaluate/classification_evaluation.js'
import type { DiscreteVaeMetrics } from '../objectives/discrete_vae_reconstruction.js'
import type { ImageClassificationMetrics } from '../objectives/image_classification.js'
import type { MaskedImageModelingMetrics } from '../objectives/masked_image_modeling.js'
import type { Machine } from './machine.js'
import type { Score } from './run_state.js'

/** First event of a run. */
export interface StartEvent {
  /** Which event it is. */
  type: 'start'
  /** Stays the same when the run is resumed. */
  runId: string
  /** The run folder. */
  output: string
  /** Of the whole run, those made before a resume included. */
  steps: number
  /** Optimizer steps of an epoch. */
  stepsPerEpoch: number
  /** Of the whole run. */
  epochs: number
  /** Images of one step: batchSize * accumulate. */
  batchSize: number
  /** Training images. */
  images: number
  /** Trained numbers of the model. */
  parameters: number
  /** The checkpoint folder the run goes on from; null: a new run. */
  resumedFrom: string | null
  /** Of the checkpoint that it goes on from; 0: a new run. */
  resumedStep: number
  /** What this process computes on. */
  machine: Machine
  /** Settings, model config and data, as in settings.json. */
  config: Record<string, unknown>
}

/** What every optimizer step reports beside the metrics of its objective. */
export interface StepCommon {
  /** Which event it is. */
  type: 'step'
  /** Counted from 1 over the whole run. */
  step: number
  /** Counted from 0. */
  epoch: number
  /**
   * Global norm before clipping. This and the loss are not finite (null in JSON) where the step was skipped.
   */
  gradientNorm: number
  /** Of this step. */
  learningRate: number
  /** Of this step. */
  weightDecay: number
  /** Steps left out so far because loss or gradient were not finite. */
  skipped: number
  /** Of this step, waiting included. */
  imagesPerSecond: number
  /** Share of the step's time spent waiting for data. */
  waiting: number
  /** Of this step, waiting included. */
  seconds: number
  /**
   * With `profile`, seconds of each part, which make up `seconds`: 'data' is waiting for the loader, 'images'
   * bringing them to the device and normalising, 'rest' what is JavaScript's and the queue's.
   */
  parts?: Readonly<Record<string, number>>
}

/** Means over the steps of an epoch that were not skipped, steps before a resume included. */
export interface EpochCommon {
  /** Which event it is. */
  type: 'epoch'
  /** Counted from 0. */
  epoch: number
  /** Last step of the epoch. */
  step: number
  /** Of the epoch, evaluation and saving left out. */
  seconds: number
  /** Mean over its steps. */
  imagesPerSecond: number
  /** Share of the time spent waiting for data. */
  waiting: number
  /** Training images that this process left out so far because they could not be read. */
  broken: number
}

/** Means over the validation images. */
export interface EvaluationCommon {
  /** Which event it is. */
  type: 'evaluation'
  /** Counted from 0. */
  epoch: number
  /** Last step before it. */
  step: number
  /** Validation images. */
  images: number
  /** Validation images left out because they could not be read. */
  broken: number
}

/** A checkpoint was saved. */
export interface CheckpointEvent {
  /** Which event it is. */
  type: 'checkpoint'
  /** Last step that is in it. */
  step: number
  /** The checkpoint's folder. */
  path: string
  /** That saving it took. */
  seconds: number
}

/** A sheet of pictures was drawn of what the model makes of some images, the same ones each time. */
export interface SamplesEvent {
  /** Which event it is. */
  type: 'samples'
  /** Counted from 0. */
  epoch: number
  /** Last step before it. */
  step: number
  /** A PNG file in the run folder. */
  path: string
  /** That drawing it took. */
  seconds: number
}

/** Something that a user should know, and that ends nothing. */
export interface WarningEvent {
  /** Which event it is. */
  type: 'warning'
  /** In whole sentences. */
  message: string
}

/**
 * Last event of a run that ended without an error. The metrics are those of the last whole epoch, or of what
 * was made of it.
 */
export interface DoneCommon {
  /** Which event it is. */
  type: 'done'
  /** Last step. */
  step: number
  /** That of the last step. */
  epoch: number
  /** 'stopped': the signal was aborted; the run can be resumed. */
  reason: 'finished' | 'stopped'
  /** The newest checkpoint's folder. */
  checkpoint: string
  /**
   * The checkpoint with the best score, of those that were saved at the end of an epoch: by the validation
   * images where there are some, else by the training loss; null before the first.
   */
  best: (Score & { step: number; checkpoint: string }) | null
  /** Since this process started the run. */
  seconds: number
  /** Images of training and validation that this process left out because they could not be read. */
  broken: BrokenImage[]
}

/** Events of a run whose steps, epochs and evaluations report these fields beside the common ones. */
export type TrainingEvent<Step, Epoch, Evaluation, Start = object> =
  | (StartEvent & Start)
  | (StepCommon & Step)
  | (EpochCommon & Epoch)
  | (EvaluationCommon & Evaluation)
  | SamplesEvent
  | CheckpointEvent
  | WarningEvent
  | (DoneCommon & Epoch)

/** One optimizer step of pre-training. */
export interface PretrainStepEvent extends StepCommon, MaskedImageModelingMetrics {}
/** Means over an epoch of pre-training. */
export interface PretrainEpochEvent extends EpochCommon, MaskedImageModelingMetrics {
  /** Masked tokens of all its steps: a sum, not a mean. */
  masked: number
}
/** The validation images, with the same masks each time. */
export interface PretrainEvaluationEvent
  extends EvaluationCommon,
    Omit<MaskedImageModelingMetrics, 'masked'> {
  /**
   * Of always answering the token most frequent among the masked targets: the best that a constant answer can
   * do.
   */
  baselineAccuracy: number
}
/** The end of a pre-training. */
export interface PretrainDoneEvent extends DoneCommon, MaskedImageModelingMetrics {}

/** What `pretrain()` yields. */
export type PretrainEvent =
  | StartEvent
  | PretrainStepEvent
  | PretrainEpochEvent
  | PretrainEvaluationEvent
  | SamplesEvent
  | CheckpointEvent
  | WarningEvent
  | PretrainDoneEvent

/** One optimizer step of a tokenizer's training. */
export interface TokenizerStepEvent extends StepCommon, DiscreteVaeMetrics {
  /** Of the relaxation. */
  temperature: number
  /** Of the KL divergence in the loss. */
  klWeight: number
}
/** Means over an epoch of a tokenizer's training. */
export interface TokenizerEpochEvent extends EpochCommon, DiscreteVaeMetrics {}
/** The validation images, without noise. */
export interface TokenizerEvaluationEvent extends EvaluationCommon, DiscreteVaeMetrics {
  /** Share of the codes that the validation images use. */
  usage: number
  /** Of all codes of the validation images. */
  perplexity: number
}
/** The end of a tokenizer's training. */
export interface TokenizerDoneEvent extends DoneCommon, DiscreteVaeMetrics {}

/** How the codes were used since the last such event. */
export interface CodebookEvent {
  /** Which event it is. */
  type: 'codebook'
  /** Last step that was counted. */
  step: number
  /** Steps the counts are taken over. */
  interval: number
  /** Share of the codes that were chosen at all. */
  usage: number
  /** exp(entropy) of the choices: vocabSize when all are used alike, 1 when collapsed. */
  perplexity: number
  /** Codes never chosen in the interval. */
  dead: number
}

/** What `trainTokenizer()` yields. */
export type TokenizerEvent =
  | StartEvent
  | TokenizerStepEvent
  | TokenizerEpochEvent
  | TokenizerEvaluationEvent
  | CodebookEvent
  | SamplesEvent
  | CheckpointEvent
  | WarningEvent
  | TokenizerDoneEvent

/** First event of fine-tuning. */
export interface FinetuneStartEvent extends StartEvent {
  /** How the training images are spread over the classes. */
  classBalance: ClassBalance
}
/** One optimizer step of fine-tuning. */
export interface FinetuneStepEvent extends StepCommon, ImageClassificationMetrics {}
/** Means over an epoch of fine-tuning. */
export interface FinetuneEpochEvent extends EpochCommon, ImageClassificationMetrics {}
/** What `evaluate()` says of one set of weights. */
export type ClassificationScores = Omit<ClassificationEvaluation, 'images' | 'broken' | 'seconds'>
/** The validation images, scored. */
export interface FinetuneEvaluationEvent extends EvaluationCommon, ClassificationScores {
  /** The same of the averaged weights; null without `ema`. */
  ema: ClassificationScores | null
}
/** The end of a fine-tuning. */
export interface FinetuneDoneEvent extends DoneCommon, ImageClassificationMetrics {}

/** What `finetune()` yields. */
export type FinetuneEvent =
  | FinetuneStartEvent
  | FinetuneStepEvent
  | FinetuneEpochEvent
  | FinetuneEvaluationEvent
  | SamplesEvent
  | CheckpointEvent
  | WarningEvent
  | FinetuneDoneEvent

/** What any run yields. */
export type RunEvent = PretrainEvent | TokenizerEvent | FinetuneEvent
