/** Names of the original, timm and transformers: each converter there and back, on names and on tensors. */
import { equal, is, ok } from 'uvu/assert'
import { type Identity, identify, type Naming } from '../../../lib/checkpoint/naming/identify.js'
import { namesUsed, shapesAfter, tensorsAfter } from '../../../lib/checkpoint/naming/recipe.js'
import { toNaming } from '../../../lib/checkpoint/naming/to_naming.js'
import { fromTransformers } from '../../../lib/checkpoint/naming/transformers.js'
import {
  fromUnilm,
  inUnilmOrder,
  isPositionIndex,
  wrapperPrefix,
} from '../../../lib/checkpoint/naming/unilm.js'
import { BeitForImageClassification } from '../../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../../lib/tensor.js'
import { rejects } from '../../support/errors.js'
import { suite } from '../../support/suite.js'

const test = suite('names')

const SMALL = { imageSize: 32, hiddenSize: 12, depth: 12, heads: 3, vocabSize: 6, numClasses: 4 } as const
const FORMS = {
  release: {},
  paper: { layerScaleInit: 0, absolutePositions: true, relativePositions: 'none' },
  everything: { absolutePositions: true, relativePositions: 'per-block', pooling: 'cls' },
} as const

const shapesOf = (state: ReadonlyMap<string, Tensor>) =>
  new Map([...state].map(([name, { shape }]) => [name, shape]))

for (const model of [BeitForMaskedImageModeling, BeitForImageClassification]) {
  for (const [form, config] of Object.entries(FORMS)) {
    for (const naming of ['unilm', 'timm', 'transformers'] as Naming[]) {
      test(`${model.name}, ${form}: to ${naming} and back gives equal bits in the same order`, async () => {
        using module = await model.create(SMALL, { seed: 1, ...config })
        const state = await module.stateDict()
        const kind =
          model === BeitForMaskedImageModeling
            ? 'beit_for_masked_image_modeling'
            : 'beit_for_image_classification'
        const there = await tensorsAfter(toNaming(naming, kind, [...state.keys()]), state)
        const identity = identify(shapesOf(there)) as Identity
        is(identity.model, kind)
        // Without relative positions nothing tells timm's names from the original's.
        const expected =
          naming === 'timm' && form === 'paper' && kind.endsWith('classification') ? 'unilm' : naming
        is(identity.naming, expected)
        const back = await tensorsAfter(identity.recipe, there)
        const parameters = [...state.keys()].filter((name) => naming === 'unilm' || !isPositionIndex(name))
        equal([...back.keys()], parameters)
        for (const [name, tensor] of back) {
          equal(await tensor.toTypedArray(), await state.get(name)?.toTypedArray(), name)
        }
      })
    }
  }
}

test("our own order is the original's", async () => {
  for (const model of [BeitForMaskedImageModeling, BeitForImageClassification]) {
    using module = await model.create({ ...SMALL, absolutePositions: true })
    const names = [...(await module.stateDict()).keys()]
    equal(inUnilmOrder([...names].sort()), names)
  }
})

test('wrappers are looked through, and a bias of the keys is left out', () => {
  const { pieces, dropped } = fromUnilm([
    'module._orig_mod.cls_token',
    'module._orig_mod.blocks.0.attn.k_bias',
  ])
  equal(pieces, [{ name: 'cls_token', from: ['module._orig_mod.cls_token'] }])
  is(dropped.length, 1)
  ok(dropped[0]?.reason.includes('softmax'))
})

test('what stands beside a wrapped model is left out', () => {
  const block = 'blocks.0.attn.q_bias'
  const wrapped = [
    'criterion.weight',
    'model.cls_token',
    `model.${block}`,
    'model.head.weight',
    'model_ema.x',
  ]
  const found = identify(new Map(wrapped.map((name) => [name, [1]]))) as Identity
  is(found.model, 'beit_for_image_classification')
  equal(
    found.recipe.pieces.map(({ name }) => name),
    ['cls_token', block, 'head.weight'],
  )
  equal(found.recipe.dropped, [
    { name: 'criterion.weight', reason: "outside 'model.', where the model stands" },
    { name: 'model_ema.x', reason: "outside 'model.', where the model stands" },
  ])
  const layer = 'encoder.layer.0.layernorm_before.weight'
  const theirs = ['embeddings.cls_token', layer].map((name) => `module.model.beit.${name}`)
  const recipe = identify(new Map([...theirs, 'loss.weight'].map((name) => [name, [1]])))?.recipe
  equal(
    [recipe?.pieces.map(({ name }) => name), recipe?.dropped.map(({ name }) => name)],
    [['cls_token', 'blocks.0.norm1.weight'], ['loss.weight']],
  )
})

