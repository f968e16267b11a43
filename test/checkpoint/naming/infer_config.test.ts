/** A configuration from names and shapes, and from config.json. */
import { equal, is, match, ok } from 'uvu/assert'
import { gridsOf } from '../../../lib/checkpoint/naming/grids.js'
import { inferArchitecture } from '../../../lib/checkpoint/naming/infer_config.js'
import {
  readTransformersConfig,
  writeTransformersConfig,
} from '../../../lib/checkpoint/naming/transformers_config.js'
import { type BeitConfigInput, resolveBeitConfig } from '../../../lib/models/beit_config.js'
import { BeitForImageClassification } from '../../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../../lib/models/beit_for_masked_image_modeling.js'
import { rejects } from '../../support/errors.js'
import { suite } from '../../support/suite.js'

const test = suite('configurations of checkpoints')

async function shapesOf(
  config: BeitConfigInput,
  model: typeof BeitForMaskedImageModeling | typeof BeitForImageClassification = BeitForMaskedImageModeling,
): Promise<Map<string, readonly number[]>> {
  using module = await model.create(config)
  return new Map([...(await module.stateDict())].map(([name, { shape }]) => [name, shape]))
}

const SMALL = { imageSize: 32, hiddenSize: 24, depth: 2, heads: 3, vocabSize: 9, mlpRatio: 3 } as const

test('every switch is read off the shapes', async () => {
  const configs: BeitConfigInput[] = [
    SMALL,
    { ...SMALL, relativePositions: 'per-block', absolutePositions: true, patchSize: 8 },
    {
      ...SMALL,
      hiddenSize: 64,
      heads: 1,
      relativePositions: 'none',
      absolutePositions: true,
      layerScaleInit: 0,
    },
    { ...SMALL, mlpRatio: 2.7 },
  ]
  for (const config of configs) {
    const { architecture } = inferArchitecture('model.pth', await shapesOf(config))
    const { dropPath, pooling, numClasses, ...expected } = resolveBeitConfig(config)
    const { mlpRatio, ...found } = resolveBeitConfig({ ...architecture, numClasses, pooling })
    equal({ ...found, mlpRatio: expected.mlpRatio, dropPath }, { ...expected, dropPath, pooling, numClasses })
    const hidden = expected.hiddenSize
    is(Math.trunc(hidden * mlpRatio), Math.trunc(hidden * expected.mlpRatio))
  }
})

test('classes and pooling of a classifier', async () => {
  for (const pooling of ['mean', 'cls'] as const) {
    const shapes = await shapesOf({ ...SMALL, numClasses: 7, pooling }, BeitForImageClassification)
    const { architecture } = inferArchitecture('model.pth', shapes)
    equal([architecture.numClasses, architecture.pooling, architecture.vocabSize], [7, pooling, undefined])
  }
})

test('what had to be assumed is said, and what the caller knows goes before it', async () => {
  const paper = { ...SMALL, relativePositions: 'none', absolutePositions: true } as const
  const shapes = await shapesOf({ ...paper, hiddenSize: 128, heads: 4 })
  const assumed = inferArchitecture('model.pth', shapes)
  is(assumed.architecture.heads, 2)
  match(assumed.notes.join(), /heads 2 is assumed, for 64 channels/)
  equal(inferArchitecture('model.pth', shapes, { heads: 4 }).notes, [])
  await rejects(
    async () => inferArchitecture('model.pth', await shapesOf(paper)),
    'ERR_INVALID_ARGUMENT',
    /model\.pth .*attention heads.*24 is no multiple of 64\. Pass heads/,
  )
  const nothing = await shapesOf({ ...SMALL, hiddenSize: 64, heads: 1, relativePositions: 'none' })
  match(inferArchitecture('model.pth', nothing).notes.join(), /imageSize 224 is assumed/)
})

test('the image size of a rectangle has to be told', async () => {
  const shapes = await shapesOf({ ...SMALL, imageSize: [32, 64] })
  await rejects(
    () => inferArchitecture('model.pth', shapes, {}, 8),
    'ERR_INVALID_ARGUMENT',
    /8 patches and 24 rows .* are those of \[32, 64\], \[64, 32\]\. Pass imageSize/,
  )
  const { architecture } = inferArchitecture('model.pth', shapes, { imageSize: [64, 32] }, 8)
  equal(architecture.imageSize, [64, 32])
  // A size that the tensors do not have cannot be the file's, but that of the model to become.
  const square = await shapesOf(SMALL)
  await rejects(
    () => inferArchitecture('model.pth', square, { imageSize: [64, 32] }),
    'ERR_INVALID_ARGUMENT',
    /model\.pth is no file of imageSize \[64, 32\]: its 12 rows .* are those of \[32, 32\]/,
  )
  equal(inferArchitecture('model.pth', square, { modelSize: [64, 32] }).architecture.imageSize, [32, 32])
})

