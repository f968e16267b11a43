import { join } from 'node:path'
import { inspect } from 'node:util'
import { equal, is, match, not, ok } from 'uvu/assert'
import { native } from '../lib/binding.js'
import {
  BeitForImageClassification,
  BeitForMaskedImageModeling,
  ConvDiscreteVae,
  ImageClassification,
  ImageFolder,
  labelled,
  MaskedImageModeling,
  openCheckpoint,
  Tensor,
  visualize,
  WebDataset,
} from '../lib/index.js'
import { folderOf, imageFiles, shardsOf } from './support/image_sets.js'
import { SMALL } from './support/small_beit.js'
import { suite } from './support/suite.js'
import { temporary } from './support/temporary.js'

const test = suite('inspect')

const TRAINING = { betas: [0.9, 0.98], eps: 1e-8, clipGradient: 3, precision: 'fp32', seed: 0 } as const

test('a small tensor is shown whole, in its shape', () => {
  const shown = (...from: Parameters<typeof Tensor.from>) => inspect(Tensor.from(...from))
  is(
    shown([
      [1, 2, 3],
      [4, 5.5, -1 / 3],
    ]),
    'Tensor(float32[2, 3], cpu) [ [ 1, 2, 3 ], [ 4, 5.5, -0.3333 ] ]',
  )
  is(shown([[true, false]], undefined, { dtype: 'bool' }), 'Tensor(bool[1, 2], cpu) [ [ true, false ] ]')
  is(shown([7, 2 ** 53], [2], { dtype: 'int64' }), 'Tensor(int64[2], cpu) [ 7, 9007199254740992n ]')
  is(shown(2.5, []), 'Tensor(float32[], cpu) 2.5')
  is(shown(new Float64Array(0), [0, 3]), 'Tensor(float64[0, 3], cpu) []')
  is(shown([NaN, Infinity, -Infinity]), 'Tensor(float32[3], cpu) [ NaN, Infinity, -Infinity ]')
  is(shown(Int8Array.of(-128, 127)), 'Tensor(int8[2], cpu) [ -128, 127 ]')
})

test('of a large tensor the first values are shown', () => {
  const large = Tensor.from(
    Float32Array.from({ length: 300 }, (_, i) => i / 4),
    [3, 100],
  )
  match(inspect(large, { breakLength: 200 }), 'Tensor(float32[3, 100], cpu) [')
  equal(
    inspect(large)
      .match(/[\d.]+(?=,)/g)
      ?.slice(0, 8),
    ['3', ...'0 0.25 0.5 0.75 1 1.25 1.5'.split(' ')],
  )
  match(inspect(large), /1\.75,\s+\.\.\. 292 more items\s+\]$/)
})

test('float16 and bfloat16 are shown as the numbers they stand for', async () => {
  const numbers = [0, -0.5, 1, 3, 65504, 2 ** -24, 2 ** -14, Infinity, -Infinity, NaN]
  for (const dtype of ['float16', 'bfloat16'] as const) {
    const tensor = await Tensor.from(numbers).to({ dtype })
    const expected = Array.from(await tensor.toFloat32(), (x) =>
      Number.isInteger(x) ? x : Number(x.toPrecision(4)),
    )
    is(inspect(tensor), `Tensor(${dtype}[10], cpu) ${inspect(expected)}`)
  }
})

test('values stand in row-major order, whatever the strides, as they are at this moment', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  const state = await model.stateDict()
  for (const [name, live] of state) {
    const [first] = await live.toTypedArray()
    const shown = Number(inspect(live, { depth: 10 }).match(/cpu\) [[\s]*(-?[\d.e-]+)/)?.[1])
    ok(Math.abs(shown - Number(first)) <= 5e-4 * Math.abs(Number(first)), name)
  }
  const bias = state.get('blocks.0.mlp.fc1.bias') as Tensor
  match(inspect(bias), ' [ 0, 0,')
  await model.loadStateDict(
    new Map([['blocks.0.mlp.fc1.bias', Tensor.from(new Float32Array(96).fill(0.25))]]),
    { strict: false },
  )
  match(inspect(bias), /\[\s+0\.25,\s+0\.25,/)

  // (2, 3) with the strides of its transpose: a view of a file.
  const folder = temporary()
  const path = join(folder, 'numbers')
  await native().piecesToFile(path, [{ bytes: new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer) }])
  const range = { offset: 0, byteLength: 24, crc32: null }
  const view = { name: 'x', range: 0, dtype: 'float32', shape: [2, 2], strides: [1, 2], offset: 1 } as const
  const [handle] = await native().storagesFromFile(path, [range], [view], 'cpu')
  is(inspect(new Tensor(handle as never)), 'Tensor(float32[2, 2], cpu) [ [ 2, 4 ], [ 3, 5 ] ]')
})

test('depth and colours are those asked for', () => {
  const matrix = Tensor.from([[1, 2]])
  is(inspect(matrix, { depth: 0 }), 'Tensor(float32[1, 2], cpu) [ [Array] ]')
  is(inspect({ a: { b: matrix } }, { depth: 0 }), '{ a: [Object] }')
  is(inspect({ a: matrix }, { depth: 0 }), '{ a: [Tensor] }')
  is(
    inspect(matrix, { colors: true }),
    'Tensor(float32[1, 2], cpu) [ [ \x1b[33m1\x1b[39m, \x1b[33m2\x1b[39m ] ]',
  )
})

