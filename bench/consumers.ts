/**
 * What following a run costs: pre-training with all its consumers (progress line, metrics.jsonl, report.html, TensorBoard
 * with histograms, a sheet of samples) beside the same run with none, in turns. The loop waits while a consumer works, so a
 * consumer costs what lies between the steps, and between the last one and its checkpoint, beyond what lies there in a run
 * that nobody follows. What is left to other threads can slow steps down: the ratio of the steps' times shows that.
 *
 *     node dist/bench/consumers.js FOLDER [MODEL] [STEPS] [ROUNDS]   # images; beit_tiny_patch16_224, 40, 3
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import {
  BeitForMaskedImageModeling,
  ImageFolder,
  type PretrainOptions,
  pretrain,
  pretrainSchema,
  showProgress,
  updateReport,
  writeMetrics,
} from 'beit-torch'
import { smallTokenizer } from './small_tokenizer.js'
import { mean, median } from './statistics.js'

const BATCH = 8
const [folder, preset = 'beit_tiny_patch16_224', ...numbers] = process.argv.slice(2)
const [steps = 40, rounds = 3] = numbers.map(Number)
if (folder === undefined)
  throw new Error('usage: node dist/bench/consumers.js FOLDER [MODEL] [STEPS] [ROUNDS]')

const data = await ImageFolder.open(folder)
const tokenizer = await smallTokenizer()

/** Seconds. */
interface Cost {
  step: number
  /** Between a step and the next. */
  between: number
  /** Between the last step and its checkpoint, and the sheet among it. */
  atEnd: number
  drawing: number
  /** After the checkpoint, until the run is done. */
  report: number
}

/** One epoch, or what `steps` make of it. */
async function run(options: Partial<PretrainOptions>): Promise<Cost> {
  const output = await mkdtemp(join(tmpdir(), 'beit-consumers-'))
  const model = await BeitForMaskedImageModeling.create(preset, { vocabSize: 1024 })
  try {
    const given = { model, tokenizer, data, output, batchSize: BATCH, epochs: 1, maxSteps: steps }
    const events = pretrain({ ...given, warmupEpochs: 0, ...options })
    const consumed = options.tensorboard
      ? showProgress(updateReport(writeMetrics(events)), { stream: nowhere() })
      : events
    const [inSteps, between]: [number[], number[]] = [[], []]
    let [last, saved, atEnd, drawing, report] = [0, 0, 0, 0, 0]
    for await (const event of consumed) {
      const now = performance.now() / 1000
      if (event.type === 'samples') drawing = event.seconds
      if (event.type === 'checkpoint') [saved, atEnd] = [now, now - last - event.seconds]
      if (event.type === 'done') report = now - saved
      if (event.type !== 'step') continue
      // From the second step on, when everything is loaded.
      if (event.step > 1) {
        inSteps.push(event.seconds)
        between.push(now - last - event.seconds)
      }
      last = now
    }
    return { step: mean(inSteps), between: mean(between), atEnd, drawing, report }
  } finally {
    model.dispose()
    await rm(output, { recursive: true, force: true })
  }
}

/** A terminal that nobody looks at. */
const nowhere = () =>
  Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY: true, columns: 100 })

const [alone, all]: [Cost[], Cost[]] = [[], []]
for (let round = 0; round < rounds; round++) {
  alone.push(await run({}))
  all.push(await run({ tensorboard: true, samplesEveryEpochs: 1 }))
}

const of = (costs: readonly Cost[], what: keyof Cost) => median(costs.map((cost) => cost[what]))
const beyond = (what: keyof Cost) => of(all, what) - of(alone, what)
const step = of(alone, 'step')
const sheet = of(all, 'drawing')
const epochEnd = beyond('atEnd') - sheet
const stepsPerEpoch = Math.floor(data.length / BATCH)
const epochs = pretrainSchema.epochs?.default as number
/** On the command line, a sheet is drawn ten times in a run. */
const whole = epochs * (stepsPerEpoch * beyond('between') + epochEnd) + 10 * sheet
const stepsTime = epochs * stepsPerEpoch * step
const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(2)} ms`
const percent = (share: number) => `${(100 * share).toFixed(2)} %`
const ratios = all.map((cost, i) => (cost.step / (alone[i] as Cost).step).toFixed(3))
console.log(
  [
    `${preset}, ${steps} steps of ${BATCH}, medians of ${rounds} rounds`,
    `a step takes              ${milliseconds(step)}; beside consumers ${ratios.join(', ')} times as long`,
    `consumers, of each step   ${milliseconds(beyond('between'))}: ${percent(beyond('between') / step)} of it`,
    `at the end of an epoch    ${milliseconds(epochEnd)} and, where one is drawn, ${milliseconds(sheet)} for a sheet`,
    `in ${epochs} epochs of ${data.length} images, with 10 sheets: ${percent(whole / stepsTime)} of the steps' time`,
    `a report takes            ${milliseconds(beyond('report'))}; while a run goes on, at most 0.5 % of its time by its own rule`,
  ].join('\n'),
)
