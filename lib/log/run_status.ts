/** What a run is doing now, in words: the parts of the progress line and of the lines that stay. */
import type { ClassificationScores, CodebookEvent, RunEvent, StartEvent } from '../train/events.js'
import { counted, decimal, duration, grouped, percent } from './format.js'

/** Loss, accuracy and speed are means over this many steps, as in the original's log. */
const WINDOW = 20

type StepEvent = Extract<RunEvent, { type: 'step' }>
type EvaluationEvent = Extract<RunEvent, { type: 'evaluation' }>

/** Follows the events of one run. `now` gives milliseconds and is an argument for tests. */
export class RunStatus {
  readonly #now: () => number
  #start: StartEvent | null = null
  #recent: StepEvent[] = []
  #codebook: CodebookEvent | null = null
  /** When the first step of this process began, and how many steps it has made. */
  #began = 0
  #made = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  update(event: RunEvent): void {
    if (event.type === 'start') {
      this.#start = event
      this.#recent = []
      this.#began = this.#now()
      this.#made = 0
    } else if (event.type === 'step') {
      this.#recent.push(event)
      if (this.#recent.length > WINDOW) this.#recent.shift()
      this.#made++
    } else if (event.type === 'codebook') {
      this.#codebook = event
    }
  }

  /** Share of the run that is done, in 0..1. */
  get share(): number {
    const steps = this.#start?.steps ?? 1
    return Math.min(1, (this.#recent.at(-1)?.step ?? this.#start?.resumedStep ?? 0) / steps)
  }

  /** The parts of the progress line, the most wanted first and short enough for 80 columns; none before the first step. */
  parts(): string[] {
    const last = this.#recent.at(-1)
    const start = this.#start
    if (last === undefined || start === null) return []
    const parts = [
      `${last.step}/${start.steps}`,
      `ETA ${duration(this.#secondsLeft(start.steps - last.step))}`,
      `loss ${decimal(this.#mean((step) => step.loss))}`,
    ]
    if ('accuracy' in last)
      parts.push(`acc ${percent(this.#mean((step) => ('accuracy' in step ? step.accuracy : Number.NaN)))}`)
    else if (this.#codebook !== null) {
      const { usage, perplexity } = this.#codebook
      parts.push(`codes ${Math.round(100 * usage)} %`, `perplexity ${decimal(perplexity)}`)
    }
    parts.push(
      `${decimal(this.#imagesPerSecond(start.batchSize))} img/s`,
      `wait ${Math.round(100 * this.#mean((step) => step.waiting))} %`,
      `epoch ${last.epoch + 1}/${start.epochs}`,
    )
    if (last.skipped > 0) parts.push(`${last.skipped} skipped`)
    return parts
  }

  /** Wall clock, so that evaluations and checkpoints between the steps count too. */
  #secondsLeft(steps: number): number {
    return (((this.#now() - this.#began) / this.#made) * steps) / 1000
  }

  #mean(value: (step: StepEvent) => number): number {
    const values = this.#recent.map(value).filter(Number.isFinite)
    return values.reduce((sum, one) => sum + one, 0) / values.length
  }

  #imagesPerSecond(batchSize: number): number {
    const seconds = this.#recent.reduce((sum, step) => sum + step.seconds, 0)
    return (batchSize * this.#recent.length) / seconds
  }

  /** The line that stays for an event, or null. */
  lastingLine(event: RunEvent): string | null {
    switch (event.type) {
      case 'start':
        return startLine(event)
      case 'epoch': {
        const about =
          'accuracy' in event
            ? [`accuracy ${percent(event.accuracy)}`]
            : this.#codebook === null
              ? []
              : [codebookText(this.#codebook)]
        return [
          `epoch ${event.epoch + 1}/${this.#start?.epochs}`,
          `loss ${decimal(event.loss)}`,
          ...about,
          `${decimal(event.imagesPerSecond)} images/s`,
          `waiting ${percent(event.waiting)}`,
          duration(event.seconds),
          ...leftOut(event),
        ].join('  ')
      }
      case 'evaluation':
        return ['validation', ...evaluationParts(event), ...leftOut(event)].join('  ')
      case 'warning':
        return `warning: ${event.message}`
      default:
        return null
    }
  }
}

function startLine(event: StartEvent): string {
  const whole =
    `${event.output}: ${counted(event.images, 'image')}, ${counted(event.steps, 'step')} of ${event.batchSize} ` +
    `(${grouped(event.stepsPerEpoch)} an epoch), ${grouped(event.parameters)} parameters`
  return event.resumedFrom === null ? whole : `${whole}; going on after step ${event.resumedStep}`
}

/** The scores of an evaluation in one line: "loss 1.234, accuracy 56.7 %". */
export const evaluationText = (event: EvaluationEvent) => evaluationParts(event).join(', ')

function evaluationParts(event: EvaluationEvent): string[] {
  if ('ema' in event) {
    const averaged = event.ema === null ? [] : ['averaged weights', ...scoresText(event.ema)]
    return [...scoresText(event), ...averaged]
  }
  const about =
    'accuracy' in event
      ? [
          `accuracy ${percent(event.accuracy)}`,
          `most frequent token alone ${percent(event.baselineAccuracy)}`,
        ]
      : [`${percent(event.usage)} of the codes used`]
  return [`loss ${decimal(event.loss)}`, ...about, `perplexity ${decimal(event.perplexity)}`]
}

const scoresText = ({ loss, accuracy, accuracy5, perClass, multiLabel }: ClassificationScores) => [
  `loss ${decimal(loss)}`,
  `accuracy ${percent(accuracy)}`,
  ...(multiLabel !== null
    ? [`mean average precision ${percent(multiLabel.meanAveragePrecision)}`]
    : perClass.length > 5
      ? [`top-5 ${percent(accuracy5)}`]
      : []),
]

const leftOut = ({ broken }: { broken: number }) =>
  broken > 0 ? [`${counted(broken, 'broken image')} left out`] : []

const codebookText = (event: CodebookEvent) =>
  `codes ${percent(event.usage)} used, perplexity ${decimal(event.perplexity)}`
