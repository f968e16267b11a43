/**
 * What the loop is given: an objective with everything settled. pretrain.ts and train_tokenizer.ts make one
 * each; training_run.ts runs it.
 */
import type { Module } from '../models/module.js'
import type { StepResult, StepSettings, ViewSettings } from '../native.js'
import type { Objective } from '../objectives/objective.js'
import type { RunConfig } from './run_config.js'
import type { RunLength } from './run_length.js'
import type { RunSettings } from './run_options.js'
import type { RunState } from './run_state.js'
import type { Totals } from './totals.js'

/** Reports made of several steps, whatever epoch they belong to. */
export interface IntervalReport<Event> {
  steps: number
  event(totals: Totals, step: number): Event
}

/**
 * A run as settled before any work. `Step`, `Epoch`, `Evaluation` are the fields its events have beside the
 * common ones.
 */
export interface Training<
  Step extends object = object,
  Epoch extends object = object,
  Evaluation extends object = object,
  Report extends object = object,
> {
  kind: RunState['kind']
  objective: Objective<object>
  /** The module that is trained. */
  module: Module
  settings: RunSettings
  length: RunLength
  config: RunConfig
  views: ViewSettings
  evaluationViews: ViewSettings
  /** What the schedules say for the step that follows `step` finished ones. */
  stepSettings(step: number): StepSettings
  describe: {
    step(result: StepResult, settings: StepSettings): Step
    epoch(result: StepResult): Epoch
    evaluation(result: StepResult): Evaluation
  }
  report: IntervalReport<Report> | null
}
