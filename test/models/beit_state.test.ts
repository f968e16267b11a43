/** Names, order, shapes and counts of the original's state dicts; loading and moving them. */
import { equal, is, not, ok } from 'uvu/assert'
import { resolveBeitConfig } from '../../lib/models/beit_config.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { integers, listing, named, randomNumbers, relativeError } from '../support/tensors.js'

const test = suite('state of BeitForMaskedImageModeling')
const SMALL = { imageSize: 32, patchSize: 16, hiddenSize: 24, depth: 2, heads: 3, vocabSize: 10 } as const

test('base in release form has the 189 parameters of the original in its order, and the index', async () => {
  using model = await BeitForMaskedImageModeling.create('beit_base_patch16_224')
  const block = [
    'gamma_1 [768]',
    'gamma_2 [768]',
    'norm1.weight [768]',
    'norm1.bias [768]',
    'attn.q_bias [768]',
    'attn.v_bias [768]',
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
    'mask_token [1,1,768]',
    'patch_embed.proj.weight [768,3,16,16]',
    'patch_embed.proj.bias [768]',
    'rel_pos_bias.relative_position_bias_table [732,12]',
    'rel_pos_bias.relative_position_index [197,197]',
    ...Array.from({ length: 12 }, (_, i) => block.map((line) => `blocks.${i}.${line}`)).flat(),
    'norm.weight [768]',
    'norm.bias [768]',
    'lm_head.weight [8192,768]',
    'lm_head.bias [8192]',
  ])
  is((await model.stateDict()).size, 189 + 1)
  is(await model.parameterCount(), 91_965_776)
})

test('the form of the paper has absolute positions, no LayerScale and no table', async () => {
  using model = await BeitForMaskedImageModeling.create('beit_base_patch16_224_paper', { depth: 1 })
  const names = await listing(model)
  equal(names.slice(0, 4), [
    'cls_token [1,1,768]',
    'mask_token [1,1,768]',
    'pos_embed [1,197,768]',
    'patch_embed.proj.weight [768,3,16,16]',
  ])
  ok(!names.some((name) => /gamma|relative/.test(name)))
})

test('the other presets count as the original does (from two depths: blocks are alike)', async () => {
  const count = async (preset: string) => {
    using one = await BeitForMaskedImageModeling.create(preset, { depth: 1 })
    using two = await BeitForMaskedImageModeling.create(preset, { depth: 2 })
    const first = await one.parameterCount()
    return first + (resolveBeitConfig(preset).depth - 1) * ((await two.parameterCount()) - first)
  }
  is(await count('beit_base_patch16_224_paper'), 92_089_856)
  is(await count('beit_large_patch16_224'), 311_534_016)
  is(await count('beit_large_patch16_224_paper'), 311_674_880)
})

test('a table a block stands behind the biases of q and v, as large as the window asks', async () => {
  const config = { ...SMALL, imageSize: [48, 32], relativePositions: 'per-block', layerScaleInit: 0 } as const
  using model = await BeitForMaskedImageModeling.create(config)
  const names = await listing(model)
  equal(
    names.filter((name) => name.startsWith('blocks.1.attn')),
    [
      'blocks.1.attn.q_bias [24]',
      'blocks.1.attn.v_bias [24]',
      `blocks.1.attn.relative_position_bias_table [${(2 * 3 - 1) * (2 * 2 - 1) + 3},3]`,
      'blocks.1.attn.relative_position_index [7,7]',
      'blocks.1.attn.qkv.weight [72,24]',
      'blocks.1.attn.proj.weight [24,24]',
      'blocks.1.attn.proj.bias [24]',
    ],
  )
  ok(!names.some((name) => name.startsWith('rel_pos_bias')))
})

test('the tensors of stateDict are live: they show what is loaded later', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  const before = named(await model.stateDict(), 'lm_head.bias')
  equal(await before.toFloat32(), new Float32Array(10))
  const bias = Float32Array.from({ length: 10 }, (_, i) => i)
  await model.loadStateDict(new Map([['lm_head.bias', Tensor.from(bias, [10])]]), { strict: false })
  equal(await before.toFloat32(), bias)
})

test('strict loading names what is missing, unexpected or misshapen, and changes nothing', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL, { seed: 1 })
  using other = await BeitForMaskedImageModeling.create(SMALL, { seed: 2 })
  const state = await other.stateDict()
  state.delete('blocks.0.attn.proj.weight')
  state.set('head.weight', Tensor.from([1, 2]))
  state.set('lm_head.bias', Tensor.from(new Float32Array(11), [11]))
  const error = await rejects(model.loadStateDict(state), 'ERR_CHECKPOINT_MISMATCH', /does not fit/)
  for (const part of [
    'missing (1): blocks.0.attn.proj.weight',
    'unexpected (1): head.weight',
    'shapes that differ (1): lm_head.bias has shape [10], got [11]',
  ]) {
    ok(error.message.includes(part), error.message)
  }
  using same = await BeitForMaskedImageModeling.create(SMALL, { seed: 1 })
  equal(await weights(model), await weights(same))
})

test('loading that is not strict reports names, but another shape is an error still', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL, { seed: 1 })
  using other = await BeitForMaskedImageModeling.create(SMALL, { seed: 2 })
  const state = await other.stateDict()
  state.delete('cls_token')
  state.set('head.weight', Tensor.from([1, 2]))
  equal(await model.loadStateDict(state, { strict: false }), {
    missing: ['cls_token'],
    unexpected: ['head.weight'],
  })
  is(await relativeError(named(await model.stateDict(), 'mask_token'), named(state, 'mask_token')), 0)
  state.set('mask_token', Tensor.from([1, 2]))
  await rejects(
    model.loadStateDict(state, { strict: false }),
    'ERR_CHECKPOINT_MISMATCH',
    /mask_token has shape/,
  )
})

test('a missing index is no error: it follows from the configuration', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  const state = await model.stateDict()
  state.delete('rel_pos_bias.relative_position_index')
  equal(await model.loadStateDict(state), { missing: [], unexpected: [] })
})

test('a copy of another dtype computes nearly the same and shares nothing', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL, { seed: 1 })
  using copy = await model.to({ dtype: 'float64' })
  is(copy.dtype, 'float64')
  const pixels = Tensor.from(randomNumbers(2 * 3 * 32 * 32), [2, 3, 32, 32])
  const expected = await model.forward(pixels)
  const logits = await copy.forward(pixels)
  is(logits.dtype, 'float64')
  ok((await relativeError(logits, expected)) < 1e-5)
  equal(
    await integers(named(await copy.stateDict(), 'rel_pos_bias.relative_position_index')),
    await integers(named(await model.stateDict(), 'rel_pos_bias.relative_position_index')),
  )
  await model.loadStateDict(new Map([['lm_head.bias', Tensor.from(new Float32Array(10).fill(9), [10])]]), {
    strict: false,
  })
  equal(await (await copy.forward(pixels)).toFloat32(), await logits.toFloat32())
  not.equal(await (await model.forward(pixels)).toFloat32(), await expected.toFloat32())
})

test.run()

/** "name [shape]" of every tensor, in order. */
async function weights(model: BeitForMaskedImageModeling): Promise<number[]> {
  const arrays = await Promise.all(
    [...(await model.stateDict()).values()].map((tensor) => tensor.toFloat32()),
  )
  return arrays.flatMap((array) => [...array])
}
