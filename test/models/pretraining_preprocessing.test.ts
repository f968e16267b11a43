/** The normalisation of pre-training goes with the weights, to classifiers, features and probes. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, not, ok } from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { extractFeatures } from '../../lib/evaluate/features/extract_features.js'
import { frozenPreprocessing } from '../../lib/evaluate/frozen_model.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { probeImages, probeModel } from '../evaluate/probe_images.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, microImages, microRun } from '../train/micro.js'

const test = suite('preprocessing of pre-trained weights')

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const
const OWN = { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] } as const
const UNSET = {
  normalization: null,
  mean: null,
  std: null,
  interpolation: null,
  cropShare: null,
  wholeImage: false,
}

/** What a classifier that begins from a file takes, and what is said about it. */
async function begun(path: string, options: object = {}) {
  using model = await BeitForImageClassification.load(path, { numClasses: 3, ...options })
  const { mean, std, interpolation } = model.preprocessing
  return { mean, std, interpolation, lines: model.loadReport?.lines.join('\n') ?? '' }
}

test('a checkpoint of pretrain() says it; an older one by the state.json beside it', async () => {
  const output = join(temporary(), 'run')
  const run = await microRun(output, await microImages())
  const images = { mean: [...OWN.mean], std: [...OWN.std], interpolation: 'lanczos' } as const
  const events = await collect(
    pretrain({
      ...run,
      ...images,
      mean: [0.1, 0.2, 0.3],
      std: [0.4, 0.5, 0.6],
      warmupEpochs: 0,
      maxSteps: 1,
    }),
  )
  const done = events.at(-1) as { type: 'done'; checkpoint: string }
  const path = join(done.checkpoint, 'model.safetensors')
  const own = await begun(path)
  equal([own.mean, own.std, own.interpolation], [OWN.mean, OWN.std, 'lanczos'])
  match(own.lines, /its images: mean 0\.1 0\.2 0\.3, std 0\.4 0\.5 0\.6, lanczos/)
  not.match(own.lines, /not known/)
  const told = await begun(path, { preprocessing: { mean: [0, 0, 0] } })
  equal([told.mean, told.std], [[0, 0, 0], OWN.std])
  using same = await BeitForMaskedImageModeling.load(path)
  equal([same.preprocessing?.mean, same.preprocessing?.std], [OWN.mean, OWN.std])

  const old = join(temporary(), 'old')
  mkdirSync(old)
  const { tensors, metadata } = await readSafetensors(path)
  const { preprocessing, ...rest } = metadata
  equal(JSON.parse(preprocessing as string).mean, OWN.mean)
  await writeSafetensors(join(old, 'model.safetensors'), tensors, rest)
  copyFileSync(join(done.checkpoint, 'state.json'), join(old, 'state.json'))
  const fromRun = await begun(join(old, 'model.safetensors'))
  equal([fromRun.mean, fromRun.std, fromRun.interpolation], [OWN.mean, OWN.std, 'lanczos'])
  match(fromRun.lines, /from its run: .*state\.json/)
  for (const other of ['no json', 'null', '[]', '{"kind": "finetune"}', '{"kind": "pretrain"}']) {
    writeFileSync(join(old, 'state.json'), other)
    const unknown = await begun(join(old, 'model.safetensors'))
    equal(unknown.mean, [0.5, 0.5, 0.5], other)
    match(unknown.lines, /not known: unless told, mean 0\.5 0\.5 0\.5/)
  }
  not.match((await begun(join(old, 'model.safetensors'), { preprocessing: OWN })).lines, /not known/)
})

test("transformers' preprocessor_config.json says it", async () => {
  const folder = temporary()
  const path = join(folder, 'model.safetensors')
  using model = await probeModel()
  model.preprocessing = { ...OWN, interpolation: 'bilinear', cropShare: 'whole' }
  await model.save(path, { naming: 'transformers' })
  equal(JSON.parse(readFileSync(join(folder, 'preprocessor_config.json'), 'utf8')).image_mean, OWN.mean)
  await writeSafetensors(path, (await readSafetensors(path)).tensors, {})
  using loaded = await BeitForMaskedImageModeling.load(path)
  equal(loaded.preprocessing, { ...OWN, interpolation: 'bilinear', cropShare: 'whole' })
  equal(frozenPreprocessing({ ...UNSET, model: loaded }), loaded.preprocessing)
  equal((await begun(path)).mean, OWN.mean)
  using copy = await loaded.to({ dtype: 'float64' })
  equal(copy.preprocessing, loaded.preprocessing)
})

test("frozen models take it, ImageNet's where it is not known, and options before both", async () => {
  using model = await probeModel()
  is(model.preprocessing, null)
  const taken = (options: object = {}) => frozenPreprocessing({ ...UNSET, model, ...options })
  equal([taken().mean, taken().std], [IMAGENET.mean, IMAGENET.std])
  equal(taken({ normalization: 'inception' }).mean, [0.5, 0.5, 0.5])
  model.preprocessing = OWN
  equal([taken().mean, taken().std], [OWN.mean, OWN.std])
  equal([taken({ mean: [0, 0, 0] }).mean, taken({ mean: [0, 0, 0] }).std], [[0, 0, 0], OWN.std])
  equal(taken({ normalization: 'imagenet' }).std, IMAGENET.std)
})

test('features without options are those of that normalisation', async () => {
  const data = await probeImages(1)
  using model = await probeModel()
  const features = async (options: object = {}) => {
    const output = join(temporary(), 'features.safetensors')
    await extractFeatures({ model, data, output, blocks: [1], ...options })
    const { tensors, metadata } = await readSafetensors(output)
    const [first] = [...tensors].filter(([name]) => name === 'block_1')
    return {
      values: [...((await first?.[1].toFloat32()) ?? [])],
      said: JSON.parse(metadata.preprocessing as string),
    }
  }
  const [imagenet, own] = [await features(IMAGENET), await features(OWN)]
  ok(imagenet.values.length > 0)
  not.equal(imagenet.values, own.values)
  const unset = await features()
  equal(unset.values, imagenet.values)
  equal(unset.said.mean, IMAGENET.mean)
  model.preprocessing = OWN
  equal((await features()).values, own.values)
})

test('the report of a file that does not say it names what is taken', async () => {
  const path = join(temporary(), 'model.safetensors')
  using model = await probeModel()
  await model.save(path)
  using loaded = await BeitForMaskedImageModeling.load(path)
  is(loaded.preprocessing, null)
  match(loaded.loadReport?.lines.join('\n') ?? '', /not known: unless told, mean 0\.485 .* std 0\.229/)
  using told = await BeitForMaskedImageModeling.load(path, { preprocessing: OWN })
  not.match(told.loadReport?.lines.join('\n') ?? '', /not known/)
  equal(told.preprocessing?.mean, OWN.mean)
})

test.run()
