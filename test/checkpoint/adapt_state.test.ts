/** Whole state dicts made fit for other models: what they hold then, the report, and what is refused. */
import { equal, is, not, ok } from 'uvu/assert'
import {
  type Adaptation,
  adaptState,
  type CompleteArchitecture,
  type HeadedModel,
  planAdaptation,
} from '../../lib/checkpoint/adapt/adapt.js'
import type { BeitConfigInput } from '../../lib/models/beit_config.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { named, randomNumbers, relativeError } from '../support/tensors.js'

const test = suite('adapted state dicts')
const SMALL = {
  imageSize: 32,
  patchSize: 8,
  hiddenSize: 24,
  depth: 2,
  heads: 3,
  vocabSize: 10,
  numClasses: 5,
}
const [MASKED, CLASSIFIER] = ['beit_for_masked_image_modeling', 'beit_for_image_classification'] as const
const TABLE = 'relative_position_bias_table'
const table = (block: number) => `blocks.${block}.attn.${TABLE}`
const index = (block: number) => `blocks.${block}.attn.relative_position_index`

test('the same configuration needs nothing: every tensor is the one that was given', async () => {
  for (const model of [await masked({}), await classifier({})]) {
    const state = await model.stateDict()
    const kind = model instanceof BeitForMaskedImageModeling ? MASKED : CLASSIFIER
    const adapted = await adaptState(state, model.config, model.config, kind)
    equal(adapted.report, [])
    ok([...adapted.state].every(([name, tensor]) => state.get(name) === tensor))
    is(adapted.state.size, state.size)
  }
})

test('pre-training weights in a classifier: each block has the shared table', async () => {
  const source = await masked({})
  const target = await classifier({})
  const { report, state } = await intoModel(source, target, CLASSIFIER)
  const original = await source.stateDict()
  const shared = named(original, `rel_pos_bias.${TABLE}`)
  const loaded = await target.stateDict()
  for (const block of [0, 1]) {
    is(await relativeError(named(loaded, table(block)), shared), 0)
    const weight = `blocks.${block}.attn.qkv.weight`
    is(await relativeError(named(loaded, weight), named(original, weight)), 0)
  }
  equal(lines(report), [
    `recomputed: the index of relative positions of 4x4 patches`,
    'expanded: the shared relative position table, to one in each of 2 blocks',
    'dropped: mask_token, lm_head.weight, lm_head.bias (image classification has no place for them)',
    'dropped: norm.weight, norm.bias (the model has fc_norm in their place)',
    'initialised: fc_norm.weight, fc_norm.bias, head.weight, head.bias (the checkpoint has none)',
  ])
  equal(report[1], {
    what: 'expanded',
    from: { [`rel_pos_bias.${TABLE}`]: [52, 3] },
    to: { [table(0)]: [52, 3], [table(1)]: [52, 3] },
    line: lines(report)[1],
  })
  for (const name of ['mask_token', 'norm.weight', 'lm_head.bias', index(0)]) not(state.has(name), name)
  // The blocks do what they did: the streams are the same, without a mask.
  const pixels = images(32)
  const [before] = await source.features(pixels, { blocks: [1] })
  const [after] = await target.features(pixels, { blocks: [1] })
  ok((await relativeError(after as Tensor, before as Tensor)) < 1e-6)
})

test('with class pooling the last norm is carried over', async () => {
  const { report, state } = await intoModel(
    await masked({}),
    await classifier({ pooling: 'cls' }),
    CLASSIFIER,
  )
  ok(state.has('norm.weight'))
  equal(lines(report).slice(-1), ['initialised: head.weight, head.bias (the checkpoint has none)'])
})

test('a classifier goes back to pre-training with its own tables, without its head', async () => {
  const source = await classifier({})
  const target = await masked({ relativePositions: 'per-block' })
  const { report } = await intoModel(source, target, MASKED)
  equal(lines(report), [
    'dropped: head.weight, head.bias (masked image modelling has no place for them)',
    'dropped: fc_norm.weight, fc_norm.bias (the model has norm in their place)',
    'initialised: mask_token, norm.weight, norm.bias, lm_head.weight, lm_head.bias (the checkpoint has none)',
  ])
})

