/**
 * What the loop is given: an objective with everything settled. pretrain.ts and train_tokenizer.ts make one
 * each; training_run.ts runs it.
 */
import type { Batch } from '../data/batches.js'
import type { BrokenImage } from '../data/broken_images.js'
import type { ImageSource } from '../data/image_source.js'
import type { Module } from '../models/module.js'
import type { StepResult, StepSettings, ViewSettings } from '../native.js'
import type { Objective } from '../objectives/objective.js'
import type { Picture } from '../visualize/picture.js'
import type { RunConfig } from './run_config.js'
import type { RunLength } from './run_length.js'
import type { RunSettings } from './run_options.js'
import type { RunState, Score } from './run_state.js'
import type { Totals } from './totals.js'
import type { MicroBatch, Trainer } from './trainer.js'

/** Reports made of several steps, whatever epoch they belong to. */
export interface IntervalReport<Event> {
  steps: number
  event(totals: Totals, step: number): Event
}

/** A sheet of what the model makes of some images, now and then. */
export interface Samples {
  everyEpochs: number
  draw(): Promise<Picture>
}

/** What an evaluation gave: `fields` are those of its event beside the common ones. */
export interface Evaluated<Fields extends object> {
  fields: Fields
  images: number
  /** Images left out because they could not be read. */
  broken: readonly BrokenImage[]
  /** What the best checkpoint is chosen by. */
  score: Score
}

/** Evaluates on all of `source`; null when the run's signal was aborted on the way. */
export type Evaluate<Fields extends object> = (
  trainer: Trainer,
  source: ImageSource,
  /** Of the last step. */
  settings: StepSettings,
) => Promise<Evaluated<Fields> | null>

/**
 * A run as settled before any work. `Step`, `Epoch`, `Evaluation` are the fields its events have beside the
 * common ones.
 */
export interface Training<
  Step extends object = object,
  Epoch extends object = object,
  Evaluation extends object = object,
  Report extends object = object,
  Start extends object = object,
> {
  kind: RunState['kind']
  objective: Objective<object>
  /** The module that is trained. */
  module: Module
  /** Other modules that the steps change, by the names of their files in a checkpoint. */
  furtherModules?: Readonly<Record<string, Module>>
  settings: RunSettings
  length: RunLength
  config: RunConfig
  views: ViewSettings
  /** How often an image stands in the order of an epoch; 1 unless given. */
  repeats?: number
  /** What a step takes of a batch, which is all of it unless given. Tensors made here are freed after the step. */
  microBatch?(batch: Batch): MicroBatch | Promise<MicroBatch>
  /** What the schedules say for the step that follows `step` finished ones. */
  stepSettings(step: number): StepSettings
  /** Called when nothing can refuse the run any more, before its first event. */
  onBegin?(): void
  describe: {
    start?(): Start
    step(result: StepResult, settings: StepSettings): Step
    epoch(result: StepResult): Epoch
  }
  evaluate: Evaluate<Evaluation>
  report: IntervalReport<Report> | null
  samples: Samples | null
  /** To tell at the start. */
  warnings?: readonly string[]
}
