/**
 * Where a run stands: all that state.json of a checkpoint holds, so that a resumed run goes on as if it had
 * not stopped.
 */
import { BeitError } from '../errors.js'
import type { StepResult } from '../native.js'
import type { RunConfig } from './run_config.js'
import type { RunKind } from './run_kind.js'
import { type SavedTotals, type StepCost, Totals } from './totals.js'

const FORMAT = 'beit-torch run 1'

/** What a checkpoint is judged by: of the loss the lowest value is the best, of the others the highest. */
export interface Score {
  /** What was measured. */
  metric: 'loss' | 'accuracy' | 'meanAveragePrecision'
  /** Of a loss the smaller is the better. */
  value: number
}

/** `judgedOn` of a run without validation images. */
export const JUDGED_ON_TRAINING = 'training'

/** The checkpoint with the best score. */
interface BestCheckpoint extends Score {
  step: number
  /** 'training', or the fingerprint of the validation images where there are some. */
  judgedOn: string
}

/** Counters of a run. */
export class Progress {
  /** Finished steps. */
  step = 0
  /** Steps left out because loss or gradient were not finite, and how many of them came last. */
  skipped = 0
  skippedInARow = 0
  /** Of the epoch that is not yet reported, and of the interval. */
  epoch = new Totals()
  interval = new Totals()
  /** Of the last whole epoch. */
  lastEpoch: Totals | null = null
  best: BestCheckpoint | null = null

  /** Counts one step. */
  add(result: StepResult, cost: StepCost): void {
    this.step++
    this.skippedInARow = result.finite ? 0 : this.skippedInARow + 1
    if (!result.finite) this.skipped++
    this.epoch.add(result, cost)
    this.interval.add(result, cost)
  }

  /** Begins the next epoch, and gives the sums of the last one. */
  closeEpoch(): Totals {
    this.lastEpoch = this.epoch
    this.epoch = new Totals()
    return this.lastEpoch
  }

  closeInterval(): Totals {
    const closed = this.interval
    this.interval = new Totals()
    return closed
  }

  /**
   * Makes the checkpoint that is about to be saved the best one, if it is, or if the best one so far was judged
   * on other images or by another metric: their scores do not compare.
   */
  noteScore({ metric, value }: Score, judgedOn: string): void {
    const before = this.best?.judgedOn === judgedOn && this.best.metric === metric ? this.best.value : null
    const isBetter = (than: number) => (metric === 'loss' ? value < than : value > than)
    if (Number.isNaN(value) || (before !== null && !isBetter(before))) return
    this.best = { step: this.step, metric, value, judgedOn }
  }

  static from(saved: SavedProgress): Progress {
    return Object.assign(new Progress(), saved, {
      epoch: new Totals(saved.epoch),
      interval: new Totals(saved.interval),
      lastEpoch: saved.lastEpoch && new Totals(saved.lastEpoch),
    })
  }
}

interface SavedProgress {
  step: number
  skipped: number
  skippedInARow: number
  epoch: SavedTotals
  interval: SavedTotals
  lastEpoch: SavedTotals | null
  best: BestCheckpoint | null
}

/** state.json */
export interface RunState {
  format: string
  kind: RunKind
  runId: string
  /** First batch that was not trained on. */
  position: { epoch: number; batch: number }
  progress: SavedProgress
  config: RunConfig
}

/** What state.json is written from. */
export function runState(
  state: Omit<RunState, 'format' | 'progress'> & { progress: Progress },
): Omit<RunState, 'progress'> & { progress: Progress } {
  return { format: FORMAT, ...state }
}

/**
 * Refuses a state that this version, or this kind of run, cannot go on from.
 * @throws BeitError ERR_FORMAT, ERR_CHECKPOINT_MISMATCH
 */
export function checkRunState(path: string, { format, kind }: RunState, expected: RunState['kind']): void {
  if (format !== FORMAT) {
    throw new BeitError('ERR_FORMAT', `${path} has format '${format}', this version reads '${FORMAT}'`)
  }
  if (kind !== expected) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `${path} is of a run of kind '${kind}', this one is of kind '${expected}': choose another output`,
    )
  }
}
