import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { batches } from '../../lib/data/batches.js'
import type { ImageFolder } from '../../lib/data/image_folder.js'
import { maskSettings } from '../../lib/data/masks.js'
import { evaluationViews } from '../../lib/data/view_settings.js'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { PretrainEvaluationEvent, PretrainEvent, PretrainStepEvent } from '../../lib/train/events.js'
import { pretrain } from '../../lib/train/pretrain.js'
import type { PretrainOptions } from '../../lib/train/pretrain_options.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, microImages, microModel, microRun, microTokenizer } from './micro.js'

const test = suite('pretrain')

test('a run tells its steps, epochs, evaluations and checkpoints in order, and ends with done', async () => {
  const data = await microImages()
  const output = join(temporary(), 'run')
  const options = { ...(await microRun(output, data)), epochs: 2, validation: data, saveEverySteps: 2 }
  const events = await collect(pretrain(options))
  equal(
    events.map((event) => (event.type === 'step' ? event.step : event.type)),
    [
      'start',
      ...[1, 2, 'checkpoint', 3, 'epoch', 'evaluation', 'checkpoint'],
      ...[4, 'checkpoint', 5, 6, 'epoch', 'evaluation', 'checkpoint'],
      'done',
    ],
  )
  const [start] = events
  ok(start?.type === 'start')
  const { steps, stepsPerEpoch, epochs, batchSize, images, resumedFrom, resumedStep } = start
  equal([steps, stepsPerEpoch, epochs, batchSize, images], [6, 3, 2, 8, 26])
  equal([resumedFrom, resumedStep, start.output], [null, 0, output])
  is(start.parameters, await options.model.parameterCount())
  const done = events.at(-1)
  ok(done?.type === 'done')
  equal([done.reason, done.step, done.epoch, done.broken], ['finished', 6, 1, []])
  is(done.checkpoint, join(output, 'checkpoints', 'step-00000006'))
  equal(JSON.parse(JSON.stringify(events)), events)

  const written = JSON.parse(await fs.readFile(join(output, 'settings.json'), 'utf8'))
  equal(written, { runId: start.runId, ...start.config })
  is(written.settings.learningRate, 2e-3)
  equal((await fs.readdir(output)).sort(), ['checkpoints', 'settings.json'])
})

test('steps follow the schedules, and an epoch is the mean of its steps by masked tokens', async () => {
  const data = await microImages()
  const events = await collect(pretrain({ ...(await microRun(temporary(), data)), epochs: 2 }))
  const steps = stepsOf(events)
  // linspace(0, 0.002, 3), then half a cosine of 3 steps from 0.002 to 0.00001; weight decay: 6 steps from
  // 0.05 to 0.1.
  near(
    steps.map(({ learningRate }) => learningRate),
    [0, 0.001, 0.002, 0.002, 0.0015025, 0.0005075],
  )
  near(
    steps.map(({ weightDecay }) => weightDecay),
    [0, 1, 2, 3, 4, 5].map((i) => 0.075 - 0.025 * Math.cos((Math.PI * i) / 6)),
  )
  for (const { accuracy, masked, perplexity, gradientNorm, waiting, imagesPerSecond, seconds } of steps) {
    ok(
      Number.isInteger(Math.round(accuracy * masked * 1e6) / 1e6),
      'accuracy is a share of the masked tokens',
    )
    ok(masked > 0 && masked <= 8 * 6, 'at most 6 of 16 patches of 8 images')
    ok(perplexity > 2 && perplexity < 32, `${perplexity}`)
    ok(gradientNorm > 0 && waiting >= 0 && waiting <= 1)
    near([imagesPerSecond * seconds], [8])
  }
  const epochs = events.flatMap((event) => (event.type === 'epoch' ? [event] : []))
  for (const { epoch, loss, accuracy } of epochs) {
    const own = steps.filter((step) => step.epoch === epoch)
    const masked = own.reduce((sum, step) => sum + step.masked, 0)
    near([loss], [own.reduce((sum, step) => sum + step.loss * step.masked, 0) / masked])
    near([accuracy], [own.reduce((sum, step) => sum + step.accuracy * step.masked, 0) / masked])
  }
})

