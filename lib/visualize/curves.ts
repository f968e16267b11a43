/** The course of a run as a picture: loss, what the run is about, learning rate, over the steps. */
import { grouped } from '../log/format.js'
import type {
  CodebookEvent,
  FinetuneEvaluationEvent,
  FinetuneStepEvent,
  PretrainEpochEvent,
  PretrainEvaluationEvent,
  PretrainStepEvent,
  RunEvent,
  StartEvent,
  TokenizerEvaluationEvent,
  TokenizerStepEvent,
} from '../train/events.js'
import { runName } from '../train/run_folder.js'
import { kindOfStep, RUN_KINDS, type RunKind } from '../train/run_kind.js'
import { lineChart, type Panel, type Point, type Series } from './line_chart.js'
import { Picture } from './picture.js'
import { movingAverage, thin } from './smooth.js'
import type { Tone } from './theme.js'

/**
 * Draws the course of a run from its events, as the run gives them or `readMetrics` reads them. Pre-training: loss
 * and masked-token accuracy with the evaluations and what a constant answer reaches. Tokenizer: reconstruction loss,
 * perplexity of the codebook, temperature. Fine-tuning: loss and accuracy with the evaluations, of the averaged
 * weights too where there are some.
 *
 * @example
 * const picture = await trainingCurves(await readMetrics('runs/first/metrics.jsonl'))
 * await picture.save('runs/first/curves.png')
 */
export async function trainingCurves(events: readonly RunEvent[]): Promise<Picture> {
  const start = events.findLast((event) => event.type === 'start')
  const steps = events.filter((event) => event.type === 'step')
  const kind = kindOfStep(steps[0] ?? {})
  const { svg, forRaster } = lineChart({
    subtitle: subtitle(start, steps.at(-1)?.step ?? 0),
    xLabel: 'optimizer step',
    title: RUN_KINDS[kind],
    panels: PANELS[kind](events),
  })
  return Picture.fromSvg(svg, forRaster)
}

const PANELS: Record<RunKind, (events: readonly RunEvent[]) => Panel[]> = {
  pretrain: pretrainPanels,
  tokenizer: tokenizerPanels,
  finetune: finetunePanels,
}

function subtitle(start: StartEvent | undefined, steps: number): string {
  if (start === undefined) return `${grouped(steps)} steps`
  const facts = [
    `${grouped(start.images)} images`,
    `${grouped(steps)} of ${grouped(start.steps)} steps of ${grouped(start.batchSize)}`,
    `${grouped(start.parameters)} parameters`,
  ]
  return `${facts.join(' · ')} · ${runName(start.output)}`
}

function pretrainPanels(events: readonly RunEvent[]): Panel[] {
  const steps = events.filter((event) => event.type === 'step') as PretrainStepEvent[]
  const evaluations = events.filter((event) => event.type === 'evaluation') as PretrainEvaluationEvent[]
  const epochs = events.filter((event) => event.type === 'epoch') as PretrainEpochEvent[]
  const targets: readonly { step: number; perplexity: number }[] =
    evaluations.length > 0 ? evaluations : epochs
  return [
    {
      title: 'Loss (nats a masked token)',
      height: 220,
      series: [
        // Predicting each token as often as it occurs costs the entropy of the tokens, the log of their perplexity.
        reference('token frequencies alone', targets, (e) => Math.log(e.perplexity)),
        ...training(steps, (e) => e.loss),
        line('validation', 'evaluation', 'marked', evaluations, (e) => e.loss),
      ],
    },
    {
      title: 'Masked-token accuracy (%)',
      height: 220,
      low: 0,
      series: [
        reference('most frequent token', evaluations, (e) => 100 * e.baselineAccuracy),
        ...training(steps, (e) => 100 * e.accuracy),
        line('validation', 'evaluation', 'marked', evaluations, (e) => 100 * e.accuracy),
      ],
    },
    learningRatePanel(steps),
  ]
}

function tokenizerPanels(events: readonly RunEvent[]): Panel[] {
  const steps = events.filter((event) => event.type === 'step') as TokenizerStepEvent[]
  const evaluations = events.filter((event) => event.type === 'evaluation') as TokenizerEvaluationEvent[]
  const codebook = events.filter((event) => event.type === 'codebook') as CodebookEvent[]
  return [
    {
      title: 'Reconstruction loss',
      height: 200,
      series: [
        ...training(steps, (e) => e.reconstruction),
        line('validation', 'evaluation', 'marked', evaluations, (e) => e.reconstruction),
      ],
    },
    {
      title: 'Codebook perplexity',
      height: 200,
      low: 0,
      series: [
        line('training', 'training', 'solid', codebook, (e) => e.perplexity),
        line('validation', 'evaluation', 'marked', evaluations, (e) => e.perplexity),
      ],
    },
    {
      title: 'Gumbel-softmax temperature',
      height: 80,
      low: 0,
      series: [line('temperature', 'training', 'solid', steps, (e) => e.temperature, true)],
    },
    learningRatePanel(steps),
  ]
}

/** What has no value is left out of a curve. */
const percentOf = (share: number | null) => (share === null ? Number.NaN : 100 * share)

function finetunePanels(events: readonly RunEvent[]): Panel[] {
  const steps = events.filter((event) => event.type === 'step') as FinetuneStepEvent[]
  const evaluations = events.filter((event) => event.type === 'evaluation') as FinetuneEvaluationEvent[]
  const averaged = evaluations.flatMap(({ step, ema }) => (ema === null ? [] : [{ step, ...ema }]))
  return [
    {
      title: 'Loss (nats an image)',
      height: 220,
      series: [
        ...training(steps, (e) => e.loss),
        line('averaged weights', 'reference', 'dashed', averaged, (e) => e.loss),
        line('validation', 'evaluation', 'marked', evaluations, (e) => e.loss),
      ],
    },
    {
      title: 'Accuracy (%)',
      height: 220,
      low: 0,
      series: [
        ...training(steps, (e) => 100 * e.accuracy),
        line('averaged weights', 'reference', 'dashed', averaged, (e) => percentOf(e.accuracy)),
        line('validation', 'evaluation', 'marked', evaluations, (e) => percentOf(e.accuracy)),
      ],
    },
    learningRatePanel(steps),
  ]
}

function learningRatePanel(steps: readonly { step: number; learningRate: number }[]): Panel {
  return {
    title: 'Learning rate',
    height: 80,
    low: 0,
    series: [line('learning rate', 'training', 'solid', steps, (e) => e.learningRate, true)],
  }
}

/** The values of every step, faint, and their moving average. */
function training<E extends { step: number }>(steps: readonly E[], value: (event: E) => number): Series[] {
  const points = steps.map((event): Point => [event.step, value(event)])
  return [
    { name: 'each step', points: thin(points), tone: 'training', style: 'faint', unnamed: true },
    { name: 'training', points: movingAverage(points), tone: 'training', style: 'solid' },
  ]
}

/** What the curve is to be compared with: drawn from step 0, so that one evaluation already makes a line. */
function reference<E extends { step: number }>(
  name: string,
  events: readonly E[],
  value: (event: E) => number,
): Series {
  const series = line(name, 'reference', 'dashed', events, value)
  const first = series.points[0]
  return first === undefined ? series : { ...series, points: [[0, first[1]], ...series.points] }
}

function line<E extends { step: number }>(
  name: string,
  tone: Tone,
  style: Series['style'],
  events: readonly E[],
  value: (event: E) => number,
  unnamed = events.length === 0,
): Series {
  return { name, tone, style, unnamed, points: thin(events.map((event) => [event.step, value(event)])) }
}
