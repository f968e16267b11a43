/** The option `tensorboard` of the three kinds of runs, and their sheets of samples. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { labelled } from '../../../lib/data/labels.js'
import { DalleTokenizer } from '../../../lib/tokenizers/dalle_tokenizer.js'
import type { PretrainEvent, RunEvent } from '../../../lib/train/events.js'
import { finetune } from '../../../lib/train/finetune.js'
import { pretrain } from '../../../lib/train/pretrain.js'
import { trainTokenizer } from '../../../lib/train/train_tokenizer.js'
import { rejects } from '../../support/errors.js'
import { curve, eventFiles, readEvents, type SummaryValue } from '../../support/event_file.js'
import { suite } from '../../support/suite.js'
import { temporary } from '../../support/temporary.js'
import {
  collect,
  digests,
  microImages,
  microModel,
  microRun,
  microTokenizer,
  timeless,
} from '../../train/micro.js'
import { microFinetune, stripes } from '../../train/micro_finetune.js'

const test = suite('runs in TensorBoard')

const valuesOf = (folder: string): (SummaryValue & { step: number })[] =>
  eventFiles(folder)
    .flatMap(readEvents)
    .flatMap(({ step, values }) => values.map((value) => ({ step, ...value })))

/** Values in the buckets of a histogram. */
const total = ({ tensor }: SummaryValue) =>
  (tensor?.numbers ?? []).reduce((sum, value, i) => (i % 3 === 2 ? sum + value : sum), 0)

const pointsOf = (events: readonly RunEvent[], field: string) =>
  events.flatMap((event) =>
    event.type === 'step' ? [[event.step, Math.fround((event as never)[field])]] : [],
  )

test('pre-training: curves, histograms and sheets, and not a bit of the run is another', async () => {
  const data = await microImages()
  const [plain, followed] = [temporary(), temporary()]
  const options = { epochs: 2, validation: data }
  const expected = await collect(pretrain({ ...(await microRun(plain, data)), ...options }))
  const events = await collect(
    pretrain({ ...(await microRun(followed, data)), ...options, tensorboard: true, samplesEveryEpochs: 1 }),
  )
  equal(await digests(followed), await digests(plain))
  const common = (all: readonly PretrainEvent[]) =>
    timeless(all.filter(({ type }) => ['step', 'epoch', 'evaluation'].includes(type)))
  equal(common(events), common(expected))
  equal(
    events.map((event) => (event.type === 'step' ? event.step : event.type)),
    [
      'start',
      ...[1, 2, 3, 'epoch', 'evaluation', 'samples', 'checkpoint'],
      ...[4, 5, 6, 'epoch', 'evaluation', 'samples', 'checkpoint'],
      'done',
    ],
  )
  const curves = { 'train/loss': 'loss', 'train/accuracy': 'accuracy', 'codebook/perplexity': 'perplexity' }
  for (const [tag, field] of Object.entries(curves)) equal(curve(followed, tag), pointsOf(events, field), tag)

  const values = valuesOf(followed)
  const tagged = (tag: string) => values.filter((value) => value.tag === tag)
  for (const step of [3, 6]) {
    const path = join(followed, 'samples', `step-0000000${step}.png`)
    ok(events.some((event) => event.type === 'samples' && event.path === path && event.step === step))
    equal(tagged('samples').find((value) => value.step === step)?.image?.png, readFileSync(path))
  }
  // 24 images of an epoch with 16 tokens each; only masked ones are counted.
  const masked = events.flatMap((event) => (event.type === 'epoch' ? [event.masked] : []))
  equal(tagged('codebook/tokens').map(total), masked)
  const { config } = await microModel()
  const sizes = { 'blocks.1.mlp.fc1.weight': 24 * 96, 'lm_head.weight': 24 * config.vocabSize }
  for (const [name, size] of Object.entries(sizes)) {
    equal(tagged(`weights/${name}`).map(total), [size, size])
    equal(tagged(`gradients/${name}`).map(total), [size, size])
  }
  is(tagged('weights/blocks.1.mlp.fc1.bias').length, 0)
})

test('a run stopped and resumed: one curve in two files, another setting than before is no other run', async () => {
  const data = await microImages()
  const output = temporary()
  const controller = new AbortController()
  const options = { ...(await microRun(output, data)), epochs: 2 }
  for await (const event of pretrain({ ...options, tensorboard: true, signal: controller.signal }))
    if (event.type === 'step' && event.step === 4) controller.abort()
  const folder = join(output, 'board')
  const model = await microModel()
  const resumed = { ...options, model, resume: 'auto', samplesEveryEpochs: 1 }
  const events = await collect(pretrain({ ...resumed, tensorboard: folder }))
  equal(
    curve(output, 'train/loss').map(([step]) => step),
    [1, 2, 3, 4],
  )
  equal(curve(folder, 'train/loss'), pointsOf(events, 'loss'))
  const settings = valuesOf(folder).find(({ tag }) => tag === 'run/settings')
  is(settings?.step, 4)
  match(settings?.tensor?.texts[0] as string, /\| settings\.epochs \| 2 \|/)
})

test('a tokenizer: its curves, its codebook, its reconstructions', async () => {
  const output = temporary()
  const options = { model: await microTokenizer(), data: await microImages(), output, threads: 1 }
  const events = await collect(
    trainTokenizer({ ...options, epochs: 1, batchSize: 8, tensorboard: true, samplesEveryEpochs: 1 }),
  )
  equal(curve(output, 'train/reconstruction'), pointsOf(events, 'reconstruction'))
  equal(curve(output, 'train/temperature'), pointsOf(events, 'temperature'))
  const codebook = events.find((event) => event.type === 'codebook')
  equal(curve(output, 'codebook/dead_codes'), [[3, codebook?.dead]])
  const values = valuesOf(output)
  ok(values.some(({ tag, image }) => tag === 'samples' && (image?.width ?? 0) > 100))
  is(total(values.find(({ tag }) => tag === 'codebook/tokens') as SummaryValue), 24 * 16)
  ok(existsSync(join(output, 'samples', 'step-00000003.png')))
})

test('fine-tuning: validation of both sets of weights, and no codebook', async () => {
  const output = temporary()
  const images = await labelled(await stripes())
  const options = { ...(await microFinetune(output, images)), epochs: 1, validation: images, ema: 0.5 }
  const events = await collect(finetune({ ...options, tensorboard: true }))
  equal(curve(output, 'train/accuracy'), pointsOf(events, 'accuracy'))
  const evaluation = events.find((event) => event.type === 'evaluation')
  const step = evaluation?.step as number
  equal(curve(output, 'validation/accuracy'), [[step, Math.fround(evaluation?.accuracy as number)]])
  equal(curve(output, 'validation_averaged/loss'), [[step, Math.fround(evaluation?.ema?.loss as number)]])
  const tags = new Set(valuesOf(output).map(({ tag }) => tag))
  ok(tags.has('weights/head.weight') && tags.has('gradients/patch_embed.proj.weight'))
  ok(![...tags].some((tag) => tag.startsWith('codebook')))
})

test('samples need a decoder, and are refused without one before the run', async () => {
  const data = await microImages()
  const tokenizer = Object.create(DalleTokenizer.prototype, {
    config: { value: { decoder: false } },
    device: { value: 'cpu' },
  })
  const options = { ...(await microRun(temporary(), data)), tokenizer, samplesEveryEpochs: 1 }
  await rejects(collect(pretrain(options)), 'ERR_INVALID_ARGUMENT', /samplesEveryEpochs .* has no decoder/)
})

test.run()
