/** What a report says of a run in numbers and words. */
import { bytes, counted, decimal, duration, grouped, percent } from '../log/format.js'
import { flatten } from '../log/table.js'
import type {
  FinetuneEvaluationEvent,
  PretrainEvaluationEvent,
  TokenizerEvaluationEvent,
} from '../train/events.js'
import type { Machine } from '../train/machine.js'
import { RUN_KINDS } from '../train/run_kind.js'
import type { Highlight, RunState, Section } from './report_data.js'
import type { ColumnName, RunHistory } from './run_history.js'

/** Steps that a mean over the newest ones is taken over. */
const NEWEST = 20

/** How far the run is, in one line. */
export function progressOf(history: RunHistory, state: RunState): string {
  const { start, step, steps } = history
  if (start === null) return 'no event yet'
  if (steps.length === 0) return `${counted(start.steps, 'step')} to make`
  const epoch = Math.min(start.epochs, Math.ceil(step / start.stepsPerEpoch))
  const parts = [`step ${grouped(step)} of ${grouped(start.steps)}`, `epoch ${epoch} of ${start.epochs}`]
  const left = start.steps - step
  if (state === 'running' && left > 0)
    parts.push(`about ${duration((history.seconds / steps.length) * left)} left`)
  return parts.join(' · ')
}

/** The numbers to see at once. */
export function highlightsOf(history: RunHistory): Highlight[] {
  const { kind } = history
  if (kind === null || history.steps.length === 0) return []
  const own = { pretrain: pretrainHighlights, tokenizer: tokenizerHighlights, finetune: finetuneHighlights }
  const seconds = history.seconds
  const images = imagesSeen(history)
  const waiting = recentMean(history, 'waiting', Infinity)
  return [
    ...own[kind](history),
    {
      label: 'Speed',
      value: `${decimal(images / seconds)} images/s`,
      note: `${percent(waiting)} of the time waiting for data`,
    },
    {
      label: 'Time of the steps',
      value: duration(seconds),
      note: `${counted(Math.round(images), 'image')} seen`,
    },
  ]
}

function pretrainHighlights(history: RunHistory): Highlight[] {
  const evaluations = history.evaluations as PretrainEvaluationEvent[]
  const last = evaluations.at(-1)
  if (last === undefined) {
    return [
      lossOf(history, 'loss'),
      trained('Masked-token accuracy', percent(recentMean(history, 'accuracy'))),
      trained('Codebook perplexity', decimal(recentMean(history, 'perplexity'))),
    ]
  }
  return [
    bestLoss('Validation loss', evaluations, (e) => e.loss),
    {
      label: 'Masked-token accuracy',
      value: percent(last.accuracy),
      note: `most frequent token alone ${percent(last.baselineAccuracy)}`,
    },
    { label: 'Codebook perplexity', value: decimal(last.perplexity), note: 'of the validation targets' },
  ]
}

function tokenizerHighlights(history: RunHistory): Highlight[] {
  const evaluations = history.evaluations as TokenizerEvaluationEvent[]
  const last = evaluations.at(-1) ?? history.codebook.at(-1)
  const codes: Highlight[] =
    last === undefined
      ? []
      : [
          {
            label: 'Codebook perplexity',
            value: decimal(last.perplexity),
            note: `${percent(last.usage)} of the codes used`,
          },
        ]
  const loss =
    evaluations.length === 0
      ? lossOf(history, 'reconstruction')
      : bestLoss('Reconstruction loss', evaluations, (e) => e.reconstruction)
  return [loss, ...codes]
}

function finetuneHighlights(history: RunHistory): Highlight[] {
  const evaluations = history.evaluations as FinetuneEvaluationEvent[]
  const last = evaluations.at(-1)
  if (last === undefined) {
    return [lossOf(history, 'loss'), trained('Accuracy', percent(recentMean(history, 'accuracy')))]
  }
  const precision = last.multiLabel?.meanAveragePrecision
  const score: Highlight =
    precision === undefined
      ? {
          label: 'Validation accuracy',
          value: percent(last.accuracy),
          note: `top-5 ${percent(last.accuracy5)}`,
        }
      : {
          label: 'Mean average precision',
          value: percent(precision),
          note: `F1 ${percent(last.multiLabel?.f1 ?? null)}`,
        }
  const averaged: Highlight[] =
    last.ema === null
      ? []
      : [
          {
            label: 'Averaged weights',
            value: percent(last.ema.accuracy),
            note: `loss ${decimal(last.ema.loss)}`,
          },
        ]
  return [bestLoss('Validation loss', evaluations, (e) => e.loss), score, ...averaged]
}

