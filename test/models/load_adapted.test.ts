/** Checkpoints as models of another kind, size and head: what `load` does and what it tells. */
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { fixture } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named, randomNumbers, relativeError, tensorsOf, under } from '../support/tensors.js'
import { interopFolder } from './golden_interop.js'

const test = suite('adaptation on load')
const images = (height: number, width = height) =>
  Tensor.from(randomNumbers(2 * 3 * height * width), [2, 3, height, width])
const whats = (model: BeitForImageClassification | BeitForMaskedImageModeling) =>
  model.loadReport?.adaptations.map(({ what }) => what)

test('weights that fit are not touched, and nothing is reported', async () => {
  const { path } = await interopFolder('hf_cls')
  using model = await BeitForImageClassification.load(path)
  equal(model.loadReport?.adaptations, [])
})

test("the original's pre-training weights become a classifier, as its fine-tuning begins", async () => {
  const path = await pretrained()
  using source = await BeitForMaskedImageModeling.load(path)
  using model = await BeitForImageClassification.load(path, { numClasses: 3, seed: 4 })
  equal(
    [model.config.relativePositions, model.config.pooling, model.config.numClasses],
    ['per-block', 'mean', 3],
  )
  equal(whats(model), ['expanded', 'dropped', 'dropped', 'initialised'])
  ok(model.loadReport?.lines.some((line) => /^initialised: fc_norm\.weight, .*head\.bias/.test(line)))
  const [before] = await source.features(images(64), { blocks: [2] })
  const [after] = await model.features(images(64), { blocks: [2] })
  ok((await relativeError(after as Tensor, before as Tensor)) < 1e-6)
  const head = await named(await model.stateDict(), 'head.weight').toFloat32()
  ok(head.every((x) => x !== 0 && Math.abs(x) < 0.00002 * 6))
})

test('options choose pooling and positions; class pooling keeps the last norm', async () => {
  const path = await pretrained()
  using model = await BeitForImageClassification.load(path, {
    numClasses: 3,
    pooling: 'cls',
    relativePositions: 'shared',
  })
  using source = await BeitForMaskedImageModeling.load(path)
  equal(whats(model), ['dropped', 'initialised'])
  const features = await model.features(images(64))
  const tokens = await (await source.features(images(64))).toFloat32()
  const width = 48
  const classTokens = [0, 17].flatMap((row) => [...tokens.slice(row * width, (row + 1) * width)])
  ok((await relativeError(features, Tensor.from(Float32Array.from(classTokens), [2, width]))) < 1e-6)
})

test('another image size, a rectangle, patches of another size, and other classes, in one load', async () => {
  const { path } = await interopFolder('hf_cls')
  using model = await BeitForImageClassification.load(path, {
    imageSize: [96, 120],
    patchSize: 12,
    numClasses: 4,
  })
  equal(model.grid, [8, 10])
  equal(whats(model), ['resampled', 'resized', 'initialised'])
  equal((await model.forward(images(96, 120))).shape, [2, 4])
  ok((await (await model.forward(images(96, 120))).toFloat32()).every(Number.isFinite))
  const saved = join(temporary(), 'adapted.safetensors')
  await model.save(saved)
  using again = await BeitForImageClassification.load(saved)
  equal(again.config, model.config)
  equal(again.loadReport?.adaptations, [])
  const logits = await model.forward(images(96, 120))
  equal(await (await again.forward(images(96, 120))).toFloat32(), await logits.toFloat32())
})

test('a classifier becomes a model to pre-train, with another vocabulary', async () => {
  const { path } = await interopFolder('hf_cls')
  using model = await BeitForMaskedImageModeling.load(path, { vocabSize: 32 })
  equal(whats(model), ['dropped', 'dropped', 'initialised'])
  equal((await model.forward(images(64))).shape, [2, 16, 32])
  is(model.config.relativePositions, 'per-block')
})

test('a model without a head gets one', async () => {
  const state = under('state.', await tensorsOf(fixture('mim_shared_rel_pos.safetensors')))
  for (const name of ['lm_head.weight', 'lm_head.bias']) state.delete(name)
  const path = join(temporary(), 'backbone.safetensors')
  await writeSafetensors(path, state)
  using model = await BeitForImageClassification.load(path, { numClasses: 6 })
  is(model.config.pooling, 'mean')
  equal((await model.forward(images(64))).shape, [2, 6])
})

test('what a whole model of the same kind lacks is missing, at another size too', async () => {
  const { path } = await interopFolder('hf_cls')
  const { tensors } = await readSafetensors(path)
  const name = [...tensors.keys()].find((key) => /pooler\.layernorm\.weight$/.test(key)) as string
  tensors.delete(name)
  await writeSafetensors(path, tensors)
  for (const options of [{}, { imageSize: 96 }]) {
    await rejects(
      BeitForImageClassification.load(path, options),
      'ERR_CHECKPOINT_MISMATCH',
      /missing \(1\): fc_norm\.weight/,
    )
  }
})

test('blocks that are other than asked for, or than the file says, are refused before a model is made', async () => {
  const path = await pretrained()
  await rejects(
    BeitForImageClassification.load(path, { numClasses: 3, depth: 4, hiddenSize: 96 }),
    'ERR_CHECKPOINT_MISMATCH',
    /has hiddenSize 48, the model 96; depth 3, the model 4/,
  )
  const { tensors } = await readSafetensors(path)
  using model = await BeitForMaskedImageModeling.load(path)
  const claim = async (config: object, change: (state: Map<string, Tensor>) => void = () => {}) => {
    const state = new Map(tensors)
    change(state)
    const forged = join(temporary(), 'forged.safetensors')
    await writeSafetensors(forged, state, {
      kind: 'beit_for_masked_image_modeling',
      config: JSON.stringify({ ...model.config, ...config }),
    })
    return BeitForMaskedImageModeling.load(forged)
  }
  await rejects(
    claim({ depth: 1000 }),
    'ERR_CHECKPOINT_MISMATCH',
    /blocks\.3\.gamma_1 .*got none.* and \d+ more/,
  )
  await rejects(claim({ hiddenSize: 65_536, heads: 64 }), 'ERR_CHECKPOINT_MISMATCH', /\[1, 1, 65536\], got/)
  await rejects(claim({ imageSize: 4096 }), 'ERR_CHECKPOINT_MISMATCH', /bias_table has shape \[\d+, 4\], got/)
  await rejects(claim({ vocabSize: 1_000_000 }), 'ERR_CHECKPOINT_MISMATCH', /lm_head\.weight has shape/)
  await rejects(
    claim({}, (state) => state.delete('blocks.1.mlp.fc2.weight')),
    'ERR_CHECKPOINT_MISMATCH',
    /blocks\.1\.mlp\.fc2\.weight has shape \[48, 192\], got none/,
  )
})

test.run()

/** The golden model for masked image modelling as a bare state dict. */
async function pretrained(): Promise<string> {
  const path = join(temporary(), 'pretrained.safetensors')
  await writeSafetensors(path, under('state.', await tensorsOf(fixture('mim_shared_rel_pos.safetensors'))))
  return path
}