test('another number of classes or visual tokens: the head begins anew, the rest is kept', async () => {
  const { report, state } = await intoModel(
    await classifier({}),
    await classifier({ numClasses: 7 }),
    CLASSIFIER,
  )
  equal(report, [
    {
      what: 'initialised',
      from: { 'head.weight': [5, 24], 'head.bias': [5] },
      to: { 'head.weight': [7, 24], 'head.bias': [7] },
      line: 'initialised: head.weight, head.bias (7 classes in place of 5)',
    },
  ])
  ok(state.has('fc_norm.weight') && !state.has('head.weight'))
  const tokens = await intoModel(await masked({}), await masked({ vocabSize: 12 }), MASKED)
  equal(lines(tokens.report), ['initialised: lm_head.weight, lm_head.bias (12 visual tokens in place of 10)'])
})

test('another image size: tables and positions are resized, indices made anew', async () => {
  const switches = { absolutePositions: true }
  const source = await classifier(switches)
  const target = await classifier({ ...switches, imageSize: [48, 40] })
  const { report, state } = await intoModel(source, target, CLASSIFIER)
  equal(lines(report), [
    'resized: absolute positions from 4x4 to 6x5 patches, bicubic',
    'recomputed: the index of relative positions of 6x5 patches',
    'resized: 2 relative position tables from 4x4 to 6x5 patches, by a cubic spline through geometric offsets',
  ])
  equal(report[0]?.from, { pos_embed: [1, 17, 24] })
  equal(report[0]?.to, { pos_embed: [1, 31, 24] })
  equal(report[1]?.from, { [index(0)]: [17, 17], [index(1)]: [17, 17] })
  equal(report[1]?.to, { [index(0)]: [31, 31], [index(1)]: [31, 31] })
  equal(report[2]?.to, { [table(0)]: [102, 3], [table(1)]: [102, 3] })
  not(state.has(index(0)))
  ok((await (await target.forward(images(48, 40))).toFloat32()).every(Number.isFinite))
})

test('a shared table that is resized for every block is made once', async () => {
  const { state } = await intoModel(await masked({}), await classifier({ imageSize: 64 }), CLASSIFIER)
  is(state.get(table(0)), state.get(table(1)))
})

test('another patch size at the same grid: flat images give the same logits', async () => {
  const source = await classifier({})
  const target = await classifier({ patchSize: 12, imageSize: 48 })
  const { report } = await intoModel(source, target, CLASSIFIER)
  equal(lines(report), ['resampled: the patch embedding from patches of 8 to 12 pixels, by pseudo-inverse'])
  equal(report[0]?.to, { 'patch_embed.proj.weight': [24, 3, 12, 12] })
  const flat = (side: number) => Tensor.from(new Float32Array(3 * side * side).fill(0.7), [1, 3, side, side])
  const error = await relativeError(await target.forward(flat(48)), await source.forward(flat(32)))
  ok(error < 1e-4, `${error}`)
})

