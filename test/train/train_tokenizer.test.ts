import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import type { ImageFolder } from '../../lib/data/image_folder.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import type { TokenizerEvent } from '../../lib/train/events.js'
import { pretrain } from '../../lib/train/pretrain.js'
import type { TokenizerOptions } from '../../lib/train/tokenizer_options.js'
import { trainTokenizer } from '../../lib/train/train_tokenizer.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, digests, microImages, microRun, microTokenizer, timeless } from './micro.js'

const test = suite('train tokenizer')

test('a run tells steps, codebook, epochs, evaluations and checkpoints in order', async () => {
  const data = await microImages()
  const output = temporary()
  const events = await run(output, data, { epochs: 2, codebookEverySteps: 4, validation: data })
  equal(
    events.map((event) => (event.type === 'step' ? event.step : event.type)),
    [
      'start',
      ...[1, 2, 3, 'codebook', 'epoch', 'evaluation', 'checkpoint'],
      ...[4, 5, 6, 'codebook', 'epoch', 'evaluation', 'checkpoint'],
      'done',
    ],
  )
  for (const event of events) {
    if (event.type === 'codebook') {
      is(event.interval, 3)
      near(event.usage, 1 - event.dead / 32)
      ok(event.perplexity >= 1 && event.perplexity <= 32 - event.dead + 1e-9, `${event.perplexity}`)
    }
    if (event.type === 'step') near(event.loss, event.reconstruction + event.klWeight * event.kl, 1e-5)
    if (event.type === 'evaluation') is(event.images, 26)
  }
  const path = join(output, 'checkpoints', 'step-00000006', 'model.safetensors')
  is((await ConvDiscreteVae.load(path)).vocabSize, 32)
})

test('temperature and KL weight follow their cosines', async () => {
  const schedule = { temperature: 2, temperatureEnd: 0.5, temperatureSteps: 4, klWeight: 3, klWarmupSteps: 2 }
  const steps = stepsOf(await run(temporary(), await microImages(), { epochs: 2, ...schedule }))
  for (const [i, { temperature, klWeight }] of steps.entries()) {
    near(temperature, i < 4 ? 0.5 + 0.75 * (1 + Math.cos((Math.PI * i) / 4)) : 0.5)
    // 3 over the values of an image, 3 * 16 * 16; half of it at the second step.
    near(klWeight, ([0, 0.5][i] ?? 1) * (3 / 768))
  }
})

test('with a rate the temperature falls exponentially, to its end', async () => {
  const schedule = { temperature: 2, temperatureEnd: 0.5, temperatureRate: 0.5 }
  const steps = stepsOf(await run(temporary(), await microImages(), { epochs: 2, ...schedule }))
  // 2 e^(-step / 2) is below 0.5 from step 3 on.
  const expected = [2, 2 * Math.exp(-0.5), 2 * Math.exp(-1), 0.5, 0.5, 0.5]
  is(steps.length, 6)
  for (const [i, { temperature }] of steps.entries()) near(temperature, expected[i] as number)
})

test('the reconstruction improves', async () => {
  const events = await run(temporary(), await microImages(), { epochs: 25, learningRate: 1e-2 })
  const epochs = events.flatMap((event) => (event.type === 'epoch' ? [event.reconstruction] : []))
  ok((epochs.at(-1) as number) < 0.85 * (epochs[0] as number), `${epochs[0]} to ${epochs.at(-1)}`)
})

test('a stopped run ends with the same bits, Gumbel noise and codebook counts included', async () => {
  const data = await microImages()
  const more = { epochs: 4, codebookEverySteps: 5, klWeight: 1, straightThrough: true }
  const whole = temporary()
  const expected = (await run(whole, data, more)).filter(isProgress)
  for (const stop of [1, 4, 6, 11]) {
    const output = temporary()
    const controller = new AbortController()
    const before: TokenizerEvent[] = []
    const options = { ...(await tokenizerRun(output, data)), ...more, signal: controller.signal }
    for await (const event of trainTokenizer(options)) {
      before.push(event)
      if (event.type === 'step' && event.step === stop) controller.abort()
    }
    const after = await run(output, data, { ...more, resume: 'auto', loaderThreads: 3 })
    equal(await digests(output), await digests(whole), `stopped at ${stop}`)
    equal(timeless([...before, ...after].filter(isProgress)), timeless(expected), `stopped at ${stop}`)
  }
})

test('smooth-l1 and logit-laplace are trained too, the latter with a decoder of 6 channels', async () => {
  const data = await microImages()
  const smooth = stepsOf(await run(temporary(), data, { epochs: 1, reconstruction: 'smooth-l1' }))
  ok(smooth.every(({ loss }) => Number.isFinite(loss)))
  const model = await microTokenizer({ outputChannels: 6 })
  const laplace = stepsOf(await run(temporary(), data, { epochs: 1, reconstruction: 'logit-laplace', model }))
  ok(laplace.every(({ loss }) => Number.isFinite(loss)))
  await rejects(
    run(temporary(), data, { reconstruction: 'logit-laplace' }),
    'ERR_SHAPE_MISMATCH',
    /'logit-laplace' needs a decoder of 6 channels, the model has 3/,
  )
})

test('wrong options are refused before the output is made', async () => {
  const data = await microImages()
  const output = join(temporary(), 'run')
  const refused = (more: object, message: RegExp) =>
    rejects(run(output, data, more), 'ERR_INVALID_ARGUMENT', message)
  await refused({ tokenizer: {} }, /no option 'tokenizer'/)
  await refused({ model: {} }, /model must be a ConvDiscreteVae/)
  const { model } = await microRun(output, data)
  await refused(
    { model: Object.assign(model, { vocabSize: 32, decode() {} }) },
    /model must be a ConvDiscreteVae/,
  )
  await refused({ temperature: 0 }, /temperature must be a number of at least 0.001, got 0/)
  await refused(
    { temperatureRate: 1e-6, temperatureSteps: 9 },
    /temperatureSteps .* temperatureRate .*give one/,
  )
  await refused({ klWarmupSteps: 0 }, /klWarmupSteps must be an integer of at least 1/)
  is(existsSync(output), false)
})

test('a run of the other kind is not gone on with', async () => {
  const data = await microImages()
  const output = temporary()
  await run(output, data, { maxSteps: 1 })
  const other = collect(pretrain({ ...(await microRun(output, data)), resume: 'auto' }))
  await rejects(
    other,
    'ERR_CHECKPOINT_MISMATCH',
    /is of a run of kind 'tokenizer', this one is of kind 'pretrain'/,
  )
})

test.run()

/** 3 steps an epoch. */
async function tokenizerRun(output: string, data: ImageFolder): Promise<TokenizerOptions> {
  const model = await microTokenizer()
  return { model, data, output, epochs: 10, batchSize: 4, accumulate: 2, threads: 1, loaderThreads: 1 }
}

async function run(
  output: string,
  data: ImageFolder,
  more: Partial<TokenizerOptions> = {},
): Promise<TokenizerEvent[]> {
  return collect(trainTokenizer({ ...(await tokenizerRun(output, data)), ...more }))
}

const stepsOf = (events: readonly TokenizerEvent[]) =>
  events.flatMap((event) => (event.type === 'step' ? [event] : []))

const isProgress = ({ type }: TokenizerEvent) => type === 'step' || type === 'epoch' || type === 'codebook'

function near(actual: number, expected: number, tolerance = 1e-9): void {
  ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual}, expected ${expected}`,
  )
}
