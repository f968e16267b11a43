/** The classifier against outputs of the original release; its state, initial values and arguments. */
import { join } from 'node:path'
import { inspect } from 'node:util'
import { equal, is, not, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { resolveBeitConfig } from '../../lib/models/beit_config.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { golden, missing } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { listing, named, randomNumbers, relativeError, tensorsOf, under } from '../support/tensors.js'

const test = suite('BeitForImageClassification')
const SMALL = {
  imageSize: [32, 48],
  patchSize: 16,
  hiddenSize: 24,
  depth: 2,
  heads: 3,
  numClasses: 5,
} as const
const images = (batch: number) => Tensor.from(randomNumbers(batch * 3 * 32 * 48), [batch, 3, 32, 48])

const GOLDEN = {
  cls_mean_pool: { imageSize: 64, hiddenSize: 48, depth: 3, heads: 4, numClasses: 11 },
  cls_token_pool: {
    imageSize: 64,
    hiddenSize: 48,
    depth: 2,
    heads: 3,
    numClasses: 5,
    layerScaleInit: 0,
    absolutePositions: true,
    relativePositions: 'none',
    pooling: 'cls',
  },
} as const

for (const [name, config] of Object.entries(GOLDEN)) {
  const path = golden(`${name}.safetensors`)
  test.skipIf(missing(path), `${name}: logits, pooled features and streams of the original`, async () => {
    const tensors = await tensorsOf(path as string)
    const model = await BeitForImageClassification.create(config, { seed: 3 })
    const state = under('state.', tensors)
    equal(await model.loadStateDict(state), { missing: [], unexpected: [] })
    equal([...(await model.stateDict()).keys()].sort(), [...state.keys()].sort())
    const pixels = named(tensors, 'pixels')
    const blocks = Array.from({ length: config.depth }, (_, i) => i)
    const outputs = [await model.forward(pixels), await model.features(pixels)]
    outputs.push(...(await model.features(pixels, { blocks })))
    const names = ['logits', 'features', ...blocks.map((i) => `block${i}`)]
    for (const [i, output] of names.entries()) {
      const error = await relativeError(outputs[i] as Tensor, named(tensors, output))
      ok(error <= 1e-5, `${output}: relative error ${error}`)
    }
  })
}

test('base has the 199 parameters of the original in its order, a table and an index a block', async () => {
  using model = await BeitForImageClassification.create('beit_base_patch16_224')
  const block = [
    'gamma_1 [768]',
    'gamma_2 [768]',
    'norm1.weight [768]',
    'norm1.bias [768]',
    'attn.q_bias [768]',
    'attn.v_bias [768]',
    'attn.relative_position_bias_table [732,12]',
    'attn.relative_position_index [197,197]',
    'attn.qkv.weight [2304,768]',
    'attn.proj.weight [768,768]',
    'attn.proj.bias [768]',
    'norm2.weight [768]',
    'norm2.bias [768]',
    'mlp.fc1.weight [3072,768]',
    'mlp.fc1.bias [3072]',
    'mlp.fc2.weight [768,3072]',
    'mlp.fc2.bias [768]',
  ]
  equal(await listing(model), [
    'cls_token [1,1,768]',
    'patch_embed.proj.weight [768,3,16,16]',
    'patch_embed.proj.bias [768]',
    ...Array.from({ length: 12 }, (_, i) => block.map((line) => `blocks.${i}.${line}`)).flat(),
    'fc_norm.weight [768]',
    'fc_norm.bias [768]',
    'head.weight [1000,768]',
    'head.bias [1000]',
  ])
  is((await model.stateDict()).size, 199 + 12)
  is(await model.parameterCount(), 86_530_984)
})

test('the other presets count as the original does (from two depths: blocks are alike)', async () => {
  const count = async (preset: string, overrides = {}) => {
    using one = await BeitForImageClassification.create(preset, { ...overrides, depth: 1 })
    using two = await BeitForImageClassification.create(preset, { ...overrides, depth: 2 })
    const first = await one.parameterCount()
    return first + (resolveBeitConfig(preset).depth - 1) * ((await two.parameterCount()) - first)
  }
  is(await count('beit_base_patch16_384'), 86_744_104)
  is(await count('beit_base_patch16_512'), 86_997_544)
  is(await count('beit_base_patch16_224', { numClasses: 21_841 }), 102_557_713)
  is(await count('beit_base_patch16_224_paper'), 86_558_440)
  is(await count('beit_large_patch16_224'), 304_430_568)
  is(await count('beit_large_patch16_384'), 304_998_888)
  is(await count('beit_large_patch16_512'), 305_674_728)
})

test('class pooling has norm in place of fc_norm; a shared table stands behind the patch embedding', async () => {
  using model = await BeitForImageClassification.create(SMALL, {
    pooling: 'cls',
    relativePositions: 'shared',
  })
  const names = [...(await model.stateDict()).keys()]
  equal(names.slice(0, 5), [
    'cls_token',
    'patch_embed.proj.weight',
    'patch_embed.proj.bias',
    'rel_pos_bias.relative_position_bias_table',
    'rel_pos_bias.relative_position_index',
  ])
  equal(names.slice(-4), ['norm.weight', 'norm.bias', 'head.weight', 'head.bias'])
})

test('a shared table gives what the same table in every block gives', async () => {
  using shared = await BeitForImageClassification.create(SMALL, { seed: 1, relativePositions: 'shared' })
  using own = await BeitForImageClassification.create(SMALL)
  const state = await shared.stateDict()
  const name = 'rel_pos_bias.relative_position_bias_table'
  const { shape, size } = named(state, name)
  const table = Tensor.from(randomNumbers(size, 9), shape)
  await shared.loadStateDict(new Map([[name, table]]), { strict: false })
  for (const block of [0, 1]) state.set(`blocks.${block}.attn.relative_position_bias_table`, table)
  await own.loadStateDict(state, { strict: false })
  const pixels = images(2)
  equal(await (await own.forward(pixels)).toFloat32(), await (await shared.forward(pixels)).toFloat32())
})

test('blocks share the memory of one index, and of nothing else', async () => {
  using model = await BeitForImageClassification.create({ ...SMALL, depth: 3 })
  using copy = await model.to({ dtype: 'bfloat16' })
  for (const each of [model, copy]) {
    const state = await each.stateDict()
    const names = [...state.keys()]
    const layouts = await native().tensorLayouts([...state.values()].map(({ handle }) => handle))
    const shared = layouts.flatMap(({ storage }, i) => (storage === i ? [] : [[names[i], names[storage]]]))
    const first = 'blocks.0.attn.relative_position_index'
    equal(
      shared,
      [1, 2].map((block) => [`blocks.${block}.attn.relative_position_index`, first]),
    )
  }
})

test('initial weights are normal of deviation 0.02, the head a thousandth of it', async () => {
  const config = {
    hiddenSize: 96,
    imageSize: 64,
    depth: 4,
    heads: 3,
    numClasses: 400,
    absolutePositions: true,
  }
  using model = await BeitForImageClassification.create({ ...config, relativePositions: 'per-block' })
  const state = await model.stateDict()
  const check = async (name: string, std: number) =>
    checkNormal(name, await named(state, name).toFloat32(), std)
  for (const name of ['blocks.0.mlp.fc1.weight', 'blocks.3.attn.qkv.weight', 'pos_embed']) {
    await check(name, 0.02)
  }
  await check('head.weight', 0.00002)
  for (const block of [0, 3]) {
    await check(`blocks.${block}.attn.proj.weight`, 0.02 / Math.sqrt(2 * (block + 1)))
    await check(`blocks.${block}.mlp.fc2.weight`, 0.02 / Math.sqrt(2 * (block + 1)))
  }
})

test('the patch embedding is uniform, as PyTorch makes it; biases and tables are zero', async () => {
  using model = await BeitForImageClassification.create({ ...SMALL, hiddenSize: 96 })
  const state = await model.stateDict()
  const bound = 1 / Math.sqrt(3 * 16 * 16)
  for (const name of ['patch_embed.proj.weight', 'patch_embed.proj.bias']) {
    const values = await named(state, name).toFloat32()
    ok(values.every((x) => Math.abs(x) <= bound * (1 + 1e-6)))
    ok(Math.max(...values.slice(0, 1000)) > 0.9 * bound, `${name} reaches ${bound}`)
  }
  for (const [name, tensor] of state) {
    if (name.startsWith('patch_embed') || !/bias(_table)?$/.test(name)) continue
    equal([...new Set(await tensor.toFloat32())], [0], name)
  }
})

test('a file of it comes back, with its configuration, weights and logits', async () => {
  const path = join(temporary(), 'classifier.safetensors')
  using model = await BeitForImageClassification.create(SMALL, { seed: 5, pooling: 'cls' })
  await model.save(path)
  using loaded = await BeitForImageClassification.load(path)
  equal(loaded.config, model.config)
  equal(
    await (await loaded.forward(images(2))).toFloat32(),
    await (await model.forward(images(2))).toFloat32(),
  )
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_CHECKPOINT_MISMATCH',
    /holds a BEiT for image classification/,
  )
})

