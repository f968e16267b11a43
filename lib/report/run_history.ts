/** What a run has told so far, sorted for a report: numbers of the steps in columns, other events in lists. */
import type { CheckpointEvent, CodebookEvent, FinetuneEvaluationEvent, RunEvent } from '../train/events.js'
import { kindOfStep, type RunKind } from '../train/run_kind.js'

type Event<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>

/** Numbers of a step that a report may draw. Each run has those of its objective. */
const COLUMNS = [
  'loss',
  'accuracy',
  'perplexity',
  'reconstruction',
  'kl',
  'temperature',
  'klWeight',
  'learningRate',
  'weightDecay',
  'gradientNorm',
  'imagesPerSecond',
  'waiting',
] as const
export type ColumnName = (typeof COLUMNS)[number]

/** A long run must not fill the page with one warning after the other. */
const MOST_WARNINGS = 100

export class RunHistory {
  start: Event<'start'> | null = null
  /** Known from the first step on. */
  kind: RunKind | null = null
  readonly steps: number[] = []
  /** As long as `steps`; NaN where a step has no such number. */
  readonly columns = new Map<ColumnName, number[]>()
  /** Of fine-tuning, only the last one keeps the scores of each class. */
  readonly evaluations: Event<'evaluation'>[] = []
  readonly epochs: Event<'epoch'>[] = []
  readonly codebook: CodebookEvent[] = []
  readonly checkpoints: CheckpointEvent[] = []
  readonly warnings: string[] = []
  /** Warnings that are not in the list. */
  moreWarnings = 0
  /** Of the last process that ended without an error, unless another one went on after it. */
  done: Event<'done'> | null = null
  /** Steps left out because loss or gradient were not finite. */
  skipped = 0
  /** Sum over the steps. */
  seconds = 0

  add(event: RunEvent): void {
    switch (event.type) {
      case 'start':
        this.start = event
        this.done = null
        if ('classBalance' in event) this.kind = 'finetune'
        break
      case 'step':
        this.#addStep(event)
        break
      case 'evaluation':
        this.#dropScores()
        this.evaluations.push(event)
        break
      case 'epoch':
        this.epochs.push(event)
        break
      case 'codebook':
        this.codebook.push(event)
        break
      case 'checkpoint':
        this.checkpoints.push(event)
        break
      case 'warning':
        if (this.warnings.length < MOST_WARNINGS) this.warnings.push(event.message)
        else this.moreWarnings++
        break
      case 'done':
        this.done = event
        break
    }
  }

  get step(): number {
    return this.steps.at(-1) ?? this.start?.resumedStep ?? 0
  }

  #addStep(event: Event<'step'>): void {
    this.kind ??= kindOfStep(event)
    for (const name of COLUMNS) {
      const value = (event as unknown as Record<ColumnName, number | null | undefined>)[name]
      let column = this.columns.get(name)
      if (column === undefined) {
        if (typeof value !== 'number') continue
        column = new Array<number>(this.steps.length).fill(Number.NaN)
        this.columns.set(name, column)
      }
      column.push(value ?? Number.NaN)
    }
    this.steps.push(event.step)
    this.skipped = event.skipped
    this.seconds += event.seconds
  }

  /** A thousand classes times hundreds of evaluations are more than anyone looks at. */
  #dropScores(): void {
    const last = this.evaluations.at(-1)
    if (last === undefined || !('perClass' in last)) return
    const slim: FinetuneEvaluationEvent = { ...last, perClass: [], confusion: [] }
    if (slim.ema !== null) slim.ema = { ...slim.ema, perClass: [], confusion: [] }
    this.evaluations[this.evaluations.length - 1] = slim
  }
}
