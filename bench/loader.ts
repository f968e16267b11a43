/**
 * The image loader beside Pillow, doing the same work in one run: decode a JPEG, colour jitter, flip, random
 * resized crop, 224 bicubic and 112 Lanczos. Prints how far the pixels differ and how many images a second of
 * CPU time each makes.
 *
 *     node dist/bench/loader.js FOLDER [IMAGES]      # BEIT_PYTHON: a Python with Pillow and numpy
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { native } from '../lib/binding.js'
import { trainingViews } from '../lib/data/view_settings.js'
import type { ImageTransform, RawImage } from '../lib/native.js'
import { packageRoot } from '../test/support/paths.js'
import { median } from './statistics.js'

const ROUNDS = 5
const [folder, limit = '400'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node dist/bench/loader.js FOLDER [IMAGES]')

type Sample = { path: string } & Pick<ImageTransform, 'jitter' | 'flip' | 'box'>

const paths = readdirSync(folder)
  .filter((name) => /\.jpe?g$/i.test(name))
  .sort()
  .slice(0, Number(limit))
  .map((name) => join(folder, name))
const samples = await Promise.all(paths.map(drawSample))

const { mean, largest, equal } = await agreement()
console.log(`${samples.length} images, pixels of both views against Pillow:`)
console.log(`  mean difference ${mean.toFixed(5)}, largest ${largest}, equal ${(equal * 100).toFixed(2)} %`)

const rates: { ours: number; pillow: number }[] = []
let version = ''
for (let round = 0; round < ROUNDS; round++) {
  const result = JSON.parse(pillow('time').toString()) as { seconds: number; pillow: string }
  version = result.pillow
  rates.push({ ours: samples.length / (await loaderSeconds(round)), pillow: samples.length / result.seconds })
}
console.log(`images a second of CPU time (median of ${ROUNDS} rounds, taken in turn):`)
console.log(`  loader ${median(rates.map(({ ours }) => ours)).toFixed(0)}`)
console.log(`  Pillow ${version} ${median(rates.map((rate) => rate.pillow)).toFixed(0)}`)
const ratios = rates.map(({ ours, pillow }) => ours / pillow)
const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
console.log(`  ratio ${median(ratios).toFixed(2)} (${range})`)

/** CPU seconds of this process for all images, with one thread of the loader. */
async function loaderSeconds(epoch: number): Promise<number> {
  const views = trainingViews({ imageSize: [224, 224], tokenImageSize: [112, 112], maskGrid: null })
  const loader = native().imageLoaderCreate(views, 1)
  const before = process.cpuUsage()
  for (let begin = 0; begin < paths.length; begin += 64) {
    const batch = paths.slice(begin, begin + 64)
    const requests = batch.map((path, i) => ({ path, offset: 0, length: -1, index: begin + i }))
    const { pixels, tokenPixels } = await native().imageLoaderLoad(loader, requests, epoch)
    for (const tensor of [pixels, tokenPixels]) if (tensor !== null) native().dispose(tensor)
  }
  native().dispose(loader)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Differences of 8-bit values over both views of all images. */
async function agreement() {
  const expected = pillow('views')
  let at = 0
  let sum = 0
  let largest = 0
  let equal = 0
  for (const { path, ...decisions } of samples) {
    const image = await decode(path)
    for (const { size, interpolation } of [
      { size: [224, 224], interpolation: 'bicubic' },
      { size: [112, 112], interpolation: 'lanczos' },
    ] as const) {
      for (const value of await native().transformImage(image, { ...decisions, size, interpolation })) {
        const difference = Math.abs(value - (expected[at++] as number))
        sum += difference
        largest = Math.max(largest, difference)
        if (difference === 0) equal++
      }
    }
  }
  return { mean: sum / at, largest, equal: equal / at }
}

async function decode(path: string): Promise<RawImage> {
  const { rgb, width, height, message } = await native().decodeJpeg(readFileSync(path), 1e9)
  if (rgb === null) throw new Error(`${path}: ${message}`)
  return { rgb, width, height }
}

/** Decisions as the loader draws them, from plain random numbers: the comparison needs them explicit. */
async function drawSample(path: string): Promise<Sample> {
  const { width, height } = await decode(path)
  const uniform = (low: number, high: number) => low + (high - low) * Math.random()
  const kinds = (['brightness', 'contrast', 'saturation'] as const)
    .map((kind) => ({ kind, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
  const jitter = kinds.map(({ kind }) => ({ kind, factor: uniform(0.6, 1.4) }))
  for (;;) {
    const area = width * height * uniform(0.08, 1)
    const aspect = Math.exp(uniform(Math.log(3 / 4), Math.log(4 / 3)))
    const w = Math.round(Math.sqrt(area * aspect))
    const h = Math.round(Math.sqrt(area / aspect))
    if (w < 1 || h < 1 || w > width || h > height) continue
    const left = Math.floor(uniform(0, width - w + 1))
    const top = Math.floor(uniform(0, height - h + 1))
    return { path, jitter, flip: Math.random() < 0.5, box: [left, top, w, h] }
  }
}

function pillow(mode: 'views' | 'time'): Buffer {
  const script = join(packageRoot, 'bench', 'loader_pillow.py')
  const { error, status, stdout, stderr } = spawnSync(process.env.BEIT_PYTHON ?? 'python3', [script], {
    input: JSON.stringify({ mode, samples }),
    maxBuffer: 1 << 30,
  })
  if (error || status !== 0) throw new Error(`Pillow: ${error?.message ?? stderr}`)
  return stdout
}
