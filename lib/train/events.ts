/**
 * What a training run tells: plain objects that survive JSON. The progress line, metrics.jsonl, the plots and a user's
 * own loop are all consumers of this one stream. Times are in seconds; shares lie in 0..1; steps are counted from 1.
 */

/** An image that was left out because it could not be read. */
export interface BrokenImage {
  key: string
  /** The file, or the shard it lies in at `offset`. */
  path: string
  offset: number
  message: string
}

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
  /** The checkpoint folder the run goes on from, and the step it was saved after. */
  resumedFrom: string | null
  resumedStep: number
  /** Settings and model config, as in settings.json. */
  config: Record<string, unknown>
}

/** What every optimizer step reports. */
interface StepCommon {
  type: 'step'
  step: number
  /** Counted from 0. */
  epoch: number
  /** NaN or infinite where the step was skipped; null in JSON. */
  loss: number
  /** Global norm before clipping. */
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
}

export interface PretrainStepEvent extends StepCommon {
  /** Share of the masked tokens predicted right. */
  accuracy: number
  /** Masked tokens in the step. */
  masked: number
  /** Of the distribution of the target tokens of the step: exp(entropy). */
  perplexity: number
}

export interface TokenizerStepEvent extends StepCommon {
  reconstruction: number
  kl: number
  temperature: number
  klWeight: number
}

/** Means over the finite steps of an epoch; after a resume inside the epoch, over the whole of it all the same. */
interface EpochCommon {
  type: 'epoch'
  epoch: number
  /** Last step of the epoch. */
  step: number
  loss: number
  seconds: number
  imagesPerSecond: number
  waiting: number
  /** Images left out so far because they could not be read. */
  broken: number
}

export interface PretrainEpochEvent extends EpochCommon {
  accuracy: number
  /** Of the target tokens of the epoch. */
  perplexity: number
}

export interface TokenizerEpochEvent extends EpochCommon {
  reconstruction: number
  kl: number
}

export interface PretrainEvaluationEvent {
  type: 'evaluation'
  epoch: number
  step: number
  loss: number
  accuracy: number
  /** Of always answering the token most frequent among the masked targets: the best a constant answer can do. */
  baselineAccuracy: number
  /** Of the masked targets. */
  perplexity: number
  images: number
}

export interface TokenizerEvaluationEvent {
  type: 'evaluation'
  epoch: number
  step: number
  loss: number
  reconstruction: number
  kl: number
  /** Share of the codes that some patch of the validation images has. */
  usage: number
  perplexity: number
  images: number
}

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

export interface CheckpointEvent {
  type: 'checkpoint'
  step: number
  /** The checkpoint's folder. */
  path: string
  seconds: number
}

export interface WarningEvent {
  type: 'warning'
  message: string
}

/** Last event of a run that ended without an error. */
interface DoneCommon {
  type: 'done'
  step: number
  epoch: number
  /** 'stopped': the signal was aborted; the run can be resumed. */
  reason: 'finished' | 'stopped'
  /** Of the last epoch, or what was made of it. */
  loss: number
  checkpoint: string
  /** Since this process started the run. */
  seconds: number
  broken: BrokenImage[]
}

export interface PretrainDoneEvent extends DoneCommon {
  accuracy: number
}

export interface TokenizerDoneEvent extends DoneCommon {
  reconstruction: number
}

export type PretrainEvent =
  | StartEvent
  | PretrainStepEvent
  | PretrainEpochEvent
  | PretrainEvaluationEvent
  | CheckpointEvent
  | WarningEvent
  | PretrainDoneEvent

export type TokenizerEvent =
  | StartEvent
  | TokenizerStepEvent
  | TokenizerEpochEvent
  | TokenizerEvaluationEvent
  | CodebookEvent
  | CheckpointEvent
  | WarningEvent
  | TokenizerDoneEvent