test('two wrapped models are none', () => {
  const names = ['cls_token', 'blocks.0.attn.q_bias'].flatMap((name) => [`module.${name}`, `model.${name}`])
  is(identify(new Map(names.map((name) => [name, [1]]))), null)
})

test('no more than four wrappers are looked through, and a long name costs nothing', () => {
  is(wrapperPrefix(['module.model.backbone._orig_mod.cls_token']), 'module.model.backbone._orig_mod.')
  is(wrapperPrefix(['module.model.a', 'module.model.b', 'module.c']), 'module.')
  const start = performance.now()
  is(wrapperPrefix(['module.'.repeat(1_000_000)]), 'module.'.repeat(4))
  ok(performance.now() - start < 100)
})

test("the extra layers of BEiT v2's pre-training are left out", () => {
  const { pieces, dropped } = fromUnilm(['cls_token', 'cls_pt_layers.0.attn.q_bias', 'cls_pt_lm_head.weight'])
  equal([pieces.length, dropped.length], [1, 2])
})

test('what no rule knows keeps its name, so that a model can refuse it', () => {
  const { pieces } = fromTransformers(['beit.embeddings.cls_token', 'beit.new_thing', 'lm_head.weight'])
  equal(
    pieces.map(({ name }) => name),
    ['cls_token', 'lm_head.weight', 'beit.new_thing'],
  )
})

test('names of transformers 5 and of its files mean the same', () => {
  const classic = [
    'beit.encoder.layer.3.attention.attention.query.weight',
    'beit.encoder.layer.3.attention.attention.key.weight',
    'beit.encoder.layer.3.attention.attention.value.weight',
    'beit.encoder.layer.3.attention.attention.relative_position_bias.relative_position_bias_table',
    'beit.encoder.layer.3.attention.output.dense.bias',
    'beit.encoder.layer.3.output.dense.bias',
    'beit.encoder.relative_position_bias.relative_position_bias_table',
  ]
  const modern = [
    'beit.layers.3.attention.q_proj.weight',
    'beit.layers.3.attention.k_proj.weight',
    'beit.layers.3.attention.v_proj.weight',
    'beit.layers.3.relative_position_bias.relative_position_bias_table',
    'beit.layers.3.attention.o_proj.bias',
    'beit.layers.3.mlp.fc2.bias',
    'beit.shared_position_bias.relative_position_bias_table',
  ]
  const names = (given: string[]) => fromTransformers(given).pieces.map(({ name }) => name)
  equal(names(modern), names(classic))
  equal(names(classic), [
    'rel_pos_bias.relative_position_bias_table',
    'blocks.3.attn.relative_position_bias_table',
    'blocks.3.attn.qkv.weight',
    'blocks.3.attn.proj.bias',
    'blocks.3.mlp.fc2.bias',
  ])
})

test('two norms in one place, parts that do not fit, and parts that are missing', async () => {
  await rejects(
    () => fromTransformers(['beit.layernorm.weight', 'layernorm.weight']),
    'ERR_CHECKPOINT_MISMATCH',
    /beit\.layernorm\.weight and layernorm\.weight .*use_mean_pooling/,
  )
  const qkv = ['query', 'key', 'value'].map((part) => `encoder.layer.0.attention.attention.${part}.weight`)
  const recipe = fromTransformers(qkv)
  equal(namesUsed(recipe), qkv)
  const shapes = new Map(qkv.map((name, i) => [name, [4, i + 1]]))
  await rejects(
    () => shapesAfter(recipe, shapes),
    'ERR_CHECKPOINT_MISMATCH',
    /query\.weight \[4, 1\], .*\[4, 2\]/,
  )
  equal(
    fromTransformers(qkv.slice(1)).pieces.map(({ name }) => name),
    qkv.slice(1),
  )
  const uneven = new Map([['blocks.0.attn.qkv.weight', Tensor.from(new Float32Array(4), [4, 1])]])
  await rejects(
    tensorsAfter(toNaming('transformers', 'beit', [...uneven.keys()]), uneven),
    'ERR_CHECKPOINT_MISMATCH',
    /blocks\.0\.attn\.qkv\.weight has shape \[4, 1\], expected 3 parts/,
  )
})

test('a hostile block number costs nothing', () => {
  const names = ['cls_token', 'blocks.999999999999.attn.q_bias', 'beit.encoder.layer.888888888.lambda_1']
  is(fromTransformers(names).pieces.length, 3)
  is(toNaming('transformers', 'beit', names).pieces.length, 3)
})

test('names of no known model are not taken for one', () => {
  is(identify(new Map([['features.0.weight', [3]]])), null)
  is(identify(new Map()), null)
})

test.run()
