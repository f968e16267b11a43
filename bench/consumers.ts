/**
 * What following a run costs: pre-training with all its consumers (progress line, metrics.jsonl, sheets of samples,
 * TensorBoard with histograms) beside the same run with none, in turns. The loop waits while a consumer works, so its cost is
 * the time of a run outside of its steps and checkpoints, beyond that of a run that nobody follows. What consumers
 * leave to other threads can slow steps down; the ratio of the steps' times shows that, within its spread.
 *
 *     node dist/bench/consumers.js FOLDER [MODEL] [EPOCHS] [ROUNDS] [SHEETS]   # images; beit_tiny_patch16_224, 2, 3, 1
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import {
  BeitForMaskedImageModeling,
  ConvDiscreteVae,
  ImageFolder,
  type PretrainOptions,
  pretrain,
  showProgress,
  writeMetrics,
} from 'beit-torch'
import { median } from './statistics.js'

const [folder, preset = 'beit_tiny_patch16_224', ...numbers] = process.argv.slice(2)
const [epochs = 2, rounds = 3, sheets = 1] = numbers.map(Number)
if (folder === undefined)
  throw new Error('usage: node dist/bench/consumers.js FOLDER [MODEL] [EPOCHS] [ROUNDS] [SHEETS]')

const data = await ImageFolder.open(folder)
const tokenizer = await ConvDiscreteVae.create({
  imageSize: 112,
  vocabSize: 1024,
  codebookDim: 64,
  hiddenSize: 32,
})
const followed: Partial<PretrainOptions> = {
  tensorboard: true,
  samplesEveryEpochs: Math.ceil(epochs / sheets),
}

interface Cost {
  steps: number
  /** Seconds of all steps, and of what is neither step nor checkpoint. */
  inSteps: number
  outside: number
  /** Of the sheets among it. */
  drawing: number
}

async function run(options: Partial<PretrainOptions>): Promise<Cost> {
  const output = await mkdtemp(join(tmpdir(), 'beit-consumers-'))
  const model = await BeitForMaskedImageModeling.create(preset, { vocabSize: 1024 })
  try {
    const given = { model, tokenizer, data, output, epochs, batchSize: 8, warmupEpochs: 0, ...options }
    const events = pretrain({ ...given, saveEveryEpochs: epochs })
    const consumed = options.tensorboard ? showProgress(writeMetrics(events), { stream: nowhere() }) : events
    const cost = { steps: 0, inSteps: 0, outside: 0, drawing: 0 }
    let [began, saving] = [0, 0]
    for await (const event of consumed) {
      // From the first step on, when everything is loaded.
      if (event.type === 'step' && event.step === 1) began = performance.now()
      else if (event.type === 'step') {
        cost.steps++
        cost.inSteps += event.seconds
      } else if (event.type === 'checkpoint') saving += event.seconds
      else if (event.type === 'samples') cost.drawing += event.seconds
    }
    return { ...cost, outside: (performance.now() - began) / 1000 - cost.inSteps - saving }
  } finally {
    model.dispose()
    await rm(output, { recursive: true, force: true })
  }
}

/** A terminal that nobody looks at. */
const nowhere = () =>
  Object.assign(
    new Writable({
      write(_chunk, _encoding, done) {
        done()
      },
    }),
    { isTTY: true, columns: 100 },
  )

const [alone, all]: [Cost[], Cost[]] = [[], []]
for (let round = 0; round < rounds; round++) {
  alone.push(await run({}))
  all.push(await run(followed))
}

const of = (costs: readonly Cost[], value: (cost: Cost) => number) => median(costs.map(value))
const steps = of(all, (cost) => cost.steps)
const inSteps = of(alone, (cost) => cost.inSteps)
const consumers = of(all, (cost) => cost.outside) - of(alone, (cost) => cost.outside)
const drawing = of(all, (cost) => cost.drawing)
const share = (seconds: number) => `${((100 * seconds) / inSteps).toFixed(2)} %`
const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(1)} ms`
const ratios = all.map((cost, i) => cost.inSteps / (alone[i] as Cost).inSteps)
console.log(
  [
    `${preset}, batches of 8, ${epochs} epochs of ${data.length} images, medians of ${rounds} rounds`,
    `a step                ${milliseconds(inSteps / steps)}`,
    `all consumers         ${milliseconds(consumers)} in ${steps} steps: ${share(consumers)} of the steps' time`,
    `  of these, sheets    ${milliseconds(drawing)} for ${sheets}: ${share(drawing)}`,
    `  all others          ${milliseconds(consumers - drawing)}: ${share(consumers - drawing)}`,
    `steps beside them     ${ratios.map((ratio) => ratio.toFixed(3)).join(', ')} times as long as without`,
  ].join('\n'),
)
