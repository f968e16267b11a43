import { existsSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { EMA_FILE, MODEL_FILE } from '../../lib/checkpoint/run_checkpoint.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { labelled } from '../../lib/data/labels.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import type { Tensor } from '../../lib/tensor.js'
import { bestWeights } from '../../lib/train/best_weights.js'
import type { FinetuneEvaluationEvent, FinetuneEvent } from '../../lib/train/events.js'
import { finetune } from '../../lib/train/finetune.js'
import type { FinetuneOptions } from '../../lib/train/finetune_options.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect } from './micro.js'
import { CLASSES, labelsOf, microClassifier, microFinetune, PLAIN, stripes } from './micro_finetune.js'

const test = suite('finetune')

test('a run tells its classes, steps, epochs, evaluations and checkpoints in order', async () => {
  const data = await stripes()
  const output = join(temporary(), 'run')
  const events = await run(output, data, { epochs: 2, validation: data, ema: 0.9 })
  equal(
    events.map((event) => (event.type === 'step' ? event.step : event.type)),
    [
      'start',
      ...[1, 2, 3, 'epoch', 'evaluation', 'checkpoint'],
      ...[4, 5, 6, 'epoch', 'evaluation', 'checkpoint'],
      'done',
    ],
  )
  const [start] = events
  ok(start?.type === 'start')
  equal(
    start.classBalance.classes.map(({ name, images }) => [name, images]),
    CLASSES.map((name) => [name, 8]),
  )
  for (const event of evaluationsOf(events)) {
    is(event.images, 24)
    is(
      event.confusion.reduce((sum, [, , images]) => sum + images, 0),
      24,
    )
    const accuracy = event.ema?.accuracy ?? Number.NaN
    ok(accuracy >= 0 && accuracy <= 1)
  }
  equal(JSON.parse(JSON.stringify(events)), events)
  equal((await fs.readdir(join(output, 'checkpoints', 'step-00000006'))).sort(), [
    'manifest.json',
    'model.safetensors',
    'model_ema.safetensors',
    'state.json',
    'state.safetensors',
  ])
})

test('it learns to tell the classes apart, and the best checkpoint is that of the highest accuracy', async () => {
  const data = await stripes()
  const output = temporary()
  const events = await run(output, data, {
    ...PLAIN,
    model: await microClassifier({ dropPath: 0 }),
    epochs: 20,
    learningRate: 5e-3,
    layerDecay: null,
    validation: await stripes(4),
    keepCheckpoints: 1,
  })
  const evaluations = evaluationsOf(events)
  const accuracies = evaluations.map(({ accuracy }) => Number(accuracy))
  const highest = Math.max(...accuracies)
  ok(highest > 0.9, `${accuracies}`)
  const done = events.at(-1)
  ok(done?.type === 'done' && done.best !== null)
  const best = evaluations[accuracies.indexOf(highest)] as FinetuneEvaluationEvent
  equal([done.best.step, done.best.metric, done.best.value], [best.step, 'accuracy', highest])
  is(await bestWeights(output), join(done.best.checkpoint, MODEL_FILE))
  const kept = await fs.readdir(join(output, 'checkpoints'))
  equal(kept.sort(), [...new Set([best.step, 60])].map(folderOf).sort())

  const loaded = await BeitForImageClassification.load(join(done.best.checkpoint, MODEL_FILE))
  equal(loaded.labels, CLASSES)
})

test('validation images without a class: the best checkpoint is that of the lowest loss', async () => {
  const data = await stripes(4)
  const labels = Object.fromEntries(Array.from({ length: data.length }, (_, i) => [data.sample(i).key, []]))
  const validation = await labelled(data, { labels, classes: data.classes })
  const loss = 'binary-cross-entropy'
  const events = await run(temporary(), data, { ...PLAIN, loss, epochs: 2, validation })
  const losses = evaluationsOf(events).map((event) => event.loss)
  const done = events.at(-1)
  ok(done?.type === 'done')
  equal([done.best?.metric, done.best?.value], ['loss', Math.min(...losses)])
})

test('the average follows the weights: decay of itself and the rest of them, after every step', async () => {
  const data = await stripes(4)
  const [output, decay] = [temporary(), 0.75]
  const model = await microClassifier()
  const values = async () => valuesOf(model)
  let expected = await values()
  for await (const event of finetune({
    ...(await microFinetune(output, data)),
    model,
    ema: decay,
    maxSteps: 3,
  })) {
    if (event.type !== 'step') continue
    const now = await values()
    expected = expected.map((average, i) => decay * average + (1 - decay) * (now[i] as number))
  }
  const path = (await bestWeights(output)) as string
  match(path, new RegExp(`${EMA_FILE}$`))
  const averaged = await valuesOf(await BeitForImageClassification.load(path))
  const difference = Math.max(...averaged.map((value, i) => Math.abs(value - (expected[i] as number))))
  ok(difference < 1e-6, `${difference}`)
})

test('learning rates of the layers fall with their depth', async () => {
  // One AdamW step without decay moves every weight with a gradient above epsilon by the learning rate.
  const data = await stripes(4)
  const model = await microClassifier({ dropPath: 0 })
  const before = await model.stateDict()
  const was = await Promise.all([...before].map(async ([name, t]) => [name, await t.toFloat32()] as const))
  const options = {
    ...PLAIN,
    model,
    learningRate: 1e-3,
    warmupEpochs: 0,
    weightDecay: 0,
    layerDecay: 0.5,
    eps: 1e-15,
  }
  await run(temporary(), data, { ...options, maxSteps: 1, epochs: 1 })
  const after = await model.stateDict()
  for (const [name, old] of was) {
    if (name.endsWith('index')) continue
    const now = await (after.get(name) as Tensor).toFloat32()
    const moved = old.reduce((most, value, i) => Math.max(most, Math.abs(value - (now[i] as number))), 0)
    const block = /^blocks\.(\d)/.exec(name)?.[1]
    const scale = /^(cls_token|pos_embed|patch_embed)/.test(name)
      ? 0.5 ** 3
      : block === undefined
        ? 1
        : 0.5 ** (2 - Number(block))
    ok(moved <= 1e-3 * scale * 1.01 && moved > 1e-3 * scale * 0.9, `${name}: ${moved} for ${scale}`)
  }
})

test('layer decay is for weights that were loaded, unless it is given', async () => {
  const [data, made, file] = [await stripes(4), await microClassifier(), join(temporary(), 'm.safetensors')]
  await made.save(file)
  const loaded = await BeitForImageClassification.load(file)
  const inEffect = async (more: Partial<FinetuneOptions>) => {
    const output = temporary()
    await run(output, data, { ...more, epochs: 1, maxSteps: 1 })
    return JSON.parse(await fs.readFile(join(output, 'settings.json'), 'utf8')).settings.layerDecay
  }
  is(await inEffect({ model: made }), null)
  is(await inEffect({ model: loaded }), 0.65)
  is(await inEffect({ model: made, layerDecay: 0.75 }), 0.75)
  is(await inEffect({ model: loaded, layerDecay: null }), null)
})

test('repeated augmentation keeps the length of an epoch', async () => {
  const events = await run(temporary(), await stripes(), { repeats: 3, epochs: 1 })
  is(events.filter(({ type }) => type === 'step').length, 3)
})

test('a run that is refused leaves the model as it was, one that begins gives it the classes', async () => {
  const [output, data, model] = [temporary(), await stripes(4), await microClassifier()]
  await run(output, data, { epochs: 1, maxSteps: 1 })
  await rejects(run(output, data, { model }), 'ERR_OUTPUT_EXISTS', /holds a run/)
  is(model.labels, null)
  const mismatch = run(output, data, { model, resume: 'auto', mixup: 0 })
  await rejects(mismatch, 'ERR_CHECKPOINT_MISMATCH', /mixup/)
  is(model.labels, null)
  const fresh = temporary()
  await run(fresh, data, { model, epochs: 1, maxSteps: 1, ema: 0.5 })
  equal(model.labels, CLASSES)
  for (const file of [MODEL_FILE, EMA_FILE]) {
    const saved = join(fresh, 'checkpoints', folderOf(1), file)
    equal((await BeitForImageClassification.load(saved)).labels, CLASSES)
  }
})

test('wrong options and images without labels are refused before the output is made', async () => {
  const data = await stripes(4)
  const output = join(temporary(), 'run')
  const right = await microFinetune(output, data)
  const refused = (more: object, code: Parameters<typeof rejects>[1], message: RegExp) =>
    rejects(collect(finetune({ ...right, ...more } as FinetuneOptions)), code, message)

  await refused(
    { layerdecay: 1 },
    'ERR_INVALID_ARGUMENT',
    /no option 'layerdecay'; did you mean 'layerDecay'/,
  )
  await refused({ model: {} }, 'ERR_INVALID_ARGUMENT', /model must be a BeitForImageClassification/)
  await refused({ ema: 1 }, 'ERR_INVALID_ARGUMENT', /ema must be a number from 0 to/)
  await refused({ randAugment: 'augmix-m9' }, 'ERR_INVALID_ARGUMENT', /randAugment/)
  await refused({ loss: 'mse' }, 'ERR_INVALID_ARGUMENT', /loss must be one of cross-entropy/)
  await refused({ warmupEpochs: 11 }, 'ERR_INVALID_ARGUMENT', /warm-up/)
  const ten = { model: await microClassifier({ numClasses: 10 }) }
  await refused(ten, 'ERR_SHAPE_MISMATCH', /the model has 10 classes.* 3 .*across, plain, upright/s)
  const without = {
    name: 'flat',
    length: 12,
    classes: null,
    fingerprint: '',
    sample: (i: number) => ({ ...data.sample(i), label: null }),
  }
  await refused({ data: without }, 'ERR_DATA', /label/)
  await refused({ validation: without }, 'ERR_DATA', /label/)
  const beyond = {
    ...without,
    classes: [...CLASSES],
    sample: (i: number) => ({ ...data.sample(i), label: 3 }),
  }
  await refused({ data: beyond }, 'ERR_DATA', /3/)
  const own = { ...without, classes: [...CLASSES], targetKind: 'classes', targets: () => [-1] }
  for (const loss of ['binary-cross-entropy', 'cross-entropy']) {
    const message = /across\/00\.png has the label -1, expected an integer from 0 to 2/
    await refused({ data: own, loss }, 'ERR_DATA', message)
    await refused({ validation: own, loss }, 'ERR_DATA', message)
  }
  const weighted = (weights: object) =>
    labelled(data, {
      labels: labelsOf(data, (name) => (name === 'plain' ? weights : { [name]: 1 })),
      classes: CLASSES,
    })
  for (const [weights, message] of [
    [{ plain: 0 }, /the image plain\/00\.png has no class/],
    [{ plain: 1, across: 1, upright: 1 }, /the weights of the image plain\/00\.png sum to 3/],
    [{ plain: 0.998 }, /sum to 0\.998, .* 'binary-cross-entropy'/],
  ] as const) {
    await refused({ data: await weighted(weights) }, 'ERR_DATA', message)
    await refused({ validation: await weighted(weights) }, 'ERR_DATA', message)
  }
  await fs.mkdir(join(data.name, 'zebra'))
  const withEmpty = await ImageFolder.open(data.name)
  await refused({ data: withEmpty }, 'ERR_DATA', /no image in the class folder "zebra"/)
  await refused({ validation: withEmpty }, 'ERR_DATA', /no image in the class folder "zebra"/)
  is(existsSync(output), false)
})

test.run()

async function run(
  output: string,
  data: FinetuneOptions['data'],
  more: Partial<FinetuneOptions> = {},
): Promise<FinetuneEvent[]> {
  return collect(finetune({ ...(await microFinetune(output, data)), ...more }))
}

const evaluationsOf = (events: readonly FinetuneEvent[]) =>
  events.flatMap((event) => (event.type === 'evaluation' ? [event] : []))

const folderOf = (step: number) => `step-${String(step).padStart(8, '0')}`

/** All parameters, one after the other. */
async function valuesOf(model: BeitForImageClassification): Promise<number[]> {
  const names = (await model.parameterShapes()).map(({ name }) => name)
  const state = await model.stateDict()
  const parts = await Promise.all(names.map((name) => (state.get(name) as Tensor).toFloat32()))
  return parts.flatMap((part) => [...part])
}