test('the size of the model is taken for that of the file where no square fits, and that is noted', async () => {
  const rectangle = await shapesOf({ ...SMALL, imageSize: [32, 64] })
  const guessed = inferArchitecture('model.pth', rectangle, { modelSize: [64, 32] }, 8)
  equal(guessed.architecture.imageSize, [64, 32])
  match(guessed.notes.join(), /taken for one of imageSize \[64, 32\].*Else pass from/)
  await rejects(
    () => inferArchitecture('model.pth', rectangle, { modelSize: [96, 96] }, 8),
    'ERR_INVALID_ARGUMENT',
    /Pass its own as from: \{ imageSize/,
  )
  const told = { imageSize: [64, 32], modelSize: [32, 64] } as const
  equal(inferArchitecture('model.pth', rectangle, told, 8).architecture.imageSize, [64, 32])
})

test('positions of a square are not taken for those of a rectangle with as many patches', async () => {
  // 14x14 patches; those of [112, 448] are 7x28.
  const paper = { ...SMALL, imageSize: 224, relativePositions: 'none', absolutePositions: true } as const
  const shapes = await shapesOf({ ...paper, hiddenSize: 64, heads: 1 })
  const { architecture, notes } = inferArchitecture('model.pth', shapes, { modelSize: [112, 448], heads: 1 })
  equal(architecture.imageSize, [224, 224])
  match(
    notes.join(),
    /\[224, 224\]; its 196 patches fit \[112, 448\] as well.*from: \{ imageSize: \[112, 448\] \}/,
  )
  const told = inferArchitecture('model.pth', shapes, { imageSize: [112, 448], heads: 1 })
  equal([told.architecture.imageSize, told.notes], [[112, 448], []])
})

test('grids of positions and tables', () => {
  equal(gridsOf(196, 732), [[14, 14]])
  equal(gridsOf(null, 732)[0], [14, 14])
  equal(gridsOf(24, null), [
    [4, 6],
    [6, 4],
    [3, 8],
    [8, 3],
    [2, 12],
    [12, 2],
    [1, 24],
    [24, 1],
  ])
  equal(gridsOf(24, 7 * 11 + 3), [
    [4, 6],
    [6, 4],
  ])
  equal(gridsOf(25, 732), [])
  equal(gridsOf(null, 9), [])
  equal(gridsOf(9_000_000_000_000_000, null), [])
})

test('shapes that are no BEiT are refused with the tensor that shows it', async () => {
  const refused = async (change: (shapes: Map<string, readonly number[]>) => void, message: RegExp) => {
    const shapes = await shapesOf({ ...SMALL, depth: 3 })
    change(shapes)
    await rejects(() => inferArchitecture('model.pth', shapes), 'ERR_CHECKPOINT_MISMATCH', message)
  }
  await refused((shapes) => shapes.delete('patch_embed.proj.weight'), /patch_embed\.proj\.weight is missing/)
  await refused((shapes) => shapes.set('patch_embed.proj.weight', [24, 1, 16, 16]), /\[24, 1, 16, 16\].*RGB/)
  await refused((shapes) => shapes.set('blocks.0.mlp.fc1.weight', [24]), /fc1\.weight has shape \[24\]/)
  await refused(
    (shapes) => shapes.set('blocks.0.attn.relative_position_bias_table', [12, 3]),
    /tables of each block and one that all share/,
  )
  await refused(
    (shapes) => shapes.set('rel_pos_bias.relative_position_bias_table', [13, 3]),
    /no grid of patches has 13 rows/,
  )
  await refused((shapes) => {
    for (const name of [...shapes.keys()]) if (name.startsWith('blocks.1.')) shapes.delete(name)
  }, /has block 2, but no block 1/)
})

test('config.json there and back', () => {
  const config = resolveBeitConfig('beit_large_patch16_384', {
    imageSize: [384, 512],
    relativePositions: 'per-block',
    numClasses: 3,
    pooling: 'cls',
  })
  const json = JSON.parse(
    writeTransformersConfig(config, 'BeitForImageClassification', 'float32', new Set(['norm.weight'])),
  )
  const { architecture, notes } = readTransformersConfig('config.json', json)
  equal(resolveBeitConfig(architecture), config)
  equal(notes, [])
  is(json.layer_norm_eps, 1e-6)
  // Python tells 0 and 0.0 apart, and transformers takes the one for the other nowhere.
  const plain = { ...config, layerScaleInit: 0, dropPath: 0, normEps: 1 }
  const text = writeTransformersConfig(plain, 'BeitModel', 'float32', new Set())
  ok(/"layer_scale_init_value": 0\.0,/.test(text) && /"layer_norm_eps": 1\.0,/.test(text), text)
  ok(/"drop_path_rate": 0,/.test(text) && /"hidden_size": 1024,/.test(text), text)
})

test("what a config.json leaves out has transformers' own defaults, the epsilon of 1e-12 among them", () => {
  const { architecture } = readTransformersConfig('config.json', { model_type: 'beit' })
  equal(
    [architecture.normEps, architecture.relativePositions, architecture.mlpRatio, architecture.pooling],
    [1e-12, 'none', 4, 'mean'],
  )
  ok(!('numClasses' in architecture))
})

test('an architecture that is not BEiT is refused by the name of its option', async () => {
  const refused: [object, RegExp][] = [
    [{ hidden_act: 'relu' }, /hidden_act is "relu"/],
    [{ hidden_size: '768' }, /hidden_size is "768", expected a positive integer/],
    [{ patch_size: [16, 8] }, /patch_size is \[16,8\], expected square/],
    [{ num_channels: 4 }, /num_channels is 4/],
    [{ layer_norm_eps: null }, /layer_norm_eps is null/],
    [{ use_relative_position_bias: true, use_shared_relative_position_bias: true }, /one or the other/],
  ]
  for (const [json, message] of refused) {
    await rejects(() => readTransformersConfig('config.json', json), 'ERR_FORMAT', message)
  }
})

test.run()
