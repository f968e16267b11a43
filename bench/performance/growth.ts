/** How cost grows: images a second and memory over batch size, size of the model and number of threads. */
import { execFile } from 'node:child_process'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { lineChart, type Series } from '../../lib/visualize/line_chart.js'
import { packageRoot } from '../../test/support/paths.js'
import { table } from './markdown.js'
import type { Part } from './part.js'

/** One size of batch of one model. */
export interface GrowthPoint {
  model: string
  threads: number
  batchSize: number
  /** Of the fastest step. */
  imagesPerSecond: number
  /** MiB at its highest so far; batches rise. */
  resident: number
}

/** What it found. */
export interface GrowthResult {
  points: GrowthPoint[]
  /** Batches that were not tried, and why. */
  left: string[]
}

const WORKER = join(packageRoot, 'dist', 'bench', 'performance', 'growth_worker.js')
const run = promisify(execFile)

const BATCHES: Readonly<Record<string, readonly number[]>> = {
  tiny: [1, 4, 16, 64],
  small: [1, 16, 64],
  base: [1, 4, 16, 64],
  large: [1, 4, 16],
}
const SMOKE_BATCHES = { smoke: [1, 2] }

export const growth: Part<GrowthResult> = {
  name: 'growth',
  async run({ size, report }) {
    const result: GrowthResult = { points: [], left: [] }
    const smoke = size.name === 'smoke'
    for (const [model, batches] of Object.entries(smoke ? SMOKE_BATCHES : BATCHES)) {
      for (const threads of [2, 1]) {
        const memory = Math.floor((0.9 * freemem()) / 2 ** 20)
        const { stdout } = await run(process.execPath, [
          WORKER,
          smoke ? 'smoke' : `beit_${model}_patch16_224`,
          String(threads),
          String(memory),
          ...batches.map(String),
        ])
        for (const line of stdout.trim().split('\n')) {
          const one = JSON.parse(line)
          if ('left' in one) result.left.push(`${model}, ${threads} threads: ${one.left}`)
          else result.points.push({ model, threads, ...one })
        }
        report(`${model}, ${threads} threads: ${result.points.at(-1)?.imagesPerSecond.toFixed(2)} images/s`)
      }
    }
    return result
  },
  markdown({ points, left }) {
    const rows = points.map(({ model, threads, batchSize, imagesPerSecond, resident }) => [
      model,
      String(threads),
      String(batchSize),
      imagesPerSecond.toFixed(2),
      resident.toFixed(0),
    ])
    const head = ['model', 'threads', 'batch', 'images/s', 'peak memory, MiB']
    return [table([head, ...rows]), ...left.map((line) => `Left out: ${line}.`)].join('\n\n')
  },
  draw({ points }) {
    const models = [...new Set(points.map(({ model }) => model))]
    const series = (value: (point: GrowthPoint) => number, model: string): Series[] =>
      [2, 1].map((threads) => ({
        name: threads === 1 ? '1 thread' : '2 threads',
        tone: threads === 1 ? 'evaluation' : 'training',
        style: 'marked',
        points: points
          .filter((point) => point.model === model && point.threads === threads)
          .map((point) => [point.batchSize, value(point)] as const),
      }))
    return lineChart({
      title: 'How a pre-training step grows',
      subtitle: 'Forward, backward, clipping and AdamW at 224 in bf16; tokens given',
      xLabel: 'images in a batch',
      panels: [
        ...models.map((model) => ({
          title: `${model}: images a second`,
          series: series((point) => point.imagesPerSecond, model),
          height: 80,
          low: 0,
        })),
        ...models.map((model) => ({
          title: `${model}: peak memory (GiB)`,
          series: series((point) => point.resident / 1024, model).slice(0, 1),
          height: 60,
          low: 0,
        })),
      ],
    }).svg
  },
}