test('a copy of another dtype computes nearly the same and shares nothing', async () => {
  using model = await BeitForImageClassification.create(SMALL, { seed: 1 })
  using copy = await model.to({ dtype: 'float64' })
  const logits = await copy.forward(images(2))
  is(logits.dtype, 'float64')
  ok((await relativeError(logits, await model.forward(images(2)))) < 1e-5)
  await model.loadStateDict(new Map([['head.bias', Tensor.from([9, 9, 9, 9, 9])]]), { strict: false })
  equal(await (await copy.forward(images(2))).toFloat32(), await logits.toFloat32())
  not.equal(await (await model.forward(images(2))).toFloat32(), await logits.toFloat32())
})

test('wrong arguments are named, and the model shows its architecture', async () => {
  using model = await BeitForImageClassification.create(SMALL)
  equal((await model.forward(images(4))).shape, [4, 5])
  equal((await model.features(images(4))).shape, [4, 24])
  const wrong = Tensor.from(new Float32Array(3 * 32 * 32), [1, 3, 32, 32])
  await rejects(model.forward(wrong), 'ERR_SHAPE_MISMATCH', /pixels must be \[B, 3, 32, 48\]/)
  await rejects(model.features(wrong), 'ERR_SHAPE_MISMATCH', /pixels must be \[B, 3, 32, 48\]/)
  await rejects(model.features(images(1), { blocks: [2] }), 'ERR_INVALID_ARGUMENT', /from 0 to 1/)
  await rejects(
    BeitForImageClassification.create(SMALL, { numClasses: 0 }),
    'ERR_INVALID_ARGUMENT',
    /numClasses must be an integer from 1/,
  )
  await rejects(
    BeitForImageClassification.create(SMALL, { pooling: 'max' as 'cls' }),
    'ERR_INVALID_ARGUMENT',
    /pooling must be one of mean, cls/,
  )
  is(
    inspect(model).split('\n')[0],
    'BeitForImageClassification(image 32x48, patch 16, grid 2x3, hidden 24, depth 2, heads 3, ' +
      'classes 5, pooling mean, float32, cpu)',
  )
})

test.run()

/** "name [shape]" of every tensor, in order. */
/** Mean, deviation and the share within one deviation, to four standard errors; the tail is not cut. */
function checkNormal(name: string, values: Float32Array, std: number): void {
  const n = values.length
  const mean = values.reduce((sum, x) => sum + x, 0) / n
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / n)
  const inner = values.filter((x) => Math.abs(x) < std).length / n
  ok(Math.abs(mean) < (4 * std) / Math.sqrt(n), `${name}: mean ${mean}`)
  ok(Math.abs(deviation / std - 1) < 4 / Math.sqrt(2 * n), `${name}: deviation ${deviation}, not ${std}`)
  ok(
    Math.abs(inner - 0.6827) < 4 * Math.sqrt((0.6827 * 0.3173) / n),
    `${name}: ${inner} within one deviation`,
  )
  ok(
    values.some((x) => Math.abs(x) > 2 * std),
    `${name}: not truncated`,
  )
}
