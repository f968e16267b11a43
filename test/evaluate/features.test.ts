import { mkdirSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import * as assert from 'uvu/assert'
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import { batches } from '../../lib/data/batches.js'
import { floatPixels } from '../../lib/data/float_pixels.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import type { ImageSource } from '../../lib/data/image_source.js'
import { labelled } from '../../lib/data/labels.js'
import { evaluationViews } from '../../lib/data/view_settings.js'
import { scope } from '../../lib/dispose.js'
import { extractFeatures } from '../../lib/evaluate/features/extract_features.js'
import type { FeatureOptions } from '../../lib/evaluate/features/feature_options.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import type { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { CLASSES, probeFolder, probeImages, probeModel } from './probe_images.js'

const test = suite('features of images')

const HALF: [number, number, number] = [0.5, 0.5, 0.5]
const COMMON = { mean: HALF, std: HALF, batchSize: 4 }

/** What `read` gives of each image, one row an image, of images prepared by the definition. */
async function eachImage(source: ImageSource, read: (pixels: Tensor) => Promise<number[][]>) {
  const views = evaluationViews({ imageSize: [16, 16], tokenImageSize: null, maskGrid: null })
  const rows: number[][] = []
  const stream = batches(source, { views, batchSize: 4, epochs: 1, shuffle: false, dropLast: false })
  for await (const batch of stream) {
    await scope(async () => rows.push(...(await read(await floatPixels(batch.pixels, 'cpu', HALF, HALF)))))
    batch.dispose()
  }
  return rows
}

async function rowsOf(tensor: Tensor): Promise<number[][]> {
  const values = await tensor.toFloat32()
  const [count = 0] = tensor.shape
  const width = values.length / count
  return Array.from({ length: count }, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)))
}

/** (B, N + 1, D) as its class token and its patches. */
async function tokensOf(stream: Tensor) {
  const width = stream.shape[2] as number
  return (await rowsOf(stream)).map((row) => {
    const tokens = Array.from({ length: row.length / width }, (_, t) => row.slice(t * width, (t + 1) * width))
    return { cls: tokens[0] as number[], patches: tokens.slice(1) }
  })
}

const meanOf = (rows: number[][]) =>
  (rows[0] as number[]).map((_, k) => rows.reduce((sum, row) => sum + (row[k] as number), 0) / rows.length)

/** Largest difference, relative to the largest number. */
function difference(a: number[][], b: number[][]): number {
  assert.equal([a.length, a[0]?.length], [b.length, b[0]?.length])
  const [x, y] = [a.flat(), b.flat()]
  const largest = Math.max(...y.map(Math.abs))
  return Math.max(...x.map((value, i) => Math.abs(value - (y[i] as number)))) / largest
}

async function setUp(options: Partial<FeatureOptions> = {}): Promise<FeatureOptions> {
  const output = join(temporary(), 'features.safetensors')
  return { model: await probeModel(), data: await probeImages(3), output, ...COMMON, ...options }
}

test('every pooling of every block is what model.features gives', async () => {
  const options = await setUp()
  const model = options.model as BeitForMaskedImageModeling
  const expected = await Promise.all(
    [0, 1, 2].map((block) => {
      const read = (pool: (tokens: { cls: number[]; patches: number[][] }) => number[]) =>
        eachImage(options.data, async (pixels) => {
          const [stream] = await model.features(pixels, { blocks: [block] })
          return (await tokensOf(stream as Tensor)).map(pool)
        })
      return Promise.all([
        read(({ patches }) => meanOf(patches)),
        read(({ cls }) => cls),
        read(({ cls, patches }) => [...cls, ...meanOf(patches)]),
        read(({ patches }) => patches.flat()),
      ])
    }),
  )
  for (const [p, pooling] of (['mean', 'cls', 'concat', 'patches'] as const).entries()) {
    const result = await extractFeatures({ ...options, pooling })
    assert.is(result.images, 9)
    const { tensors, metadata } = await readSafetensors(result.output)
    assert.equal([...tensors.keys()], ['labels', 'block_0', 'block_1', 'block_2'])
    for (const block of [0, 1, 2]) {
      const tensor = tensors.get(`block_${block}`) as Tensor
      assert.equal(tensor.shape, [9, ...result.shape])
      assert.ok(difference(await rowsOf(tensor), expected[block]?.[p] as number[][]) < 1e-6, pooling)
    }
    assert.equal(
      await (tensors.get('labels') as Tensor).toTypedArray(),
      BigInt64Array.from([0, 0, 0, 1, 1, 1, 2, 2, 2].map(BigInt)),
    )
    assert.equal(JSON.parse(metadata.classes as string), CLASSES)
    assert.equal(JSON.parse(metadata.keys as string)[3], 'green/0.ppm')
    assert.equal(JSON.parse(metadata.config as string), model.config)
    assert.match(metadata.checkpoint as string, /^[0-9a-f]{64}$/)
  }
})

