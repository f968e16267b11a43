/** Our side of the benchmark: the commands of pretraining_torch.py (work.ts) on stdin, an answer a line. */
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  BeitForMaskedImageModeling,
  DalleTokenizer,
  MaskedImageModeling,
  type MicroBatch,
  type StepSettings,
  Tensor,
  type Trainer,
  type TrainerOptions,
  threads,
} from 'beit-torch'
import { native } from '../../lib/binding.js'
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import type { Answers, Work } from './work.js'

/** Side of matrices and bytes of copies: large enough that a device is busy all over. */
const RATES = { cpu: { side: 2048, bytes: 2 ** 28 }, gpu: { side: 8192, bytes: 2 ** 31 } }

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const work = JSON.parse((await lines.next()).value) as Work
if (work.threads > 0) await threads(work.threads)
const { device } = work
const model = await BeitForMaskedImageModeling.load(join(work.model, 'model.safetensors'), {
  device,
  dropPath: work.dropPath,
})
const tokenizer = await DalleTokenizer.load(work.tokenizer, { device })
const { tensors } = await readSafetensors(work.inputs, { device })
const [pixels, tokenPixels, maskThere] = ['pixels', 'token_pixels', 'mask'].map((name) =>
  tensors.get(name),
) as [Tensor, Tensor, Tensor]
// As the loader gives it: on a GPU a step would wait to learn its rows.
const mask = await maskThere.to({ device: 'cpu' })
const objective = new MaskedImageModeling({ model, tokenizer })
const options = {
  betas: [0.9, 0.999],
  eps: 1e-8,
  clipGradient: work.clipGradient,
  precision: work.precision === 'fp32' ? 'fp32' : 'bf16',
  optimize: work.optimize,
  cudaGraphs: work.graphs,
  seed: work.seed,
} satisfies TrainerOptions
const trainer: Trainer = await objective.createTrainer(options)
const settings: StepSettings = { learningRate: work.learningRate, weightDecay: work.weightDecay }
const batch: MicroBatch = { pixels, tokenPixels, mask }

const commands: { [Command in keyof Answers]: () => Promise<Answers[Command]> } = {
  async step() {
    const began = performance.now()
    const { loss, notice } = await trainer.step([batch], settings)
    // Else steps without a graph would pass for steps with one.
    if (notice !== undefined) throw new Error(notice)
    return { seconds: (performance.now() - began) / 1000, loss }
  },
  async parts() {
    // A trainer of its own: on a GPU a profiled step waits for each of its parts. Its first step warms up.
    using profiled = await objective.createTrainer({ ...options, cudaGraphs: false, profile: true })
    await profiled.step([batch], settings)
    const { parts = {} } = await profiled.step([batch], settings)
    return parts
  },
  async tokens() {
    return { tokens: Array.from(await tokenIds(), Number) }
  },
  async peak() {
    return { resident: process.resourceUsage().maxRSS / 1024, device: 0 }
  },
  rates() {
    const { side, bytes } = RATES[device === 'cpu' ? 'cpu' : 'gpu']
    return native().deviceRates(device, side, bytes)
  },
}
const { compiled } = native().version()
console.log(JSON.stringify({ node: process.versions.node, libtorch: compiled }))
for (let next = await lines.next(); !next.done; next = await lines.next()) {
  console.log(JSON.stringify(await commands[next.value as keyof Answers]()))
}

/** int64 of all patches, as a training step computes those of masked ones. */
async function tokenIds(): Promise<BigInt64Array> {
  const count = mask.shape.reduce((product, size) => product * size, 1)
  const rows = Tensor.from(
    BigInt64Array.from({ length: count }, (_, row) => BigInt(row)),
    [count],
  )
  const { precision, optimize } = options
  const tokens = await native().tokenizerEncodeRows(
    tokenizer.handle,
    tokenPixels.handle,
    (await rows.to({ device })).handle,
    { precision, optimize },
  )
  return (await new Tensor(tokens).toTypedArray()) as BigInt64Array
}
