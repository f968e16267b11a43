/**
 * An objective of one's own. Instead of a tokenizer's codes the model predicts the mean colour of each hidden patch, as
 * one of 64 colours: targets may be anything that gives a patch a number. The loop is one's own as well, on the pieces
 * that `pretrain()` is made of. About 10 seconds on 2 cores.
 *
 *   node dist/examples/06_own_objective.js [--epochs 4] [--output runs/colours]
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  BeitForMaskedImageModeling,
  batches,
  cosineSchedule,
  ImageFolder,
  MaskedImageModeling,
  maskSettings,
  mostFrequentShare,
  type Objective,
  type StepResult,
  Tensor,
  type Trainer,
  type TrainerOptions,
  trainingViews,
  type ViewNeeds,
} from 'beit-torch'
import { makeImages } from './support/procedural_images.js'

const { values: flags } = parseArgs({
  options: { epochs: { type: 'string', default: '4' }, output: { type: 'string', default: 'runs/colours' } },
})
const epochs = Number(flags.epochs)

/** 4 values a channel. */
const COLOURS = 4 ** 3

/** Masked image modelling without a tokenizer: the cross-entropy is that of BEiT, the targets are computed here. */
class MaskedColours implements Objective<{ loss: number; accuracy: number }> {
  readonly views: ViewNeeds
  readonly #patchSize: number
  readonly #base: MaskedImageModeling

  constructor(model: BeitForMaskedImageModeling) {
    this.#patchSize = model.config.patchSize
    this.#base = new MaskedImageModeling({ model, tokenizer: null })
    this.views = this.#base.views
  }

  createTrainer(options: TrainerOptions): Promise<Trainer> {
    return this.#base.createTrainer(options)
  }

  metrics(result: StepResult): { loss: number; accuracy: number } {
    const { loss, accuracy } = this.#base.metrics(result)
    return { loss, accuracy }
  }

  /** The colour of each patch: uint8 (B, 3, H, W) -> int64 (B, N) */
  async targets(pixels: Tensor): Promise<Tensor> {
    const [images = 0, , height = 0, width = 0] = pixels.shape
    const [rows, columns] = [height / this.#patchSize, width / this.#patchSize]
    const sums = new Float64Array(images * rows * columns * 3)
    ;((await pixels.toTypedArray()) as Uint8Array).forEach((value, i) => {
      const [x, y] = [i % width, Math.floor(i / width) % height]
      const [channel, image] = [Math.floor(i / (width * height)) % 3, Math.floor(i / (3 * width * height))]
      const patch =
        (image * rows + Math.floor(y / this.#patchSize)) * columns + Math.floor(x / this.#patchSize)
      sums[patch * 3 + channel] = (sums[patch * 3 + channel] as number) + value
    })
    const level = (sum: number) => Math.min(3, Math.floor(sum / this.#patchSize ** 2 / 64))
    const colours = BigInt64Array.from({ length: images * rows * columns }, (_, patch) =>
      BigInt([0, 1, 2].reduce((code, channel) => 4 * code + level(sums[patch * 3 + channel] as number), 0)),
    )
    return Tensor.from(colours, [images, rows * columns])
  }
}

// 1. Images, a small model with a head of 64 outputs, the objective, and what trains it.
await makeImages(join(flags.output, 'images'), { perClass: 16, seed: 0 })
const data = await ImageFolder.open(join(flags.output, 'images'))
using model = await BeitForMaskedImageModeling.create({
  ...{ imageSize: 64, patchSize: 8, hiddenSize: 96, depth: 4, heads: 3, vocabSize: COLOURS },
})
const objective = new MaskedColours(model)
using trainer = await objective.createTrainer({
  ...{ betas: [0.9, 0.98], eps: 1e-8, clipGradient: 3, precision: 'fp32', seed: 0 },
})

// 2. The loop: a batch, its targets, a step. Views, order and masks are those of pretrain().
const views = trainingViews(objective.views, {
  ...{ mask: maskSettings(model.grid), scale: [0.5, 1], colorJitter: [0, 0, 0] },
})
const stream = batches(data, { views, batchSize: 16, epochs })
const steps = epochs * stream.batchesPerEpoch
const rate = cosineSchedule({ base: 2e-3, final: 1e-5, steps, warmupSteps: Math.min(10, steps) })
let step = 0
let [right, hidden, loss] = [0, 0, 0]
const counts = new Float64Array(COLOURS)
for await (const batch of stream) {
  using held = batch
  using tokens = await objective.targets(held.pixels)
  const { pixels, mask } = held
  const result = await trainer.step([{ pixels, mask, tokens }], {
    ...{ learningRate: rate(step++), weightDecay: 0.05 },
  })
  const metrics = objective.metrics(result)
  right += metrics.accuracy * result.masked
  loss += metrics.loss * result.masked
  hidden += result.masked
  result.tokenCounts.forEach((count, colour) => {
    counts[colour] = (counts[colour] as number) + Number(count)
  })
  if (batch.batch + 1 < batch.batchesPerEpoch) continue
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  console.log(
    `epoch ${String(batch.epoch + 1).padStart(2)}  loss ${(loss / hidden).toFixed(2)}  ` +
      `${percent(right / hidden)} of the hidden colours are right; the most frequent one is ${percent(mostFrequentShare(counts))}`,
  )
  ;[right, hidden, loss] = [0, 0, 0]
  counts.fill(0)
}
await model.save(join(flags.output, 'model.safetensors'))
console.log(`model     ${join(flags.output, 'model.safetensors')}`)
