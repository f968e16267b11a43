/** Run folders of runs that never were, made by code: settings, metrics, checkpoints, pictures. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { saveRunCheckpoint } from '../../lib/checkpoint/run_checkpoint.js'
import type { RunEvent } from '../../lib/train/events.js'
import type { RgbImage } from '../../lib/visualize/rgb_image.js'
import { drawSheet } from '../../lib/visualize/sheet.js'
import { evaluation, start, step } from '../log/events.js'

export const SETTINGS = {
  runId: 'an-id',
  settings: { output: 'runs/first', learningRate: 0.001, batchSize: 8, epochs: 4, betas: [0.9, 0.98] },
  data: { name: 'photos', length: 80, fingerprint: 'abc123' },
  validation: { name: 'photos/validation', length: 16, fingerprint: 'def456' },
  model: { hiddenSize: 24, depth: 3 },
}

/** A folder with these events in it. */
export function runFolder(folder: string, events: readonly RunEvent[], settings: object = SETTINGS): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'metrics.jsonl'), lines(events))
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings))
  return folder
}

export const lines = (events: readonly RunEvent[]) =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')

/** Numbers in 0..1 that look like noise and are always the same. */
const noise = (i: number) => Math.abs(Math.sin(12.9898 * i) * 43758.5453) % 1

/** Events of a pre-training run of `steps` steps: a loss that falls, evaluations, now and then a step without a loss. */
export function pretraining(output: string, steps: number, rate = 1): RunEvent[] {
  const stepsPerEpoch = Math.ceil(steps / 4)
  const events: RunEvent[] = [start(output, { steps, stepsPerEpoch, epochs: 4 })]
  for (let n = 1; n <= steps; n++) {
    const done = (rate * n) / steps
    const loss = 2 + 4 * Math.exp(-4 * done) + 0.4 * (noise(n) - 0.5)
    events.push(
      step(n, {
        epoch: Math.floor((n - 1) / stepsPerEpoch),
        loss: n % 97 === 5 ? Number.NaN : loss,
        accuracy: 0.3 * (1 - Math.exp(-3 * done)) + 0.05 * noise(n + 0.5),
        perplexity: 25 + 5 * noise(n + 0.3),
        gradientNorm: 1 + noise(n + 0.7) + (n % 50 === 0 ? 30 : 0),
        learningRate: 1e-3 * Math.min(1, (10 * n) / steps) * (0.5 + 0.5 * Math.cos(Math.PI * (n / steps))),
        imagesPerSecond: 40 + 4 * noise(n + 0.1),
        waiting: 0.02 * noise(n + 0.2),
      }),
    )
    if (n % stepsPerEpoch !== 0 && n !== steps) continue
    const share = (rate * n) / steps
    events.push({
      ...(evaluation(n) as Extract<RunEvent, { type: 'evaluation' }>),
      epoch: Math.ceil(n / stepsPerEpoch) - 1,
      loss: 2.1 + 4 * Math.exp(-4 * share),
      accuracy: 0.28 * (1 - Math.exp(-3 * share)),
    } as RunEvent)
  }
  return events
}

export const done = (step: number): RunEvent => ({
  type: 'done',
  step,
  epoch: 3,
  reason: 'finished',
  best: { step, metric: 'loss', value: 2.2, checkpoint: 'checkpoints/step' },
  loss: 2.2,
  accuracy: 0.3,
  masked: 96,
  perplexity: 30,
  checkpoint: 'checkpoints/step',
  seconds: 20,
  broken: [],
})

/** A small checkpoint of `folder`. */
export const checkpoint = (folder: string, step: number) =>
  saveRunCheckpoint(
    join(folder, 'checkpoints'),
    step,
    {},
    {
      'model.safetensors': async (path) => writeFileSync(path, Buffer.alloc(2048)),
    },
  )

/** samples/step-N.png with four rows, of which the last one changes from step to step. */
export async function samples(folder: string, step: number, columns = 4): Promise<void> {
  const row = (name: string, seed: number) => ({
    name: [name],
    tiles: Array.from({ length: columns }, (_, i) => ({ image: pattern(seed + i) })),
  })
  const picture = await drawSheet({
    title: 'Masked image modelling',
    subtitle: `${step} of 1000 masked tokens right`,
    rows: [
      row('Original', 1),
      row('Masked', 20),
      row('Target tokens', 40),
      row('Predicted tokens', 60 + step),
    ],
    footers: Array.from({ length: columns }, (_, i) => `${i} of 9 right`),
  })
  await picture.save(join(folder, 'samples', `step-${String(step).padStart(8, '0')}.png`))
}

function pattern(seed: number): RgbImage {
  const side = 32
  const rgb = new Uint8Array(side * side * 3)
  for (let i = 0; i < side * side; i++) {
    const wave = Math.sin(((i % side) * (1 + (seed % 5)) + Math.floor(i / side) * (1 + (seed % 3))) / 8)
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = 128 + 100 * wave * noise(seed + c)
  }
  return { width: side, height: side, rgb }
}

/** What stands in a report as its data. */
export function dataIn(html: string): import('../../lib/report/report_data.js').ReportData {
  const json = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1]
  return JSON.parse(json as string)
}