test('the loss falls below that of the untrained model, which guesses', async () => {
  const options = await microRun(temporary(), await microImages())
  const losses = stepsOf(await collect(pretrain({ ...options, epochs: 20 }))).map(({ loss }) => loss)
  ok(Math.abs((losses[0] as number) - Math.log(32)) < 0.2, `${losses[0]}`)
  ok((losses.at(-1) as number) < 2.8, `${losses.at(-1)}`)
})

test('an evaluation is that of the model: the same masks in every epoch and for every seed', async () => {
  const data = await microImages()
  const still = { learningRate: 0, minLearningRate: 0, epochs: 2, validation: data }
  const tokenizer = await microTokenizer()
  const evaluations: PretrainEvaluationEvent[] = []
  for (const seed of [0, 7]) {
    const options = { ...(await microRun(temporary(), data)), tokenizer, seed, ...still }
    for (const event of await collect(pretrain(options)))
      if (event.type === 'evaluation') evaluations.push(event)
  }
  is(evaluations.length, 4)
  const [first] = evaluations.map(({ epoch, step, ...numbers }) => numbers)
  for (const { epoch, step, ...numbers } of evaluations) equal(numbers, first)

  const expected = await evaluateByHand(await microModel(), tokenizer, data)
  near(
    [first?.loss, first?.accuracy, first?.baselineAccuracy, first?.perplexity].map(Number),
    [expected.loss, expected.accuracy, expected.baselineAccuracy, expected.perplexity],
    1e-5,
  )
  is(first?.images, 26)
})

test('maxSteps ends a run inside an epoch, and the schedules with it', async () => {
  const options = { ...(await microRun(temporary(), await microImages())), maxSteps: 4, warmupEpochs: 0 }
  const events = await collect(pretrain(options))
  equal(
    events.map(({ type }) => type),
    ['start', 'step', 'step', 'step', 'epoch', 'checkpoint', 'step', 'epoch', 'checkpoint', 'done'],
  )
  near(
    stepsOf(events).map(({ learningRate }) => learningRate),
    [0, 1, 2, 3].map((i) => 1e-5 + 0.5 * (2e-3 - 1e-5) * (1 + Math.cos((Math.PI * i) / 4))),
  )
})

test('the newest checkpoints are kept, and the one with the lowest loss', async () => {
  const output = temporary()
  const options = await microRun(output, await microImages())
  // A learning rate this high makes the loss rise again.
  const worse = { epochs: 5, learningRate: 1, warmupEpochs: 4, keepCheckpoints: 2 }
  const events = await collect(pretrain({ ...options, ...worse }))
  const losses = events.flatMap((event) => (event.type === 'epoch' ? [event.loss] : []))
  const best = 3 * (1 + losses.indexOf(Math.min(...losses)))
  ok(best < 12, `${losses}`)
  equal(
    (await fs.readdir(join(output, 'checkpoints'))).sort(),
    [best, 12, 15].map((step) => `step-${String(step).padStart(8, '0')}`),
  )
})

test('the model of a checkpoint is loaded by itself', async () => {
  const output = temporary()
  const options = { ...(await microRun(output, await microImages())), epochs: 1 }
  await collect(pretrain(options))
  const path = join(output, 'checkpoints', 'step-00000003', 'model.safetensors')
  const loaded = await BeitForMaskedImageModeling.load(path)
  equal(loaded.config, options.model.config)
  const trained = await options.model.stateDict()
  for (const [name, tensor] of await loaded.stateDict()) {
    equal(await tensor.toTypedArray(), await (trained.get(name) as Tensor).toTypedArray())
  }
})

