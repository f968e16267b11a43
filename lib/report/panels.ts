/** The curves of a run: which panels its kind has, and what is drawn in them. */
import type {
  ClassificationScores,
  FinetuneEvaluationEvent,
  PretrainEpochEvent,
  PretrainEvaluationEvent,
  TokenizerEvaluationEvent,
} from '../train/events.js'
import type { RunKind } from '../train/run_kind.js'
import type { Panel, Role, Series } from './report_data.js'
import type { ColumnName, RunHistory } from './run_history.js'
import { rounded, thinned, thinnedAxis } from './thin.js'

/** The axis of a run's steps, and its panels, with at most `points` points a curve. */
export interface Curves {
  axis: number[]
  stepsPerPoint: number
  panels: Panel[]
}

export function curvesOf(history: RunHistory, points: number): Curves {
  const { steps, kind } = history
  const stepsPerPoint = Math.max(1, Math.ceil(steps.length / points))
  const draw = new Drawing(history, stepsPerPoint)
  return {
    axis: thinnedAxis(steps, stepsPerPoint),
    stepsPerPoint,
    // A panel without a point, as that of the perplexity before the first evaluation, would be an empty frame.
    panels:
      kind === null ? [] : [...PANELS[kind](draw), ...common(draw)].filter(({ series }) => series.length > 0),
  }
}

/** Columns that are chosen, not measured. */
const SCHEDULES: ReadonlySet<ColumnName> = new Set(['learningRate', 'temperature'])

/** Turns parts of a history into series; those without a point are left out. */
class Drawing {
  readonly history: RunHistory
  readonly #width: number

  constructor(history: RunHistory, stepsPerPoint: number) {
    this.history = history
    this.#width = stepsPerPoint
  }

  panel(id: string, title: string, unit: string, series: Series[], more: Partial<Panel> = {}): Panel {
    return { id, title, unit, log: false, low: null, series, ...more }
  }

