/** The initial weights against the distribution that the original draws from. */
import { equal, is, not, ok } from 'uvu/assert'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { suite } from '../support/suite.js'
import { named } from '../support/tensors.js'

const test = suite('initial weights of BeitForMaskedImageModeling')
const CONFIG = {
  imageSize: 64,
  hiddenSize: 96,
  depth: 4,
  heads: 3,
  vocabSize: 512,
  absolutePositions: true,
  layerScaleInit: 0.1,
} as const
const STD = 0.02

test('matrices and tokens are normal of deviation 0.02 truncated at one deviation', async () => {
  const state = await states()
  for (const name of [
    'lm_head.weight',
    'blocks.2.attn.qkv.weight',
    'blocks.0.mlp.fc1.weight',
    'patch_embed.proj.weight',
  ]) {
    const values = await named(state, name).toFloat32()
    checkTruncatedNormal(name, values, STD)
  }
  for (const name of ['cls_token', 'mask_token', 'pos_embed']) {
    const values = await named(state, name).toFloat32()
    ok(values.some((x) => x !== 0) && values.every((x) => Math.abs(x) <= Math.fround(STD)), name)
  }
})

test('the output matrices of block l are divided by sqrt(2 l)', async () => {
  const state = await states()
  for (let block = 0; block < CONFIG.depth; block++) {
    for (const name of [`blocks.${block}.attn.proj.weight`, `blocks.${block}.mlp.fc2.weight`]) {
      checkTruncatedNormal(name, await named(state, name).toFloat32(), STD / Math.sqrt(2 * (block + 1)))
    }
  }
})

test('biases and tables are zero, norms one, LayerScale its first value', async () => {
  for (const [name, tensor] of await states()) {
    const values = new Set(await tensor.toFloat32())
    if (/norm\d?\.weight$/.test(name)) equal([...values], [1], name)
    else if (/gamma_/.test(name)) equal([...values], [Math.fround(0.1)], name)
    else if (/bias(_table)?$/.test(name)) equal([...values], [0], name)
  }
})

test('a seed gives the same weights again, another seed others', async () => {
  const values = async (seed?: number) => named(await states(seed), 'blocks.1.attn.qkv.weight').toFloat32()
  equal(await values(7), await values(7))
  not.equal(await values(7), await values(8))
  equal(await values(), await values(0))
})

test('the weights of a lower precision are those of float32, rounded', async () => {
  const exact = await named(await states(7), 'cls_token').toFloat32()
  using model = await BeitForMaskedImageModeling.create(CONFIG, { seed: 7, dtype: 'bfloat16' })
  const cls = named(await model.stateDict(), 'cls_token')
  is(cls.dtype, 'bfloat16')
  const rounded = await cls.toFloat32()
  ok(rounded.every((x, i) => Math.abs(x - (exact[i] as number)) <= Math.abs(x) * 2 ** -8))
})

test.run()

async function states(seed?: number) {
  using model = await BeitForMaskedImageModeling.create(CONFIG, { seed })
  return model.stateDict()
}

/**
 * Of a normal truncated at one deviation s: variance s^2 (1 - 2 phi(1) / (2 Phi(1) - 1)), and 56.09 % lie
 * within half of s. The bounds are four standard errors of the estimates.
 */
function checkTruncatedNormal(name: string, values: Float32Array, std: number): void {
  const n = values.length
  const mean = values.reduce((sum, x) => sum + x, 0) / n
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n)
  const expected = 0.5396 * std
  ok(Math.abs(mean) < (4 * expected) / Math.sqrt(n), `${name}: mean ${mean}`)
  ok(
    Math.abs(deviation / expected - 1) < 4 / Math.sqrt(2 * n),
    `${name}: deviation ${deviation}, expected ${expected}`,
  )
  const bound = std * (1 + 1e-6)
  ok(
    values.every((x) => Math.abs(x) <= bound),
    `${name}: truncated at ${std}`,
  )
  const inner = values.filter((x) => Math.abs(x) < std / 2).length / n
  ok(
    Math.abs(inner - 0.5609) < 4 * Math.sqrt((0.5609 * 0.4391) / n),
    `${name}: share of the inner half ${inner}`,
  )
}