test('wrong options are refused before the output is made', async () => {
  const data = await microImages()
  const output = join(temporary(), 'run')
  const right = await microRun(output, data)
  const refused = (more: object, code: Parameters<typeof rejects>[1], message: RegExp) =>
    rejects(collect(pretrain({ ...right, ...more } as PretrainOptions)), code, message)

  await refused(
    { learningrate: 1 },
    'ERR_INVALID_ARGUMENT',
    /no option 'learningrate'; did you mean 'learningRate'/,
  )
  await refused({ batchSize: 0 }, 'ERR_INVALID_ARGUMENT', /batchSize must be an integer of at least 1, got 0/)
  await refused({ threads: 100_000 }, 'ERR_INVALID_ARGUMENT', /threads must be an integer from 1 to \d+, got/)
  await refused({ prefetch: 1025 }, 'ERR_INVALID_ARGUMENT', /prefetch must be an integer from 1 to 1024, got/)
  await refused({ model: {} }, 'ERR_INVALID_ARGUMENT', /model must be a BeitForMaskedImageModeling/)
  await refused({ data: [] }, 'ERR_INVALID_ARGUMENT', /data must be an image source/)
  await refused({ precision: 'fp16' }, 'ERR_INVALID_ARGUMENT', /must be one of fp32, bf16/)
  await refused({ warmupEpochs: 11 }, 'ERR_INVALID_ARGUMENT', /warm-up has 33 steps, the whole run 30/)
  await refused(
    { minLearningRate: 1 },
    'ERR_INVALID_ARGUMENT',
    /minLearningRate 1 is above learningRate 0.002/,
  )
  await refused({ scale: [1, 0.5] }, 'ERR_INVALID_ARGUMENT', /scale must be \[from, to\]/)
  await refused({ maskPatches: 17 }, 'ERR_INVALID_ARGUMENT', /patches must be .* 1 to the 16 patches/)
  await refused(
    { maskPatches: 1, minMaskPatchesPerBlock: 16 },
    'ERR_INVALID_ARGUMENT',
    /images without a mask/,
  )
  await refused({ batchSize: 27 }, 'ERR_DATA', /26 images do not fill one step of batchSize 27/)
  await refused({ batchSize: 9, accumulate: 3 }, 'ERR_DATA', /batchSize 9 \* accumulate 3/)
  await refused({ output: '' }, 'ERR_INVALID_ARGUMENT', /output must be a string/)
  const vocab = { tokenizer: await microTokenizer({ vocabSize: 48 }) }
  await refused(vocab, 'ERR_SHAPE_MISMATCH', /the model predicts 32 tokens, but the tokenizer has 48/)
  const empty = { name: 'none', length: 0, classes: null, fingerprint: '', sample: () => data.sample(0) }
  await refused({ data: empty }, 'ERR_DATA', /^0 images do not fill one step/)
  await refused({ validation: empty }, 'ERR_DATA', /no validation images in none/)
  is(existsSync(output), false)
})

test('an output that holds another run is refused', async () => {
  const output = temporary()
  const data = await microImages()
  await collect(pretrain({ ...(await microRun(output, data)), maxSteps: 1, warmupEpochs: 0 }))
  const second = collect(pretrain(await microRun(output, data)))
  await rejects(
    second,
    'ERR_OUTPUT_EXISTS',
    /holds a run whose newest checkpoint is of step 1: give resume: 'auto'/,
  )
})

test('validation images that cannot be read are counted by each evaluation and named at the end', async () => {
  const [data, validation] = [await microImages(), await microImages()]
  await fs.writeFile(data.sample(2).path, 'no image')
  await fs.writeFile(validation.sample(3).path, 'no image')
  const run = await microRun(temporary(), data)
  const events = await collect(
    pretrain({ ...run, epochs: 2, batchSize: 13, validation, maxBrokenShare: 0.05 }),
  )
  const evaluations = events.flatMap((event) => (event.type === 'evaluation' ? [event] : []))
  equal(
    evaluations.map(({ images, broken }) => [images, broken]),
    [
      [25, 1],
      [25, 1],
    ],
  )
  const done = events.at(-1)
  ok(done?.type === 'done')
  equal(
    done.broken.map(({ path }) => path),
    [data.sample(2).path, validation.sample(3).path],
  )
})