test("the head: a classifier's pooled output, or the final norm before it", async () => {
  for (const pooling of ['mean', 'cls'] as const) {
    const { config } = await probeModel()
    const model = await BeitForImageClassification.create(
      { ...config, numClasses: 3, pooling },
      { preprocessing: { mean: HALF, std: HALF, cropShare: 1 } },
    )
    const options = await setUp({ model, blocks: 'head', mean: null, std: null })
    const { output, shape } = await extractFeatures(options)
    assert.equal(shape, [16])
    const { tensors } = await readSafetensors(output)
    const expected = await eachImage(options.data, async (pixels) => rowsOf(await model.features(pixels)))
    assert.ok(difference(await rowsOf(tensors.get('head') as Tensor), expected) < 1e-6)
    await rejects(
      extractFeatures({ ...options, pooling: 'patches' }),
      'ERR_INVALID_ARGUMENT',
      /leave pooling unset/,
    )
  }
  const options = await setUp({ blocks: 'head' })
  const model = options.model as BeitForMaskedImageModeling
  const expected = await eachImage(options.data, async (pixels) =>
    (await tokensOf(await model.features(pixels))).map(({ patches }) => meanOf(patches)),
  )
  const { tensors } = await readSafetensors((await extractFeatures(options)).output)
  assert.ok(difference(await rowsOf(tensors.get('head') as Tensor), expected) < 1e-6)
})

for (const dtype of ['float32', 'float16'] as const) {
  for (const pooling of ['concat', 'patches'] as const) {
    test(`JSON lines and Parquet hold the numbers of the safetensors file: ${dtype}, ${pooling}`, async () => {
      const options = await setUp({ dtype, pooling, blocks: [2, 0] })
      const { output } = await extractFeatures(options)
      const { tensors, metadata } = await readSafetensors(output)
      const folder = dirname(output)
      const parquet = join(folder, 'features.parquet')
      await extractFeatures({ ...options, output: parquet })
      await extractFeatures({ ...options, output: join(folder, 'features.jsonl') })
      const lines = (await readFile(join(folder, 'features.jsonl'), 'utf8')).trimEnd().split('\n')
      const file = await asyncBufferFromFile(parquet)
      const rows = await parquetReadObjects({ file })
      assert.equal([lines.length, rows.length], [9, 9])
      for (const name of ['block_0', 'block_2']) {
        assert.is((tensors.get(name) as Tensor).dtype, dtype)
        const expected = await rowsOf(tensors.get(name) as Tensor)
        for (const [i, line] of lines.entries()) {
          const { key, label, class: className, features } = JSON.parse(line)
          const row = rows[i] as Record<string, unknown>
          assert.equal(
            [key, label, className],
            [JSON.parse(metadata.keys as string)[i], Math.floor(i / 3), CLASSES[Math.floor(i / 3)]],
          )
          assert.equal([row.key, row.label, row.class], [key, label, className])
          assert.is(features[name].length, pooling === 'patches' ? 4 : 32)
          assert.equal(features[name].flat().map(Math.fround), expected[i])
          assert.equal((row[name] as number[]).flat(), expected[i])
        }
      }
      const { key_value_metadata: pairs = [] } = await parquetMetadataAsync(file)
      const { keys: _keys, ...shared } = metadata
      assert.equal(Object.fromEntries(pairs.map(({ key, value }) => [key, value])), shared)
    })
  }
}

test('images that cannot be read are left out, and the file closes up', async () => {
  const folder = probeFolder(3)
  writeFileSync(join(folder, 'green', '1.ppm'), 'no image')
  const whole = await setUp()
  const options = await setUp({ data: await ImageFolder.open(folder), maxBrokenShare: 0.2 })
  const { images, broken } = await extractFeatures(options)
  assert.equal([images, broken.map(({ key }) => key)], [8, ['green/1.ppm']])
  const [expected, found] = await Promise.all(
    [(await extractFeatures(whole)).output, options.output].map((path) => readSafetensors(path)),
  )
  assert.is(JSON.parse(found?.metadata.keys as string).length, 8)
  for (const [name, tensor] of expected?.tensors ?? []) {
    if (name === 'labels') continue
    const rows = await rowsOf(tensor)
    rows.splice(4, 1)
    assert.ok(difference(await rowsOf(found?.tensors.get(name) as Tensor), rows) < 1e-6)
  }
  const labels = await rowsOf(found?.tensors.get('labels') as Tensor)
  assert.equal(labels.flat(), [0, 0, 0, 1, 1, 2, 2, 2])
})

