/**
 * Where a run stands: all that state.json of a checkpoint holds, so that a resumed run goes on as if it had not stopped.
 */
import { BeitError } from '../errors.js'
import type { StepResult } from '../native.js'
import { type SavedTotals, type StepCost, Totals } from './totals.js'
import type { Agreement } from './training.js'

const FORMAT = 'beit-torch run 1'

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
  /** The checkpoint with the lowest loss (of the validation images, where there are some). */
  best: { step: number; loss: number } | null = null

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

  /** Makes the checkpoint that is about to be saved the best one, if it is. */
  noteLoss(loss: number): void {
    if (loss < (this.best?.loss ?? Infinity)) this.best = { step: this.step, loss }
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
  best: { step: number; loss: number } | null
}

/** state.json */
export interface RunState {
  format: string
  kind: string
  runId: string
  /** First batch that was not trained on. */
  position: { epoch: number; batch: number }
  progress: SavedProgress
  agreement: Agreement
}

/** What state.json is written from. */
export function runState(
  state: Omit<RunState, 'format' | 'progress'> & { progress: Progress },
): Omit<RunState, 'progress'> & { progress: Progress } {
  return { format: FORMAT, ...state }
}

/**
 * Refuses a checkpoint that this run cannot go on from.
 * @throws BeitError ERR_FORMAT for another version of the format; ERR_CHECKPOINT_MISMATCH that names all that differs
 */
export function checkAgreement(path: string, saved: RunState, kind: string, agreement: Agreement): void {
  if (saved.format !== FORMAT) {
    throw new BeitError('ERR_FORMAT', `${path} has format '${saved.format}', this version reads '${FORMAT}'`)
  }
  const differing =
    saved.kind === kind
      ? // Through JSON, as the saved one went: -0, NaN and undefined would differ for no reason.
        differences(saved.agreement, JSON.parse(JSON.stringify(agreement)))
      : [`kind of run: ${saved.kind} in the checkpoint, ${kind} now`]
  if (differing.length > 0) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `the run cannot go on from ${path}, because the result would be another:\n  ${differing.join('\n  ')}\n` +
        'Give what the checkpoint has, or begin a new run; it may load the weights of the checkpoint (model.safetensors)',
    )
  }
}

/** "settings.learningRate: 0.001 in the checkpoint, 0.002 now" for each value that differs. */
export function differences(saved: unknown, now: unknown, name = ''): string[] {
  if (isObject(saved) && isObject(now)) {
    const keys = new Set([...Object.keys(saved), ...Object.keys(now)])
    return [...keys].flatMap((key) => differences(saved[key], now[key], name === '' ? key : `${name}.${key}`))
  }
  const [before, after] = [saved, now].map((value) => JSON.stringify(value) ?? 'absent')
  return before === after ? [] : [`${name}: ${before} in the checkpoint, ${after} now`]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