test('images that cannot be read are left out and told, too many end the run', async () => {
  const data = await microImages()
  const broken = data.sample(3).path
  await fs.writeFile(broken, 'no image')
  const run = await microRun(temporary(), data)
  const done = (await collect(pretrain({ ...run, epochs: 1, batchSize: 13, accumulate: 2 }))).at(-1)
  ok(done?.type === 'done')
  equal(
    done.broken.map(({ path }) => path),
    [broken],
  )
  for (let i = 4; i < 9; i++) await fs.writeFile(data.sample(i).path, 'no image')
  const output = temporary()
  const many = collect(
    pretrain({ ...(await microRun(output, data)), epochs: 1, batchSize: 13, accumulate: 2 }),
  )
  await rejects(many, 'ERR_DATA', /cannot be read|broken/)
  equal((await fs.readdir(output)).sort(), ['checkpoints', 'settings.json'])
})

test.run()

const stepsOf = (events: readonly PretrainEvent[]) =>
  events.filter((event): event is PretrainStepEvent => event.type === 'step')

function near(actual: readonly number[], expected: readonly number[], tolerance = 1e-9): void {
  is(actual.length, expected.length)
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs((actual[i] as number) - value)
    ok(difference <= tolerance * Math.max(1e-3, Math.abs(value)), `[${i}]: ${actual[i]}, expected ${value}`)
  }
}

/** Evaluation through the models' public calls, image by image. */
async function evaluateByHand(
  model: BeitForMaskedImageModeling,
  tokenizer: Awaited<ReturnType<typeof microTokenizer>>,
  data: ImageFolder,
) {
  const needs = { imageSize: [32, 32], tokenImageSize: [16, 16], maskGrid: [4, 4] } as const
  const views = evaluationViews(needs, { mask: maskSettings([4, 4]), seed: 0 })
  const counts = new Array<number>(32).fill(0)
  let [loss, correct, masked] = [0, 0, 0]
  for await (const batch of batches(data, { views, batchSize: 1, epochs: 1, shuffle: false })) {
    await scope(async () => {
      const normalized = await normalize(batch.pixels, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
      const logits = await (await model.forward(normalized, { mask: batch.mask })).toFloat32()
      const tokens = await tokenizer.encode(
        await normalize(batch.tokenPixels as Tensor, [0, 0, 0], [1, 1, 1]),
      )
      const ids = await tokens.toTypedArray()
      const mask = await (batch.mask as Tensor).toTypedArray()
      const targets = [...mask].flatMap((set, i) => (set ? [Number(ids[i])] : []))
      for (const [row, target] of targets.entries()) {
        const own = [...logits.subarray(row * 32, row * 32 + 32)]
        loss += Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0)) - (own[target] as number)
        correct += own.indexOf(Math.max(...own)) === target ? 1 : 0
        counts[target] = (counts[target] as number) + 1
        masked++
      }
    })
    batch.dispose()
  }
  const entropy = counts.reduce((sum, n) => (n === 0 ? sum : sum - (n / masked) * Math.log(n / masked)), 0)
  return {
    loss: loss / masked,
    accuracy: correct / masked,
    baselineAccuracy: Math.max(...counts) / masked,
    perplexity: Math.exp(entropy),
  }
}

/** uint8 (B, 3, H, W) to (x / 255 - mean) / std. */
async function normalize(pixels: Tensor, mean: number[], std: number[]): Promise<Tensor> {
  const plane = (pixels.shape[2] as number) * (pixels.shape[3] as number)
  const values = Float32Array.from(await pixels.toTypedArray(), Number)
  return Tensor.from(
    values.map((x, i) => {
      const channel = Math.floor(i / plane) % 3
      return (x / 255 - (mean[channel] as number)) / (std[channel] as number)
    }),
    pixels.shape,
  )
}
