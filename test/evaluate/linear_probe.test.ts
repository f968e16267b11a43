import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { labelled } from '../../lib/data/labels.js'
import { subset } from '../../lib/data/subset.js'
import { scope } from '../../lib/dispose.js'
import { cosineLearningRate, type LinearProbeResult, linearProbe } from '../../lib/evaluate/linear_probe.js'
import type { LinearProbeOptions } from '../../lib/evaluate/probe_options.js'
import type { ProbeProgress } from '../../lib/evaluate/probe_progress.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { CLASSES, probeFolder, probeImages, probeModel } from './probe_images.js'

const test = suite('linear probe')

/** Without weights and clock. */
function plain(result: LinearProbeResult) {
  const { weights, seconds, ...rest } = result
  return rest
}

/** Of block 0, epoch by epoch. */
const trainingLosses = ({ epochs }: Pick<LinearProbeResult, 'epochs'>) =>
  epochs.map(({ training }) => training[0]?.loss)

const run = (options: LinearProbeOptions) => scope(async () => plain(await linearProbe(options)))

async function setUp(options: Partial<LinearProbeOptions> = {}): Promise<LinearProbeOptions> {
  const [data, validation] = [await probeImages(16), await probeImages(8, 2)]
  return { model: await probeModel(), data, validation, epochs: 20, batchSize: 16, threads: 1, ...options }
}

test('learns classes that features tell apart, and reports every block and epoch', async () => {
  const seen: ProbeProgress[] = []
  const options = await setUp({ learningRate: 0.03, onProgress: (progress) => seen.push(progress) })
  const result = await run(options)
  assert.equal(result.classes, CLASSES)
  assert.equal(result.images, { training: 48, validation: 24 })
  assert.equal(
    result.layers.map(({ block }) => block),
    [0, 1, 2],
  )
  assert.ok(result.best.accuracy > 0.8, JSON.stringify(result.layers))
  assert.is(result.best.accuracy, Math.max(...result.layers.map(({ accuracy }) => accuracy)))
  assert.is(result.epochs.length, 20)
  assert.equal(result.layers, result.epochs.at(-1)?.validation)
  const losses = trainingLosses(result)
  assert.ok((losses[19] as number) < (losses[0] as number), losses.join())

  const features = seen.filter(({ type }) => type === 'features')
  assert.equal(features.at(-1), { type: 'features', set: 'validation', images: 24, of: 24 })
  assert.is(seen.filter(({ type }) => type === 'epoch').length, 20)
})

test('the learning rate falls as a cosine from epoch to epoch, to 0 after the last', async () => {
  assert.is(cosineLearningRate(4e-3, 0, 100), 4e-3)
  assert.is(cosineLearningRate(4e-3, 50, 100), 2e-3)
  const quarter = 4e-3 * (0.5 + Math.SQRT1_2 / 2)
  assert.ok(Math.abs(cosineLearningRate(4e-3, 25, 100) - quarter) < 1e-12)
  const { epochs } = await run(await setUp({ epochs: 4, learningRate: 1 }))
  const expected = [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2]
  epochs.forEach(({ learningRate }, i) => {
    assert.ok(Math.abs(learningRate - (expected[i] as number)) < 1e-12)
  })
})

test('gives the same for any number of loader threads, with features in memory or in a file', async () => {
  const one = await run(await setUp({ loaderThreads: 1, epochs: 3 }))
  const folder = temporary()
  const featureFile = join(folder, 'features')
  assert.equal(await run(await setUp({ loaderThreads: 4, prefetch: 1, featureFile, epochs: 3 })), one)
  assert.equal(readdirSync(folder), [])
  assert.not.equal(await run(await setUp({ epochs: 3, seed: 1 })), one)
})

test('blocks says which are probed; before learning the loss is that of chance', async () => {
  const all = await run(await setUp({ epochs: 3, learningRate: 0 }))
  const alone = await run(await setUp({ epochs: 3, learningRate: 0, blocks: [2] }))
  assert.equal(
    alone.layers.map(({ block }) => block),
    [2],
  )
  for (const { loss } of [...all.layers, ...alone.layers]) {
    assert.ok(Math.abs(loss - Math.log(3)) < 0.2, String(loss))
  }
})

test('augmented images differ from epoch to epoch, and depend on seed and epoch alone', async () => {
  const augmented = await setUp({ augment: true, epochs: 2, loaderThreads: 1, learningRate: 0 })
  const first = await run(augmented)
  assert.equal(first.images, { training: 48, validation: 24 })
  assert.equal(await run({ ...augmented, loaderThreads: 3 }), first)
  const [a, b] = trainingLosses(first)
  assert.is.not(a, b)
  // Without crops and flips each epoch sees the same images.
  const still = await run({ ...augmented, scale: [1, 1], ratio: [1, 1], flipProbability: 0 })
  const [c, d] = trainingLosses(still)
  assert.ok(Math.abs((c as number) - (d as number)) < 1e-6, `${c} and ${d}`)
})

