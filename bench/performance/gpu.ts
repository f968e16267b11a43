/** The benchmark of `npm run gpu`: what it runs, and the one table of what it found. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { percent } from '../../lib/log/format.js'
import { median } from '../statistics.js'
import { type Group, ratio } from './comparison.js'
import { table } from './markdown.js'
import {
  floorRate,
  OURS_BF16,
  OURS_GRAPHS,
  PEER_BF16_ALL,
  PEER_COMPILED_BF16,
  type PretrainingResult,
} from './pretraining.js'

/** A model, and MiB that it takes: an image of the batch, and whatever the batch is. */
const MODELS = [
  { preset: 'beit_base_patch16_224', ofImage: 110, fixed: 3000 },
  { preset: 'beit_large_patch16_224', ofImage: 300, fixed: 7000 },
] as const
/** Of the GPU's memory that one of the two parties which take turns may fill. */
const SHARE_OF_PARTY = 0.43
const LARGEST_BATCH = 512
const ROUNDS = 20

/** One run of bench/performance/main.ts. */
export interface GpuRun {
  preset: string
  batchSize: number
  /** Folder of its results. */
  output: string
  arguments: string[]
}

/** The runs for a GPU with this much memory, the batches as large as it holds for us and a peer at once. */
export function gpuRuns(device: string, memoryBytes: number, output: string): GpuRun[] {
  return MODELS.map(({ preset, ofImage, fixed }) => {
    const fits = ((memoryBytes / 2 ** 20) * SHARE_OF_PARTY - fixed) / ofImage
    const batchSize = Math.min(LARGEST_BATCH, 2 ** Math.floor(Math.log2(Math.max(1, fits))))
    const folder = join(output, preset)
    const sizes = ['--model', preset, '--batch-size', String(batchSize), '--rounds', String(ROUNDS)]
    const common = ['--device', device, ...sizes, '--output', folder]
    return { preset, batchSize, output: folder, arguments: ['machine', 'pretraining', 'compiled', ...common] }
  })
}

/** What was found for a model; null: that part has failed. */
export interface GpuResult {
  preset: string
  batchSize: number
  pretraining: PretrainingResult | null
  compiled: PretrainingResult | null
}

/** The results that a run has left in its folder. */
export function gpuResult({ preset, batchSize, output }: GpuRun): GpuResult {
  const read = (part: string): PretrainingResult | null => {
    const path = join(output, `${part}.json`)
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
  }
  return { preset, batchSize, pretraining: read('pretraining'), compiled: read('compiled') }
}

/** What must be reached, and what is aimed at. */
const BARS = {
  floor: { bar: 0.5, aim: 0.65, text: percent },
  eager: { bar: 1.5, aim: 2, text: (value: number) => value.toFixed(1) },
  compiled: { bar: 1, aim: 1.2, text: (value: number) => value.toFixed(1) },
}

/** Tests and benchmark of a GPU in one table. */
export function gpuTable(
  tests: { passed: number; failed: number; skipped: number },
  results: readonly GpuResult[],
): string {
  const verdict = tests.failed === 0 ? 'met' : 'missed'
  const counts = `${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`
  return aligned([
    ['', '', 'found', 'bar', 'aim'],
    ['tests', '', counts, `none fails: ${verdict}`, ''],
    ...results.flatMap(rowsOfModel),
  ])
}

function rowsOfModel({ preset, batchSize, pretraining, compiled }: GpuResult): string[][] {
  const name = `${preset}, ${batchSize} images`
  if (pretraining === null) return [[name, 'the benchmark', 'failed: its message is above', '', '']]
  const group = pretraining.groups[0] as Group
  const ours = group.outcomes.find((outcome) => outcome.name === OURS_BF16.name)
  if (ours === undefined) return [[name, 'images/s', missing(group, OURS_BF16.name), '', '']]
  const rate = batchSize / median(ours.seconds)
  const floor = floorRate(pretraining)
  const share = floor && rate / floor.floor
  const of = floor ? ` (${floor.floor.toFixed(0)} images/s)` : ''
  return [
    [name, 'images/s', rate.toFixed(0), '', ''],
    [name, `share of the floor${of}`, share ? percent(share) : 'not measured', ...verdicts('floor', share)],
    ratioRow(name, 'eager', group, PEER_BF16_ALL.name),
    ratioRow(name, 'compiled', compiled?.groups[0] ?? null, PEER_COMPILED_BF16.name),
    ...graphsRow(name, pretraining.groups),
  ]
}

/** What CUDA graphs bring us, which has no bar. */
function graphsRow(name: string, groups: readonly Group[]): string[][] {
  for (const { outcomes, failed } of groups) {
    const [plain, graphs] = [OURS_BF16, OURS_GRAPHS].map((one) =>
      outcomes.find((outcome) => outcome.name === one.name),
    )
    const reason = failed.find((one) => one.name === OURS_GRAPHS.name)?.reason
    if (reason === undefined && (!plain || !graphs)) continue
    const found =
      plain && graphs ? `${ratio(graphs, plain).median.toFixed(2)} times as fast` : `missing: ${reason}`
    return [[name, 'with CUDA graphs', found, '', '']]
  }
  return []
}

function ratioRow(name: string, bar: 'eager' | 'compiled', group: Group | null, peer: string): string[] {
  const what = `times as fast as ${peer}`
  const [ours, other] = [OURS_BF16.name, peer].map((one) =>
    group?.outcomes.find((outcome) => outcome.name === one),
  )
  if (!ours || !other) return [name, what, missing(group, peer), ...verdicts(bar, null)]
  const { median: middle, low, high } = ratio(ours, other)
  const found = `${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
  return [name, what, found, ...verdicts(bar, middle)]
}

const missing = (group: Group | null, party: string) =>
  `missing: ${group?.failed.find(({ name }) => name === party)?.reason ?? 'the benchmark has failed'}`

function verdicts(name: keyof typeof BARS, value: number | null): string[] {
  const { bar, aim, text } = BARS[name]
  return [bar, aim].map((least) => {
    const verdict = value === null ? 'not measured' : value >= least ? 'met' : 'missed'
    return `${text(least)}: ${verdict}`
  })
}

/** A table for the terminal too: columns as wide as what is in them. */
function aligned(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return table(rows.map((row) => row.map((cell, column) => cell.padEnd(width(column)))))
}