const lossOf = (history: RunHistory, column: ColumnName) =>
  trained(column === 'loss' ? 'Training loss' : 'Reconstruction loss', decimal(recentMean(history, column)))

const trained = (label: string, value: string): Highlight => ({
  label,
  value,
  note: `last ${NEWEST} training steps`,
})

function bestLoss<E extends { step: number }>(
  label: string,
  evaluations: readonly E[],
  value: (event: E) => number,
): Highlight {
  const last = evaluations.at(-1) as E
  // Nothing is below a number that is none.
  const best = evaluations.reduce((a, b) => (value(b) < value(a) || Number.isNaN(value(a)) ? b : a))
  if (Number.isNaN(value(best))) return { label, value: decimal(value(last)), note: 'in every evaluation' }
  const note =
    best === last ? 'the lowest so far' : `lowest ${decimal(value(best))} at step ${grouped(best.step)}`
  return { label, value: decimal(value(last)), note }
}

/** Mean over the newest steps that have a finite value. */
export function recentMean({ columns }: RunHistory, column: ColumnName, newest = NEWEST): number {
  const values = (columns.get(column) ?? []).slice(-newest).filter(Number.isFinite)
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export const imagesSeen = ({ steps, start }: RunHistory) => steps.length * (start?.batchSize ?? 0)

/** Data, machine and all settings. */
export function sectionsOf(history: RunHistory, settings: Record<string, unknown>): Section[] {
  const { start } = history
  const sections: Section[] = []
  if (start !== null) {
    sections.push(
      { title: 'Run', rows: runRows(history, settings) },
      { title: 'Data', rows: dataRows(history, settings) },
    )
    // Runs of versions before 0.1 did not tell.
    if (start.machine !== undefined) sections.push({ title: 'Machine', rows: machineRows(start.machine) })
  }
  const parts = Object.entries(settings).filter(([name]) => !['runId', 'data', 'validation'].includes(name))
  for (const [name, value] of parts) {
    const rows: [string, string][] =
      typeof value === 'object' && value !== null ? flatten(value) : [[name, String(value)]]
    sections.push({ title: name.slice(0, 1).toUpperCase() + name.slice(1), rows })
  }
  return sections
}

function runRows(
  { start, skipped, kind, done }: RunHistory,
  settings: Record<string, unknown>,
): [string, string][] {
  if (start === null) return []
  const rows: [string, string][] = [
    ['kind', kind === null ? 'not known before its first step' : RUN_KINDS[kind]],
    ['run id', String(settings.runId ?? start.runId)],
    ['parameters', grouped(start.parameters)],
    [
      'length',
      `${counted(start.steps, 'step')} of ${counted(start.batchSize, 'image')}, ${counted(start.epochs, 'epoch')}`,
    ],
  ]
  if (start.resumedFrom !== null) rows.push(['resumed', `after step ${grouped(start.resumedStep)}`])
  if (skipped > 0) rows.push(['skipped', `${counted(skipped, 'step')} without a finite loss or gradient`])
  if (done?.best != null) {
    const { metric, value, step } = done.best
    rows.push(['best checkpoint', `step ${grouped(step)}, ${metric} ${decimal(value)}`])
  }
  return rows
}

function dataRows(
  { start, epochs, evaluations }: RunHistory,
  settings: Record<string, unknown>,
): [string, string][] {
  const describe = (part: unknown) => {
    const { name, length, fingerprint } = (part ?? {}) as Record<string, unknown>
    return { name: String(name ?? '?'), length: Number(length), fingerprint: String(fingerprint ?? '') }
  }
  const data = describe(settings.data)
  const rows: [string, string][] = [
    ['training images', `${grouped(start?.images ?? data.length)} of ${data.name}`],
    ['fingerprint', data.fingerprint],
  ]
  if (settings.validation !== undefined) {
    const validation = describe(settings.validation)
    rows.push(['validation images', `${grouped(validation.length)} of ${validation.name}`])
  }
  const left = Math.max(0, ...epochs.map(({ broken }) => broken), ...evaluations.map(({ broken }) => broken))
  rows.push(['left out', left === 0 ? 'none' : `${counted(left, 'broken image')}`])
  return rows.filter(([, value]) => value !== '')
}

function machineRows(machine: Machine): [string, string][] {
  const { processor, processors, memoryBytes, device, gpu, system, node, libtorch } = machine
  return [
    ['device', gpu === null ? device : `${device}, ${gpu}`],
    ['processor', `${processor}, ${processors} in use`],
    ['memory', bytes(memoryBytes)],
    ['system', system],
    ['libtorch', libtorch],
    ['Node.js', node],
  ]
}