test('the model stays as it is, and may be a classifier', async () => {
  const model = await BeitForImageClassification.create(
    { imageSize: 16, patchSize: 8, hiddenSize: 16, depth: 2, heads: 2, numClasses: 5 },
    { seed: 1 },
  )
  const weights = async () =>
    scope(async () => {
      const state = await model.stateDict()
      return Promise.all([...state.values()].map((tensor) => tensor.toTypedArray()))
    })
  const before = await weights()
  const { weights: trained } = await linearProbe(await setUp({ model, epochs: 1, pooling: 'mean' }))
  assert.equal(await weights(), before)
  assert.equal(trained.weight.shape, [2, 3, 16])
  assert.equal(trained.bias.shape, [2, 3])
})

test('a broken image is left out and named', async () => {
  const folder = probeFolder(16)
  writeFileSync(join(folder, 'green', '3.ppm'), 'P6\n20 20\n255\n')
  const options = await setUp({ data: await ImageFolder.open(folder), maxBrokenShare: 0.1, epochs: 1 })
  const result = await run(options)
  assert.equal(result.images, { training: 47, validation: 24 })
  assert.equal(
    result.broken.map(({ key }) => key),
    [join('green', '3.ppm')],
  )
  await rejects(run({ ...options, maxBrokenShare: 0 }), 'ERR_DATA', /cannot be read|broken/)
})

test('what does not fit is refused before anything is computed', async () => {
  const flat = temporary()
  writeFileSync(join(flat, 'a.ppm'), 'P6\n1 1\n255\n   ')
  const unlabelled = await ImageFolder.open(flat)
  const other = temporary()
  for (const name of ['left', 'right']) {
    mkdirSync(join(other, name))
    writeFileSync(join(other, name, 'a.ppm'), 'P6\n1 1\n255\n   ')
  }
  const progress: ProbeProgress[] = []
  const options = await setUp({ onProgress: (step) => progress.push(step) })
  const bad = (change: object, code: Parameters<typeof rejects>[1], message: RegExp) =>
    rejects(run({ ...options, ...change } as LinearProbeOptions), code, message)
  await bad({ data: unlabelled }, 'ERR_DATA', /label/)
  await bad({ validation: unlabelled }, 'ERR_DATA', /label|class/)
  await bad({ validation: await ImageFolder.open(other) }, 'ERR_DATA', /class/)
  const several = Object.fromEntries([0, 1].map((i) => [`${i}.ppm`, i === 0 ? ['a', 'b'] : ['b']]))
  const multi = temporary()
  for (const i of [0, 1]) writeFileSync(join(multi, `${i}.ppm`), 'P6\n1 1\n255\n   ')
  const many = await labelled(await ImageFolder.open(multi), { labels: several })
  await bad({ data: many }, 'ERR_DATA', /needs images of one class each/)
  const own = {
    ...{
      name: 'own',
      length: 48,
      fingerprint: 'x',
      classes: CLASSES,
      sample: (i: number) => options.data.sample(i),
    },
    ...{ targetKind: 'class', targets: (i: number) => (i === 5 ? 1.5 : i % 3) },
  }
  for (const set of ['data', 'validation']) {
    await bad({ [set]: own }, 'ERR_DATA', /has the label 1\.5, expected an integer from 0 to 2/)
  }
  const red = subset(options.data, [40, 41, 42])
  await bad({ data: red }, 'ERR_DATA', /of one class: a probe needs at least two/)
  await bad({ blocks: [0, 3] }, 'ERR_INVALID_ARGUMENT', /blocks must be different block numbers from 0 to 2/)
  await bad({ blocks: [1, 1] }, 'ERR_INVALID_ARGUMENT', /blocks/)
  await bad({ pooling: 'max' }, 'ERR_INVALID_ARGUMENT', /pooling must be one of cls, mean, concat/)
  await bad({ model: {} }, 'ERR_INVALID_ARGUMENT', /BeitForMaskedImageModeling/)
  await bad({ epoch: 3 }, 'ERR_INVALID_ARGUMENT', /did you mean 'epochs'/)
  await bad({ learningRate: -1 }, 'ERR_INVALID_ARGUMENT', /learningRate/)
  assert.equal(progress, [])
  await bad({ learningRate: 1e30, epochs: 3 }, 'ERR_NON_FINITE', /lower learningRate/)
})

test('an aborted signal ends it with its reason', async () => {
  const controller = new AbortController()
  const options = await setUp({
    epochs: 1000,
    signal: controller.signal,
    onProgress: (progress) => {
      if (progress.type === 'epoch' && progress.epoch === 2) controller.abort(new Error('enough'))
    },
  })
  let error: unknown
  await run(options).catch((reason) => {
    error = reason
  })
  assert.is((error as Error).message, 'enough')
})

test.run()
