/**
 * An objective: what it needs of a batch, which module it trains by which loss, and what it reports. The
 * training loop knows no more than this interface; a new objective is one file here and one in native/train.
 */
import type { StepResult } from '../native.js'
import type { Trainer, TrainerOptions } from '../train/trainer.js'

/** Which views of an image a batch must hold. Sizes are [height, width]. */
export interface ViewNeeds {
  /** The view that the trained module sees. */
  imageSize: readonly [number, number]
  /** The view that the tokenizer sees; null: none. */
  tokenImageSize: readonly [number, number] | null
  /** Patch grid [rows, columns] of the mask; null: no mask. */
  maskGrid: readonly [number, number] | null
}

/** `Metrics` are the fields that a step of this objective adds to the events of the loop. */
export interface Objective<Metrics extends object> {
  /** Which views of an image a batch must hold. */
  readonly views: ViewNeeds
  /** A trainer of this objective's module. The caller disposes it. */
  createTrainer(options: TrainerOptions): Promise<Trainer>
  /** What to report of one step, or of many that were added up. */
  metrics(result: StepResult): Metrics
}