test('a model shows a table of its parts, alone; in another object one line', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  const title =
    'BeitForMaskedImageModeling(image 32x48, patch 16, grid 2x3, hidden 24, depth 2, heads 3, vocab 10, float32, cpu)'
  const shown = inspect(model)
  is(shown, await model.summary())
  const lines = shown.split('\n')
  is(lines[0], title)
  match(lines[1] as string, /^part +shape +parameters +share$/)
  match(shown, /^cls_token +\[1, 1, 24\] +24 /m)
  match(shown, /^patch_embed\.proj +\[24, 3, 16, 16\] +18,456 /m)
  match(shown, /^blocks\.1 +\d+ tensors +/m)
  const total = (await model.parameterCount()).toLocaleString('en-US')
  match(shown, new RegExp(`^total +\\d+ tensors +${total}$`, 'm'))
  is(inspect({ model }), `{\n  model: ${title}\n}`)
  is(inspect({ model }, { depth: 0 }), '{ model: [BeitForMaskedImageModeling] }')

  const tensors = [...(await model.stateDict()).keys()]
  for (const depth of [3, Infinity, null]) {
    const rows = inspect(model, { depth }).split('\n').slice(3)
    equal(
      rows.slice(0, tensors.length).map((row) => row.split(' ')[0]),
      tensors,
    )
  }
  const coloured = inspect(model, { colors: true }).replaceAll('\x1b', 'ESC')
  match(coloured, /ESC\[36m\[1, 1, 24\] *ESC\[39m {2}ESC\[33m +24ESC\[39m/)
})

test('tokenizers, trainers, objectives and steps say what they are', async () => {
  const tokenizer = await ConvDiscreteVae.create({
    imageSize: 32,
    layers: 2,
    vocabSize: 10,
    codebookDim: 8,
    hiddenSize: 8,
  })
  match(
    inspect(tokenizer),
    /^ConvDiscreteVae\(stride 4, vocab 10, codebook 8, hidden 8, float32, cpu\)\npart/,
  )
  const model = await BeitForMaskedImageModeling.create({ ...SMALL, imageSize: 32 })
  const objective = new MaskedImageModeling({ model, tokenizer: null })
  match(
    inspect(objective),
    /^MaskedImageModeling \{\s+model: BeitForMaskedImageModeling\(.*\),\s+tokenizer: null,/,
  )
  const trainer = await objective.createTrainer(TRAINING)
  is(inspect(trainer), 'Trainer(masked_image_modeling, fp32, betas 0.9 0.98, clip 3)')
  const batch = {
    pixels: Tensor.from(new Uint8Array(3 * 32 * 32), [1, 3, 32, 32]),
    mask: Tensor.from([[1, 0, 0, 0]], [1, 4], { dtype: 'bool' }),
    tokens: Tensor.from([1, 2, 3, 4], [1, 4], { dtype: 'int64' }),
  }
  const step = await trainer.beginStep([batch], { learningRate: 0, weightDecay: 0 })
  is(inspect(step), 'PendingStep(result not taken yet)')
  await step.result()
  is(inspect(step), 'PendingStep(result taken)')
  const classifier = await BeitForImageClassification.create({ ...SMALL, numClasses: 3 })
  match(inspect(new ImageClassification({ model: classifier })), "loss: 'cross-entropy'")

  const handles = [model, tokenizer, trainer, classifier, batch.pixels]
  for (const handle of handles) handle.dispose()
  for (const handle of handles) {
    for (const depth of [0, 2, 3, null]) match(inspect(handle, { depth }), /^\w+\(.*, disposed\)$/)
    match(inspect({ handle }), ', disposed)')
  }
})

test('data sets show what they are, and not their images', async () => {
  const files = await imageFiles(2)
  const [a, b] = [...files.values()] as [Buffer, Buffer]
  const folder = folderOf(
    new Map([
      ['hen/a.png', a],
      ['owl/b.jpg', b],
    ]),
  )
  const data = await ImageFolder.open(folder)
  is(
    inspect(data, { breakLength: 400 }),
    `ImageFolder { name: '${folder}', length: 2, classes: [ 'hen', 'owl' ] }`,
  )
  is(
    inspect(data, { depth: 0, breakLength: 400 }),
    `ImageFolder { name: '${folder}', length: 2, classes: [Array] }`,
  )
  const shown = inspect(await labelled(data), { breakLength: 400 })
  is(shown, `LabelledImages { name: '${folder}', length: 2, targetKind: 'class', classes: [ 'hen', 'owl' ] }`)

  const shards = shardsOf(files, 2)
  is(
    inspect(await WebDataset.open(shards), { breakLength: 400 }),
    `WebDataset { name: '${shards}', shards: 2, length: 2, classes: null, withoutImage: 0 }`,
  )
})

test('checkpoints and pictures show what they are, and not their bytes', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  const path = join(temporary(), 'model.pth')
  await model.save(path)
  const file = await openCheckpoint(path)
  const shown = inspect(file, { breakLength: 400 })
  match(
    shown,
    `CheckpointFile { path: '${path}', format: 'pytorch', container: 'zip', picked: 'model', tensors: `,
  )
  ok(shown.length < 400, shown)
  match(
    inspect(file, { depth: 3 }),
    /'cls_token' => TensorRecord\(cls_token, float32\[1, 1, 24\], .* from byte \d+\)/,
  )
  const picture = await visualize.masks({ grid: 4, count: 1 })
  match(
    inspect(picture),
    new RegExp(`^Picture\\(${picture.width}x${picture.height}, PNG of [\\d,]+ bytes(, SVG.*)?\\)$`),
  )
  not.match(inspect({ picture }), 'Buffer')
})

test.run()