test('positions that one side lacks are dropped or begin anew', async () => {
  const source = await masked({})
  const bare = await intoModel(
    source,
    await masked({ relativePositions: 'none', absolutePositions: true }),
    MASKED,
  )
  equal(lines(bare.report), [
    'initialised: pos_embed (the checkpoint has no absolute positions)',
    `dropped: rel_pos_bias.${TABLE}, rel_pos_bias.relative_position_index (the model has no relative positions)`,
  ])
  const many = await intoModel(
    await classifier({ depth: 4 }),
    await classifier({ depth: 4, relativePositions: 'none' }),
    CLASSIFIER,
  )
  is(Object.keys(many.report[0]?.from ?? {}).length, 8)
  ok(/^dropped: (blocks\S+, ){5}\S+ and 2 more \(/.test(lines(many.report)[0] as string))
  const back = await intoModel(
    await masked({ relativePositions: 'none', absolutePositions: true }),
    source,
    MASKED,
  )
  equal(lines(back.report), [
    'dropped: pos_embed (the model has no absolute positions)',
    `initialised: rel_pos_bias.${TABLE} (the checkpoint has no relative positions)`,
  ])
})

test('a plan needs shapes alone, and tells which tensors have to be read', async () => {
  const source = await masked({})
  const shapes = new Map([...(await source.stateDict())].map(([name, { shape }]) => [name, shape]))
  const plan = planAdaptation(shapes, source.config, (await classifier({})).config, CLASSIFIER)
  const used = new Set(plan.namesUsed)
  ok(used.has(`rel_pos_bias.${TABLE}`) && used.has('cls_token'))
  for (const name of ['lm_head.weight', 'mask_token', 'norm.weight']) ok(!used.has(name), name)
})

test('what the blocks are made of cannot be adapted', async () => {
  const source = await masked({})
  const state = await source.stateDict()
  const refuse = (change: Partial<CompleteArchitecture>, message: RegExp) =>
    rejects(
      adaptState(state, source.config, { ...source.config, ...change }, MASKED),
      'ERR_CHECKPOINT_MISMATCH',
      message,
    )
  await refuse(
    { hiddenSize: 48, depth: 3 },
    /has hiddenSize 24, the model 48; depth 2, the model 3; MLP width/,
  )
  await refuse({ heads: 4 }, /heads 3, the model 4/)
  await refuse({ layerScaleInit: 0 }, /LayerScale on, the model off\. Image and patch size.* can be adapted/)
  const blocks = await classifier({})
  await rejects(
    adaptState(
      await blocks.stateDict(),
      blocks.config,
      { ...blocks.config, relativePositions: 'shared' },
      CLASSIFIER,
    ),
    'ERR_CHECKPOINT_MISMATCH',
    /cannot become one: leave relativePositions at 'per-block'/,
  )
  const other = { ...source.config, relativePositions: 'per-block' } as const
  state.delete(`rel_pos_bias.${TABLE}`)
  await rejects(
    adaptState(state, source.config, other, MASKED),
    'ERR_CHECKPOINT_MISMATCH',
    /no rel_pos_bias\.relative_position_bias_table/,
  )
})

test.run()

const lines = (report: readonly Adaptation[]) => report.map(({ line }) => line)

/** Models all of whose parameters are random, so that nothing hides behind 0 and 1. */
const masked = async (config: BeitConfigInput) =>
  randomised(await BeitForMaskedImageModeling.create({ ...SMALL, ...config }))
const classifier = async (config: BeitConfigInput) =>
  randomised(await BeitForImageClassification.create({ ...SMALL, ...config }))

async function randomised<M extends BeitForMaskedImageModeling | BeitForImageClassification>(
  model: M,
): Promise<M> {
  let seed = 1
  const floats = [...(await model.stateDict())].filter(([, { dtype }]) => dtype === 'float32')
  await model.loadStateDict(
    new Map(
      floats.map(([name, { size, shape }]) => {
        const values = randomNumbers(size, seed++).map((x) => 0.5 * (x - 0.4))
        return [name, Tensor.from(values, shape)]
      }),
    ),
  )
  return model
}

/** Adapts and loads; nothing may be missing but what the report calls initialised, and nothing left over. */
async function intoModel(
  source: BeitForMaskedImageModeling | BeitForImageClassification,
  target: BeitForMaskedImageModeling | BeitForImageClassification,
  model: HeadedModel,
) {
  const adapted = await adaptState(await source.stateDict(), source.config, target.config, model)
  const initialised = adapted.report
    .filter(({ what }) => what === 'initialised')
    .flatMap(({ to }) => Object.keys(to))
  const { missing, unexpected } = await target.loadStateDict(adapted.state, { strict: false })
  equal([...missing].sort(), initialised.sort())
  equal(unexpected, [])
  return adapted
}

const images = (height: number, width = height) =>
  Tensor.from(randomNumbers(3 * height * width, 99), [1, 3, height, width])
