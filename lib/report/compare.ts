/** Several runs side by side: what they reached, and in which settings they differ. */
import { decimal, duration, grouped, percent } from '../log/format.js'
import { flatten } from '../log/table.js'
import { imagesSeen, recentMean } from './facts.js'
import type { Cell, Table } from './report_data.js'
import type { RunHistory } from './run_history.js'

export interface ComparedRun {
  name: string
  history: RunHistory
  settings: Record<string, unknown>
}

/** Tables with a row for each run; none for a single one. */
export function comparisonOf(runs: readonly ComparedRun[]): Table[] {
  if (runs.length < 2) return []
  return [bestValues(runs), differingSettings(runs)].filter((table) => table !== null)
}

/** A number to compare runs by. */
interface Measure {
  name: string
  /** NaN where the run has none. */
  value(run: ComparedRun): number
  text(value: number, run: ComparedRun): string
  /** Which is the best; null: none is better than another. */
  best: 'low' | 'high' | null
}

type Scores = Record<string, number | null | undefined> & { step: number }

/** The best of what evaluations said. */
function evaluated(
  name: string,
  metric: string,
  best: 'low' | 'high',
  text: (value: number) => string,
): Measure {
  const sign = best === 'low' ? 1 : -1
  const bestOf = ({ history }: ComparedRun) =>
    (history.evaluations as unknown as Scores[])
      .filter((scores) => typeof scores[metric] === 'number')
      .reduce<Scores | null>(
        (a, b) => (a === null || sign * Number(b[metric]) < sign * Number(a[metric]) ? b : a),
        null,
      )
  return {
    name,
    best,
    value: (run) => Number(bestOf(run)?.[metric] ?? Number.NaN),
    text: (value, run) => `${text(value)} at step ${grouped(bestOf(run)?.step ?? 0)}`,
  }
}

const MEASURES: readonly Measure[] = [
  evaluated('lowest validation loss', 'loss', 'low', decimal),
  evaluated('highest validation accuracy', 'accuracy', 'high', percent),
  evaluated('lowest reconstruction loss', 'reconstruction', 'low', decimal),
  evaluated('highest codebook perplexity', 'perplexity', 'high', decimal),
  {
    name: 'training loss, last steps',
    best: 'low',
    value: ({ history }) => recentMean(history, 'loss'),
    text: decimal,
  },
  { name: 'steps', best: null, value: ({ history }) => history.step, text: grouped },
  {
    name: 'images/s',
    best: 'high',
    value: ({ history }) => imagesSeen(history) / history.seconds,
    text: decimal,
  },
  { name: 'time of the steps', best: null, value: ({ history }) => history.seconds, text: duration },
  {
    name: 'parameters',
    best: null,
    value: ({ history }) => history.start?.parameters ?? Number.NaN,
    text: grouped,
  },
]

function bestValues(runs: readonly ComparedRun[]): Table {
  const measures = MEASURES.filter(({ value }) => runs.some((run) => Number.isFinite(value(run))))
  const rows = runs.map((run): Cell[] => [
    run.name,
    ...measures.map((measure): Cell => {
      const value = measure.value(run)
      if (!Number.isFinite(value)) return '-'
      return { text: measure.text(value, run), strong: isBest(measure, run, runs) }
    }),
  ])
  return {
    title: 'What they reached',
    columns: [{ name: 'run' }, ...measures.map(({ name }) => ({ name, right: true }))],
    rows,
  }
}

/** Whether no run of its kind has a better value, and some a worse one: losses of two kinds are of two measures. */
function isBest({ value, best }: Measure, run: ComparedRun, runs: readonly ComparedRun[]): boolean {
  const alike = runs.filter(({ history }) => history.kind === run.history.kind)
  const values = alike.map(value).filter(Number.isFinite)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return best !== null && least < most && value(run) === (best === 'low' ? least : most)
}

/** Differ without meaning anything. */
const OWN = new Set(['runId', 'settings.output', 'settings.resume'])

function differingSettings(runs: readonly ComparedRun[]): Table | null {
  const flat = runs.map(({ settings }) => new Map(flatten(settings)))
  const names = [...new Set(flat.flatMap((settings) => [...settings.keys()]))]
  const differing = names.filter(
    (name) => !OWN.has(name) && new Set(flat.map((settings) => settings.get(name))).size > 1,
  )
  if (differing.length === 0) return null
  return {
    title: 'Settings that differ',
    columns: [{ name: 'setting' }, ...runs.map(({ name }) => ({ name }))],
    rows: differing.map((name) => [name, ...flat.map((settings) => settings.get(name) ?? '-')]),
  }
}
