/**
 * Steps of one model with rising batches, tokens given: a JSON line each.
 *
 *     node dist/bench/performance/growth_worker.js PRESET THREADS MEMORY BATCH...
 *
 * MEMORY, in MiB: a batch that is expected to need more is left out.
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
/** Seconds of a step that is worth repeating. */
const SHORT = 3
const peak = () => process.resourceUsage().maxRSS / 1024
const seen: { batchSize: number; resident: number }[] = []

for (const batchSize of batches.map(Number)) {
  const need = expected(batchSize)
  if (need > Number(memory)) {
    const left = `a batch of ${batchSize} needs about ${(need / 1024).toFixed(0)} GiB`
    console.log(JSON.stringify({ left }))
    break
  }
  const seconds = await fastestStep(batchSize)
  seen.push({ batchSize, resident: peak() })
  console.log(JSON.stringify({ batchSize, imagesPerSecond: batchSize / seconds, resident: peak() }))
}

/** MiB, on the line through the last two batches. */
function expected(batchSize: number): number {
  const [a, b] = seen.slice(-2)
  if (a === undefined || b === undefined) return 0
  return b.resident + ((b.resident - a.resident) / (b.batchSize - a.batchSize)) * (batchSize - b.batchSize)
}

/** Of two steps, or of one where a step takes long; the first allocates memory. */
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
  for (let step = 0; step < 3 && (step === 0 || fastest < SHORT); step++) {
    const began = performance.now()
    await trainer.step([{ pixels, mask, tokens }], RECIPE)
    fastest = Math.min(fastest, (performance.now() - began) / 1000)
  }
  for (const tensor of [pixels, tokens, mask]) tensor.dispose()
  return fastest
}
