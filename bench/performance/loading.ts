/**
 * What images from the disk cost: the loader with one thread and with two, how late a timer of JavaScript fires
 * meanwhile, and steps of training on images that are loaded beside steps on one batch in memory.
 */
import { rm } from 'node:fs/promises'
import {
  BeitForMaskedImageModeling,
  batches,
  ImageFolder,
  MaskedImageModeling,
  type MicroBatch,
  maskSettings,
  scope,
  trainingViews,
} from 'beit-torch'
import { startLateTimer } from '../../test/support/late_timer.js'
import { median } from '../statistics.js'
import { testFolder, testImages } from './images.js'
import { table } from './markdown.js'
import type { BenchOptions, Part } from './part.js'
import { type Size, TOKEN_PIXELS } from './sizes.js'
import { randomTokenizer } from './tokenizer.js'
import { RECIPE } from './work.js'

/** Steps that fill the loader's queue, and are not counted. */
const FIRST_STEPS = 2
const STEPS = 4
const TIMER_MS = 10
/** Passes over the images are repeated until they have taken so long. */
const LEAST_SECONDS = 0.2

export interface LoadingResult {
  images: string
  /** Images a second of wall time, a number a round. */
  rates: Record<'one' | 'two', number[]>
  /** How late a timer of 10 ms fired while two threads loaded, in ms, from the earliest to the latest. */
  late: number[]
  /** Seconds a step of training, a number a round. */
  steps: { precision: string; disk: number[]; memory: number[] }[]
}

export const loading: Part<LoadingResult> = {
  name: 'loading',
  async run(options) {
    const folder = await testFolder(options.size.name === 'smoke' ? 8 : 400)
    try {
      const source = await ImageFolder.open(folder.path)
      const rates: LoadingResult['rates'] = { one: [], two: [] }
      let late: number[] = []
      for (let round = 0; round < options.rounds; round++) {
        rates.one.push((await loaderRate(source, options.size, 1, round)).rate)
        const two = await loaderRate(source, options.size, 2, round)
        rates.two.push(two.rate)
        late = [...late, ...two.late]
      }
      options.report(`loader: ${median(rates.one).toFixed(0)} images/s, ${median(rates.two).toFixed(0)}`)
      const steps: LoadingResult['steps'] = []
      for (const precision of ['fp32', 'bf16'] as const) {
        steps.push({ precision, ...(await training(source, options, precision)) })
      }
      return { images: folder.kind, rates, late: late.sort((a, b) => a - b), steps }
    } finally {
      if (folder.temporary) await rm(folder.path, { recursive: true, force: true })
    }
  },
  markdown({ images, rates, late, steps }) {
    const head = ['', 'from memory or by 1 thread', 'from disk or by 2 threads', 'ratio', 'from', 'to']
    const row = (what: string, first: readonly number[], second: readonly number[], ratios: number[]) => {
      const digits = Math.max(0, 2 - Math.floor(Math.log10(median(first))))
      const [least, most] = [Math.min(...ratios).toFixed(3), Math.max(...ratios).toFixed(3)]
      const middle = `**${median(ratios).toFixed(3)}**`
      return [what, median(first).toFixed(digits), median(second).toFixed(digits), middle, least, most]
    }
    const over = (above: readonly number[], below: readonly number[]) =>
      above.map((value, round) => value / (below[round] as number))
    const rows = [
      row('loader, both views, images/s', rates.one, rates.two, over(rates.two, rates.one)),
      ...steps.map(({ precision, disk, memory }) =>
        row(`a step in ${precision}, s; the ratio is that of the rates`, memory, disk, over(memory, disk)),
      ),
    ]
    const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))] as number
    const timer = [at(0.5), at(0.99), at(1)].map((ms) => `${ms.toFixed(1)} ms`)
    return [
      table([head, ...rows]),
      `Images: ${images}. While two threads load, a timer of ${TIMER_MS} ms is late by ${timer[0]} (median), ${timer[1]} (99th percentile), ${timer[2]} (most) of ${late.length} ticks.`,
    ].join('\n\n')
  },
}

/** All images, again and again, full transform: decoding, jitter, flip, crop, both sizes, mask. */
async function loaderRate(
  source: ImageFolder,
  { imageSize, patchSize, batchSize }: Size,
  threads: number,
  seed: number,
): Promise<{ rate: number; late: number[] }> {
  const grid: [number, number] = [imageSize / patchSize, imageSize / patchSize]
  const tokenSide = grid[0] * TOKEN_PIXELS
  const views = trainingViews(
    { imageSize: [imageSize, imageSize], tokenImageSize: [tokenSide, tokenSide], maskGrid: grid },
    { seed, mask: maskSettings(grid) },
  )
  const stop = startLateTimer(TIMER_MS)
  const began = performance.now()
  let images = 0
  let seconds = 0
  while (seconds < LEAST_SECONDS) {
    for await (const batch of batches(source, { views, batchSize, epochs: 1, threads, seed })) batch.dispose()
    images += source.length
    seconds = (performance.now() - began) / 1000
  }
  return { rate: images / seconds, late: stop() }
}

/** Steps on images as the loader brings them, and on the first batch again and again, in turn. */
async function training(
  source: ImageFolder,
  { size, device, rounds }: BenchOptions,
  precision: 'fp32' | 'bf16',
): Promise<{ disk: number[]; memory: number[] }> {
  const { pixels } = await testImages(2, (size.imageSize / size.patchSize) * TOKEN_PIXELS)
  using tokenizer = await (await randomTokenizer(size.tokenizer, pixels)).to({ device })
  pixels.dispose()
  using model = await BeitForMaskedImageModeling.create(size.model, { device, seed: 0 })
  const objective = new MaskedImageModeling({ model, tokenizer })
  using trainer = await objective.createTrainer({
    betas: [0.9, 0.999],
    eps: 1e-8,
    clipGradient: RECIPE.clipGradient,
    precision,
    seed: 0,
  })
  const step = (batch: MicroBatch) =>
    trainer.step([batch], { learningRate: RECIPE.learningRate, weightDecay: RECIPE.weightDecay })
  const mask = maskSettings(objective.views.maskGrid as [number, number])
  const views = trainingViews(objective.views, { mask })
  const stream = (seed: number) =>
    batches(source, { views, batchSize: size.batchSize, epochs: FIRST_STEPS + STEPS, seed })

  const result = { disk: [] as number[], memory: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    let taken = 0
    let began = 0
    for await (const batch of stream(round)) {
      await step(batch)
      batch.dispose()
      taken++
      if (taken === FIRST_STEPS) began = performance.now()
      if (taken === FIRST_STEPS + STEPS) break
    }
    result.disk.push((performance.now() - began) / 1000 / STEPS)
    await scope(async () => {
      for await (const batch of stream(round)) {
        result.memory.push(await secondsOf(STEPS, () => step(batch)))
        break
      }
    })
  }
  return result
}

async function secondsOf(times: number, run: () => Promise<unknown>): Promise<number> {
  // Once before: what loads ahead has ended then.
  await run()
  const began = performance.now()
  for (let i = 0; i < times; i++) await run()
  return (performance.now() - began) / 1000 / times
}