test('several classes an image become a weight for each class; images without labels have none', async () => {
  const source = await probeImages(1)
  const data = await labelled(source, {
    labels: { 'blue/0.ppm': ['cold'], 'green/0.ppm': ['cold', 'warm'], 'red/0.ppm': [] },
    classes: ['cold', 'warm'],
  })
  const options = await setUp({ data, blocks: [0] })
  const { tensors } = await readSafetensors((await extractFeatures(options)).output)
  assert.equal(await rowsOf(tensors.get('labels') as Tensor), [
    [1, 0],
    [1, 1],
    [0, 0],
  ])
  const jsonl = join(temporary(), 'f.jsonl')
  await extractFeatures({ ...options, output: jsonl })
  assert.equal(JSON.parse((await readFile(jsonl, 'utf8')).split('\n')[1] as string).weights, [1, 1])

  const folder = temporary()
  mkdirSync(join(folder, 'sub'))
  for (const i of [0, 1])
    writeFileSync(join(folder, `${i}.ppm`), await readFile(join(probeFolder(2), 'red', `${i}.ppm`)))
  const plain = await setUp({ data: await ImageFolder.open(folder) })
  const file = await readSafetensors((await extractFeatures(plain)).output)
  assert.equal([file.tensors.has('labels'), 'classes' in file.metadata], [false, false])
})

test('an aborted call, and one with too many broken images, leave what was there', async () => {
  const options = await setUp()
  writeFileSync(options.output, 'before')
  const controller = new AbortController()
  const reason = new Error('enough')
  const onProgress = () => controller.abort(reason)
  await extractFeatures({ ...options, signal: controller.signal, onProgress }).then(
    () => assert.unreachable(),
    (error) => assert.is(error, reason),
  )
  const folder = probeFolder(2)
  for (const i of [0, 1]) writeFileSync(join(folder, 'red', `${i}.ppm`), 'no image')
  await rejects(
    extractFeatures({ ...options, data: await ImageFolder.open(folder) }),
    'ERR_DATA',
    /red\/0.ppm/,
  )
  assert.is(await readFile(options.output, 'utf8'), 'before')
  assert.equal(await readdir(dirname(options.output)), ['features.safetensors'])
})

test('features that are no numbers, or too large for float16, leave no file', async () => {
  const data = await probeImages(2)
  const output = join(temporary(), 'features.safetensors')
  const extract = async (bias: number, dtype: 'float16' | 'float32') => {
    using model = await probeModel()
    const width = model.config.hiddenSize
    using weight = Tensor.from(new Float32Array(width).fill(bias))
    await model.loadStateDict(new Map([['blocks.1.mlp.fc2.bias', weight]]), { strict: false })
    await extractFeatures({ ...COMMON, model, data, dtype, output })
  }
  await rejects(
    extract(1e6, 'float16'),
    'ERR_NON_FINITE',
    /features block_1 of blue\/0\.ppm.*too large for float16/,
  )
  await rejects(
    extract(Number.NaN, 'float32'),
    'ERR_NON_FINITE',
    /features block_1 of blue\/0\.ppm.*are broken$/,
  )
  assert.equal(await readdir(dirname(output)), [])
  await extract(1e6, 'float32')
})

test('wrong options are refused before anything is read', async () => {
  const options = await setUp()
  const refused = (change: object, message: RegExp) =>
    rejects(extractFeatures({ ...options, ...change }), 'ERR_INVALID_ARGUMENT', message)
  await refused({ blocks: [3] }, /0 to 2/)
  await refused({ blocks: [] }, /0 to 2/)
  await refused({ blocks: [1, 1] }, /different block numbers/)
  await refused({ blocks: 'last' }, /'all', 'head'/)
  await refused({ output: 'features.csv' }, /tells no format/)
  await refused({ output: temporary(), format: 'jsonl' }, /the path of a file/)
  await refused({ dtype: 'float64' }, /float32, float16/)
  await refused({ pooling: 'max' }, /mean, cls, concat, patches/)
})

test.skipIf(pythonLacks('safetensors', 'numpy'), 'Python reads the safetensors file', async () => {
  const { output } = await extractFeatures(await setUp({ dtype: 'float16' }))
  const code = `import sys
from safetensors.numpy import load_file
file = load_file(sys.argv[1])
block = file["block_1"]
print(block.dtype, block.shape, file["labels"].tolist(), float(block[4, 3]))`
  const { tensors } = await readSafetensors(output)
  const value = (await rowsOf(tensors.get('block_1') as Tensor))[4]?.[3]
  assert.is(python(code, output).trim(), `float16 (9, 16) [0, 0, 0, 1, 1, 1, 2, 2, 2] ${value}`)
})

test.run()
