/** Names of classes and preprocessing go with the weights, in every form and back. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { convertCheckpoint } from '../../lib/checkpoint/naming/convert.js'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('names and preprocessing of a classifier')

const SMALL = { imageSize: 32, patchSize: 16, hiddenSize: 24, depth: 1, heads: 3 } as const
const labels = ['cat', 'dog', 'crane "bird"']
const preprocessing = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  interpolation: 'bilinear',
  cropShare: 0.5,
} as const
const create = () => BeitForImageClassification.create(SMALL, { labels, preprocessing })
const writeJson = (path: string, value: object) => writeFileSync(path, JSON.stringify(value))
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'))

test('labels say how many classes there are', async () => {
  using model = await create()
  is(model.config.numClasses, 3)
  equal(model.labels, labels)
  equal(model.preprocessing, preprocessing)
})

test('defaults are those of the original', async () => {
  const share = async (imageSize: number) => {
    using model = await BeitForImageClassification.create({ ...SMALL, imageSize })
    is(model.labels, null)
    const { mean, std, interpolation, cropShare } = model.preprocessing
    equal([mean, std, interpolation], [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], 'bicubic'])
    return cropShare
  }
  equal([await share(32), await share(224), await share(384)], [1, 0.875, 1])
})

test('wrong names and preprocessing are refused before a model is made', async () => {
  const refused = (options: object, message: RegExp) =>
    rejects(BeitForImageClassification.create(SMALL, options), 'ERR_INVALID_ARGUMENT', message)
  await refused({ labels, numClasses: 4 }, /labels must be 4 names/)
  await refused({ labels: ['a', 'a'] }, /different names/)
  await refused({ labels: [] }, /labels/)
  await refused({ labels: ['a', ''] }, /labels/)
  await refused({ preprocessing: { mean: [0.5] } }, /mean must be an array of 3/)
  await refused({ preprocessing: { std: [1, 0, 1] } }, /std/)
  await refused({ preprocessing: { cropShare: 1.5 } }, /cropShare/)
  await refused({ preprocessing: { size: 3 } }, /mean, std, interpolation, cropShare/)
})

for (const name of ['model.safetensors', 'model.pth']) {
  for (const naming of ['unilm', 'timm', 'transformers'] as const) {
    // transformers takes a .bin file for a bare state dict.
    test(`they come back from ${name} with the names of ${naming}`, async () => {
      const path = join(temporary(), name)
      using model = await create()
      await model.save(path, { naming })
      using loaded = await BeitForImageClassification.load(path)
      equal(loaded.labels, labels)
      equal(loaded.preprocessing, preprocessing)
      ok(loaded.loadReport?.lines.includes('names of its 3 classes: cat, dog, crane "bird"'))
      ok(
        loaded.loadReport?.lines.some((line) =>
          /^its images: mean 0.485.*bilinear, the middle 0.5/.test(line),
        ),
      )
    })
  }
}

test("transformers' files say the same, and are read without this library's metadata", async () => {
  const folder = temporary()
  using model = await create()
  await model.save(join(folder, 'model.safetensors'), { naming: 'transformers' })
  equal(readJson(folder, 'config.json').id2label, { 0: 'cat', 1: 'dog', 2: 'crane "bird"' })
  equal(readJson(folder, 'config.json').label2id, { cat: 0, dog: 1, 'crane "bird"': 2 })
  const config = readJson(folder, 'preprocessor_config.json')
  equal(config.image_mean, preprocessing.mean)
  equal([config.size, config.crop_size], [{ shortest_edge: 64 }, { height: 32, width: 32 }])
  equal([config.resample, config.image_processor_type], [2, 'CLIPImageProcessor'])

  const path = join(folder, 'model.safetensors')
  await writeSafetensors(path, (await readSafetensors(path)).tensors, {})
  using loaded = await BeitForImageClassification.load(path)
  is(loaded.loadReport?.config, 'config.json')
  equal(loaded.labels, labels)
  equal(loaded.preprocessing, preprocessing)
})

test('the forms of preprocessor_config.json that were published', async () => {
  const folder = temporary()
  const path = join(folder, 'model.safetensors')
  using model = await create()
  await model.save(path, { naming: 'transformers' })
  await writeSafetensors(path, (await readSafetensors(path)).tensors, {})
  const read = async (config: object) => {
    writeJson(join(folder, 'preprocessor_config.json'), config)
    using loaded = await BeitForImageClassification.load(path)
    return { ...loaded.preprocessing, notes: loaded.loadReport?.lines.join('\n') ?? '' }
  }
  // As beit-base-patch16-224 has it: the whole image.
  const published = {
    do_resize: true,
    do_center_crop: false,
    size: 224,
    resample: 2,
    image_mean: [0.5, 0.5, 0.5],
  }
  const whole = await read(published)
  equal([whole.cropShare, whole.interpolation, whole.mean], ['whole', 'bilinear', [0.5, 0.5, 0.5]])
  const cut = await read({
    ...published,
    do_center_crop: true,
    size: { height: 256, width: 256 },
    crop_size: 224,
  })
  is(cut.cropShare, 0.875)
  match(cut.notes, /fixed height and width/)
  const edge = await read({
    size: { shortest_edge: 256 },
    do_center_crop: true,
    crop_size: { height: 224, width: 224 },
  })
  is(edge.cropShare, 0.875)
  const plain = await read({ do_normalize: false, image_mean: [9, 9, 9], resample: 0 })
  equal([plain.mean, plain.std, plain.interpolation], [[0, 0, 0], [1, 1, 1], 'bicubic'])
  match(plain.notes, /resample 0/)
  await rejects(read({ image_mean: 'x' }), 'ERR_FORMAT', /image_mean/)
  await rejects(read({ size: { height: -1 } }), 'ERR_FORMAT', /size/)
  await rejects(read({ image_std: [0, 1, 1] }), 'ERR_FORMAT', /std/)
})

test('ImageNet has two cranes: the second gets its id', async () => {
  const folder = temporary()
  const path = join(folder, 'model.safetensors')
  using model = await create()
  await model.save(path, { naming: 'transformers' })
  await writeSafetensors(path, (await readSafetensors(path)).tensors, {})
  const config = readJson(folder, 'config.json')
  writeJson(join(folder, 'config.json'), { ...config, id2label: { 0: 'crane', 1: 'dog', 2: 'crane' } })
  using loaded = await BeitForImageClassification.load(path)
  equal(loaded.labels, ['crane', 'dog', 'crane (2)'])
})

test('a new head has no names, another image size no crop share of the old', async () => {
  const path = join(temporary(), 'model.safetensors')
  {
    using model = await create()
    await model.save(path)
  }
  using other = await BeitForImageClassification.load(path, { numClasses: 5, imageSize: 224 })
  is(other.labels, null)
  equal(other.preprocessing, { ...preprocessing, cropShare: 0.875 })
  using same = await BeitForImageClassification.load(path, {
    labels: ['a', 'b', 'c'],
    preprocessing: { std: [1, 1, 1] },
  })
  equal(
    [same.labels, same.preprocessing.std, same.preprocessing.cropShare],
    [['a', 'b', 'c'], [1, 1, 1], 0.5],
  )
  using named = await BeitForImageClassification.load(path, { labels: ['a', 'b'] })
  is(named.config.numClasses, 2)
  equal(named.labels, ['a', 'b'])
  using copy = await same.to({ dtype: 'float64' })
  equal([copy.labels, copy.preprocessing], [same.labels, same.preprocessing])
})

test('a pre-trained model begins a classifier with names', async () => {
  const path = join(temporary(), 'model.safetensors')
  using model = await BeitForMaskedImageModeling.create({ ...SMALL, vocabSize: 8 })
  await model.save(path)
  using classifier = await BeitForImageClassification.load(path, { labels })
  equal([classifier.config.numClasses, classifier.labels], [3, labels])
})

test('converting carries them both ways', async () => {
  const folder = temporary()
  using model = await create()
  await model.save(join(folder, 'own.safetensors'))
  const hf = join(folder, 'model.safetensors')
  const report = await convertCheckpoint(join(folder, 'own.safetensors'), hf, { to: 'transformers' })
  equal(
    report.outputs,
    ['model.safetensors', 'config.json', 'preprocessor_config.json'].map((name) => join(folder, name)),
  )
  await writeSafetensors(hf, (await readSafetensors(hf)).tensors, {})
  await convertCheckpoint(hf, join(folder, 'back.pth'), { to: 'unilm' })
  using loaded = await BeitForImageClassification.load(join(folder, 'back.pth'))
  equal([loaded.labels, loaded.preprocessing], [labels, preprocessing])
})

test('metadata of another form are refused', async () => {
  const path = join(temporary(), 'model.safetensors')
  using model = await create()
  await model.save(path)
  const { tensors, metadata } = await readSafetensors(path)
  const refused = async (changed: Record<string, string>, message: RegExp) => {
    await writeSafetensors(path, tensors, { ...metadata, ...changed })
    await rejects(BeitForImageClassification.load(path), 'ERR_FORMAT', message)
  }
  await refused({ labels: '["a"' }, /labels in its metadata is not JSON/)
  await refused({ labels: '[1, 2, 3]' }, /array of names/)
  await refused({ labels: '["a", "b"]' }, /2 names for its 3 classes/)
  await refused({ preprocessing: '[]' }, /not an object/)
  await refused({ preprocessing: '{"cropShare": 7}' }, /cropShare/)
  await refused({ preprocessing: '{"__proto__": {}, "x": 1}' }, /preprocessing/)
})

test.run()
