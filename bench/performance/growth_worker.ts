/**
 * Steps of one model with rising batches, tokens given: a JSON line each.
 *
 *     node dist/bench/performance/growth_worker.js PRESET THREADS MEMORY BATCH...
 *
 * MEMORY, in MiB: a batch that is expected to need more is left out, and so is one that takes very long.
 */
import { BeitForMaskedImageModeling, MaskedImageModeling, Tensor, threads } from 'beit-torch'
import { published, SMOKE } from './sizes.js'
import { RECIPE } from './work.js'

const [preset = '', count, memory, ...batches] = process.argv.slice(2)
await threads(Number(count))
const size = preset === 'smoke' ? SMOKE : published(preset, 1)
const model = await BeitForMaskedImageModeling.create(size.model, { seed: 0, dropPath: RECIPE.dropPath })
const trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer({
  betas: [0.9, 0.999],
  eps: 1e-8,
  clipGradient: RECIPE.clipGradient,
  precision: 'bf16',
  seed: 0,
})
/** Seconds of a step that is enough once its memory is there, and of one that is not tried. */
const LONG = 3
const TOO_LONG = 75
const peak = () => process.resourceUsage().maxRSS / 1024
const seen: { batchSize: number; seconds: number; resident: number }[] = []

for (const batchSize of batches.map(Number)) {
  const left = reason(batchSize)
  if (left !== null) {
    console.log(JSON.stringify({ left }))
    break
  }
  const seconds = await fastestStep(batchSize)
  seen.push({ batchSize, seconds, resident: peak() })
  console.log(JSON.stringify({ batchSize, imagesPerSecond: batchSize / seconds, resident: peak() }))
}

/** Why a batch is not tried, going by the last two that were; null: it is. */
function reason(batchSize: number): string | null {
  const [a, b] = seen.slice(-2)
  if (a === undefined || b === undefined) return null
  const line = (of: 'resident' | 'seconds') =>
    b[of] + ((b[of] - a[of]) / (b.batchSize - a.batchSize)) * (batchSize - b.batchSize)
  if (line('resident') > Number(memory)) {
    return `a batch of ${batchSize} needs about ${(line('resident') / 1024).toFixed(0)} GiB`
  }
  if (line('seconds') > TOO_LONG) {
    return `a step of ${batchSize} images takes about ${line('seconds').toFixed(0)} s`
  }
  return null
}

/** Of three steps, or of two where they take long; the first meets fresh memory, which costs as much again. */
async function fastestStep(batchSize: number): Promise<number> {
  const patches = (size.imageSize / size.patchSize) ** 2
  const numbers = new Float32Array(batchSize * 3 * size.imageSize ** 2).map((_, i) => Math.sin(i))
  const ids = BigInt64Array.from({ length: batchSize * patches }, (_, i) => BigInt((i * 31) % 64))
  // Of every image the first patches: where they lie makes no difference to the time.
  const masked = Uint8Array.from({ length: batchSize * patches }, (_, i) =>
    i % patches < size.masked ? 1 : 0,
  )
  const pixels = Tensor.from(numbers, [batchSize, 3, size.imageSize, size.imageSize])
  const tokens = Tensor.from(ids, [batchSize, patches])
  const mask = Tensor.from(masked, [batchSize, patches], { dtype: 'bool' })
  let fastest = Infinity
  for (let step = 0; step < 2 || (step < 3 && fastest < LONG); step++) {
    const began = performance.now()
    await trainer.step([{ pixels, mask, tokens }], RECIPE)
    fastest = Math.min(fastest, (performance.now() - began) / 1000)
  }
  for (const tensor of [pixels, tokens, mask]) tensor.dispose()
  return fastest
}
