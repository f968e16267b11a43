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
  type: 'start'
  /** Stays the same when the run is resumed. */
  runId: string
  /** The run folder. */
  output: string
  /** Of the whole run, those made before a resume included. */
  steps: number
  stepsPerEpoch: number
  epochs: number
  /** Images of one step: batchSize * accumulate. */
  batchSize: number
  images: number
  parameters: number
  /** The checkpoint folder the run goes on from, and the step it was saved after; null and 0: a new run. */
  resumedFrom: string | null
  resumedStep: number
  /** What this process computes on. */
  machine: Machine
  /** Settings, model config and data, as in settings.json. */
  config: Record<string, unknown>
}

/** What every optimizer step reports beside the metrics of its objective. */
export interface StepCommon {
  type: 'step'
  step: number
  /** Counted from 0. */
  epoch: number
  /**
   * Global norm before clipping. This and the loss are not finite (null in JSON) where the step was skipped.
   */
  gradientNorm: number
  learningRate: number
  weightDecay: number
  /** Steps left out so far because loss or gradient were not finite. */
  skipped: number
  /** Of this step, waiting included. */
  imagesPerSecond: number
  /** Share of the step's time spent waiting for data. */
  waiting: number
  seconds: number
  /**
   * With `profile`, seconds of each part, which make up `seconds`: 'data' is waiting for the loader, 'images'
   * bringing them to the device and normalising, 'rest' what is JavaScript's and the queue's.
   */
  parts?: Readonly<Record<string, number>>
}

/** Means over the steps of an epoch that were not skipped, steps before a resume included. */
export interface EpochCommon {
  type: 'epoch'
  epoch: number
  /** Last step of the epoch. */
  step: number
  seconds: number
  imagesPerSecond: number
  waiting: number
  /** Training images that this process left out so far because they could not be read. */
  broken: number
}

/** Means over the validation images. */
export interface EvaluationCommon {
  type: 'evaluation'
  epoch: number
  step: number
  images: number
  /** Validation images left out because they could not be read. */
  broken: number
}

export interface CheckpointEvent {
  type: 'checkpoint'
  step: number
  /** The checkpoint's folder. */
  path: string
  seconds: number
}

/** A sheet of pictures was drawn of what the model makes of some images, the same ones each time. */
export interface SamplesEvent {
  type: 'samples'
  epoch: number
  step: number
  /** A PNG file in the run folder. */
  path: string
  seconds: number
}

export interface WarningEvent {
  type: 'warning'
  message: string
}

/**
 * Last event of a run that ended without an error. The metrics are those of the last whole epoch, or of what
 * was made of it.
 */
export interface DoneCommon {
  type: 'done'
  step: number
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

export interface PretrainStepEvent extends StepCommon, MaskedImageModelingMetrics {}
export interface PretrainEpochEvent extends EpochCommon, MaskedImageModelingMetrics {
  /** Masked tokens of all its steps: a sum, not a mean. */
  masked: number
}
export interface PretrainEvaluationEvent
  extends EvaluationCommon,
    Omit<MaskedImageModelingMetrics, 'masked'> {
  /**
   * Of always answering the token most frequent among the masked targets: the best that a constant answer can
   * do.
   */
  baselineAccuracy: number
}
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

export interface TokenizerStepEvent extends StepCommon, DiscreteVaeMetrics {
  temperature: number
  klWeight: number
}
export interface TokenizerEpochEvent extends EpochCommon, DiscreteVaeMetrics {}
export interface TokenizerEvaluationEvent extends EvaluationCommon, DiscreteVaeMetrics {
  /** Share of the codes that the validation images use, and perplexity of all their codes. */
  usage: number
  perplexity: number
}
export interface TokenizerDoneEvent extends DoneCommon, DiscreteVaeMetrics {}

/** How the codes were used since the last such event. */
export interface CodebookEvent {
  type: 'codebook'
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
export interface FinetuneStepEvent extends StepCommon, ImageClassificationMetrics {}
export interface FinetuneEpochEvent extends EpochCommon, ImageClassificationMetrics {}
/** What `evaluate()` says of one set of weights. */
export type ClassificationScores = Omit<ClassificationEvaluation, 'images' | 'broken' | 'seconds'>
export interface FinetuneEvaluationEvent extends EvaluationCommon, ClassificationScores {
  /** The same of the averaged weights; null without `ema`. */
  ema: ClassificationScores | null
}
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