  /** A column of the steps, times `factor`. */
  steps(column: ColumnName, factor = 1, name = 'training'): Series[] {
    const values = this.history.columns.get(column)
    if (values === undefined) return []
    const scaled = factor === 1 ? values : values.map((value) => value * factor)
    const { mean, low, high } = thinned(scaled, this.#width)
    if (mean.every((one) => one === null)) return []
    const range = low === null || high === null ? {} : { low, high }
    const noise = SCHEDULES.has(column) ? {} : { noisy: true as const }
    return [{ name, role: 'training', ...noise, x: null, y: mean, ...range }]
  }

  /** A value of some events. */
  events<E extends { step: number }>(
    name: string,
    role: Role,
    events: readonly E[],
    value: (event: E) => number | null | undefined,
  ): Series[] {
    const y = events.map((event) => rounded(value(event) ?? Number.NaN))
    return y.every((one) => one === null) ? [] : [{ name, role, x: events.map(({ step }) => step), y }]
  }

  /** What a curve is to be compared with: from step 0 on, so that one event already makes a line. */
  reference<E extends { step: number }>(
    name: string,
    events: readonly E[],
    value: (event: E) => number,
  ): Series[] {
    const [series] = this.events(name, 'reference', events, value)
    if (series?.x == null) return []
    return [{ ...series, x: [0, ...series.x], y: [series.y[0] ?? null, ...series.y] }]
  }
}

const PANELS: Record<RunKind, (draw: Drawing) => Panel[]> = {
  pretrain(draw) {
    const evaluations = draw.history.evaluations as PretrainEvaluationEvent[]
    const targets: readonly { step: number; perplexity: number }[] =
      evaluations.length > 0 ? evaluations : (draw.history.epochs as PretrainEpochEvent[])
    return [
      draw.panel(
        'loss',
        'Loss',
        'nats a masked token',
        [
          // Predicting each token as often as it occurs costs the entropy of the tokens, the log of their perplexity.
          ...draw.reference('token frequencies alone', targets, (e) => Math.log(e.perplexity)),
          ...draw.steps('loss'),
          ...draw.events('validation', 'evaluation', evaluations, (e) => e.loss),
        ],
        { log: true },
      ),
      draw.panel(
        'accuracy',
        'Masked-token accuracy',
        '%',
        [
          ...draw.reference('most frequent token', evaluations, (e) => 100 * e.baselineAccuracy),
          ...draw.steps('accuracy', 100),
          ...draw.events('validation', 'evaluation', evaluations, (e) => 100 * e.accuracy),
        ],
        { low: 0 },
      ),
      draw.panel(
        'perplexity',
        'Codebook perplexity',
        'codes',
        [
          ...draw.steps('perplexity', 1, 'targets of a step'),
          ...draw.events('validation', 'evaluation', evaluations, (e) => e.perplexity),
        ],
        { low: 0 },
      ),
    ]
  },

  tokenizer(draw) {
    const evaluations = draw.history.evaluations as TokenizerEvaluationEvent[]
    const { codebook } = draw.history
    return [
      draw.panel(
        'reconstruction',
        'Reconstruction loss',
        '',
        [
          ...draw.steps('reconstruction'),
          ...draw.events('validation', 'evaluation', evaluations, (e) => e.reconstruction),
        ],
        { log: true },
      ),
      draw.panel(
        'perplexity',
        'Codebook perplexity',
        'codes',
        [
          ...draw.events('training', 'training', codebook, (e) => e.perplexity),
          ...draw.events('validation', 'evaluation', evaluations, (e) => e.perplexity),
        ],
        { low: 0 },
      ),
      draw.panel(
        'usage',
        'Codes in use',
        '%',
        [
          ...draw.events('training', 'training', codebook, (e) => 100 * e.usage),
          ...draw.events('validation', 'evaluation', evaluations, (e) => 100 * e.usage),
        ],
        { low: 0 },
      ),
      draw.panel('kl', 'KL divergence of the codes from uniform', 'nats an image', draw.steps('kl'), {
        low: 0,
      }),
      draw.panel('temperature', 'Gumbel-softmax temperature', '', draw.steps('temperature'), { low: 0 }),
    ]
  },

  finetune(draw) {
    const evaluations = draw.history.evaluations as FinetuneEvaluationEvent[]
    const scores = (name: string, value: (scores: ClassificationScores) => number | null | undefined) => [
      ...draw.events('averaged weights', 'reference', evaluations, ({ ema }) => ema && value(ema)),
      ...draw.events(name, 'evaluation', evaluations, value),
    ]
    const percent = (share: number | null | undefined) => (share == null ? null : 100 * share)
    return [
      draw.panel(
        'loss',
        'Loss',
        'nats an image',
        [...draw.steps('loss'), ...scores('validation', (e) => e.loss)],
        {
          log: true,
        },
      ),
      draw.panel(
        'accuracy',
        'Accuracy',
        '%',
        [...draw.steps('accuracy', 100), ...scores('validation', (e) => percent(e.accuracy))],
        { low: 0 },
      ),
      draw.panel(
        'average-precision',
        'Mean average precision',
        '%',
        scores('validation', (e) => percent(e.multiLabel?.meanAveragePrecision)),
        { low: 0 },
      ),
    ]
  },
}

/** What every run has. */
function common(draw: Drawing): Panel[] {
  return [
    draw.panel('learning-rate', 'Learning rate', '', draw.steps('learningRate'), { log: true, low: 0 }),
    draw.panel('gradient-norm', 'Gradient norm', 'before clipping', draw.steps('gradientNorm'), {
      log: true,
    }),
    draw.panel('speed', 'Speed', 'images/s', draw.steps('imagesPerSecond'), { low: 0 }),
    draw.panel('waiting', 'Time spent waiting for data', '%', draw.steps('waiting', 100), { low: 0 }),
  ]
}
