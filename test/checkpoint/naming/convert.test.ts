/** Files from one naming and format to another, and back. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { convertCheckpoint } from '../../../lib/checkpoint/naming/convert.js'
import { readCheckpoint } from '../../../lib/checkpoint/read_checkpoint.js'
import { writeCheckpoint } from '../../../lib/checkpoint/write_checkpoint.js'
import { BeitForImageClassification } from '../../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../../lib/tensor.js'
import { ConvDiscreteVae } from '../../../lib/tokenizers/conv_discrete_vae.js'
import { DalleTokenizer } from '../../../lib/tokenizers/dalle_tokenizer.js'
import { loadTokenizer } from '../../../lib/tokenizers/load_tokenizer.js'
import { rejects } from '../../support/errors.js'
import { fixture } from '../../support/golden.js'
import { suite } from '../../support/suite.js'
import { temporary } from '../../support/temporary.js'
import { integers, named, relativeError, tensorsOf } from '../../support/tensors.js'

const test = suite('convertCheckpoint')
const SMALL = {
  imageSize: [32, 48],
  hiddenSize: 24,
  depth: 2,
  heads: 3,
  vocabSize: 9,
  numClasses: 5,
} as const

async function equalFiles(a: string, b: string): Promise<void> {
  const [first, second] = [(await readCheckpoint(a)).tensors, (await readCheckpoint(b)).tensors]
  equal([...second.keys()], [...first.keys()])
  for (const [name, tensor] of first) {
    is(second.get(name)?.dtype, tensor.dtype, name)
    equal(await second.get(name)?.toTypedArray(), await tensor.toTypedArray(), name)
  }
}

for (const Model of [BeitForMaskedImageModeling, BeitForImageClassification]) {
  for (const dtype of ['float32', 'bfloat16'] as const) {
    test(`${Model.name} in ${dtype}: through every naming and format, bits and order stay`, async () => {
      const folder = temporary()
      using model = await Model.create(SMALL, { seed: 2, dtype, dropPath: 0.1 })
      const files = [
        'a.pth',
        'timm.safetensors',
        'b.pth',
        'transformers.pth',
        'c.pth',
        't/model.safetensors',
        'd.pth',
      ]
      mkdirSync(join(folder, 't'))
      const [first, ...steps] = files.map((name) => join(folder, name)) as [string, ...string[]]
      await model.save(first)
      let from = first
      for (const [i, output] of steps.entries()) {
        const to = i % 2 === 1 ? 'unilm' : i === 0 ? 'timm' : 'transformers'
        const report = await convertCheckpoint(from, output, { to })
        is(report.to, to)
        if (to === 'unilm') await equalFiles(first, output)
        from = output
      }
      using back = await Model.load(from, { dtype })
      // transformers has no classes of a model for masked image modelling, and no tokens of a classifier.
      const { numClasses, vocabSize, ...config } = model.config
      equal({ ...back.config, numClasses, vocabSize }, { ...config, numClasses, vocabSize })
    })
  }
}

test('config.json is written beside, and says how the weights are', async () => {
  const folder = temporary()
  using model = await BeitForImageClassification.create(SMALL, { dtype: 'float16', pooling: 'cls' })
  await model.save(join(folder, 'model.pth'))
  const output = join(folder, 'model.safetensors')
  const { outputs, lines } = await convertCheckpoint(join(folder, 'model.pth'), output, {
    to: 'transformers',
  })
  equal(outputs, [output, join(folder, 'config.json'), join(folder, 'preprocessor_config.json')])
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  equal(config.architectures, ['BeitForImageClassification'])
  equal(
    [config.torch_dtype, config.use_mean_pooling, config.layer_norm_eps, config.image_size],
    ['float16', false, 1e-6, [32, 48]],
  )
  is(Object.keys(config.id2label).length, 5)
  match(
    lines.join('\n'),
    /original's names.*left out, transformers computes it.*index.*not square.*wrote .*\nwrote .*\/config\.json/s,
  )
})

test('what a file does not tell is asked for, and taken', async () => {
  const folder = temporary()
  const paths = ['named.pth', 'bare.pth', 'out.pth', 'model.safetensors'].map((name) => join(folder, name))
  const [whole, bare, output, hf] = paths as [string, string, string, string]
  using model = await BeitForMaskedImageModeling.create(SMALL)
  await model.save(whole)
  await writeCheckpoint(bare, (await readCheckpoint(whole)).tensors)
  await rejects(convertCheckpoint(bare, hf, { to: 'transformers' }), 'ERR_INVALID_ARGUMENT', /Pass imageSize/)
  ok(!existsSync(hf))
  await convertCheckpoint(bare, hf, { to: 'transformers', known: { imageSize: [32, 48] } })
  await convertCheckpoint(hf, output, { to: 'unilm' })
  await equalFiles(bare, output)
})

for (const pooling of ['mean', 'cls'] as const) {
  test(`the mask token of transformers' classifiers makes no masked model of them (${pooling})`, async () => {
    const folder = temporary()
    using model = await BeitForImageClassification.create(SMALL, { pooling, seed: 1 })
    const own = join(folder, 'own.pth')
    await model.save(own)
    const theirs = join(folder, 'model.safetensors')
    await convertCheckpoint(own, theirs, { to: 'transformers' })
    const { tensors } = await readCheckpoint(theirs)
    const token = Tensor.from(new Float32Array(24), [1, 1, 24])
    await writeCheckpoint(theirs, new Map([...tensors, ['beit.embeddings.mask_token', token]]))

    for (const to of ['unilm', 'timm'] as const) {
      const output = join(folder, `${to}.safetensors`)
      const { dropped } = await convertCheckpoint(theirs, output, { to })
      equal(
        dropped.filter(({ name }) => !name.includes('index')).map(({ name }) => name),
        ['mask_token'],
      )
      using back = await BeitForImageClassification.load(output)
      equal([back.config.numClasses, back.config.pooling], [5, pooling])
      const [weights, expected] = [await back.stateDict(), await model.stateDict()]
      for (const [name, tensor] of expected)
        equal(await weights.get(name)?.toTypedArray(), await tensor.toTypedArray(), name)
    }
  })
}

test('a classifier with a mask token under the original names is known by its norm', async () => {
  using model = await BeitForImageClassification.create({ ...SMALL, relativePositions: 'per-block' })
  const state = new Map(await model.stateDict())
  state.set('mask_token', Tensor.from(new Float32Array(24), [1, 1, 24]))
  const path = join(temporary(), 'checkpoint.pth')
  await writeCheckpoint(path, state)
  using back = await BeitForImageClassification.load(path, { imageSize: [32, 48] })
  is(back.config.numClasses, 5)
  match(back.loadReport?.lines.join() ?? '', 'dropped: mask_token')
})

test('a BEiT without a head keeps its configuration on the way', async () => {
  const folder = temporary()
  const paths = ['whole.pth', 'bare/model.safetensors', 'bare.pth'].map((name) => join(folder, name))
  const [whole, bare, pth] = paths as [string, string, string]
  mkdirSync(join(folder, 'bare'))
  using model = await BeitForImageClassification.create({
    ...SMALL,
    relativePositions: 'none',
    pooling: 'cls',
  })
  await model.save(whole)
  const { tensors } = await readCheckpoint(whole)
  const config = JSON.stringify(model.config)
  const body = new Map([...tensors].filter(([name]) => !name.startsWith('head.')))
  await writeCheckpoint(pth, body, { metadata: { kind: 'beit', config } })
  const { model: found } = await convertCheckpoint(pth, bare, { to: 'transformers' })
  is(found, 'beit')
  ok((await readCheckpoint(bare)).tensors.has('encoder.layer.1.attention.attention.key.weight'))
  const written = JSON.parse(readFileSync(join(folder, 'bare', 'config.json'), 'utf8'))
  equal([written.architectures, written.num_attention_heads], [['BeitModel'], 3])
  // Nothing in the shapes says 3 heads of 8 channels.
  await convertCheckpoint(bare, pth, { to: 'unilm' })
  using begun = await BeitForImageClassification.load(pth, { numClasses: 2 })
  equal([begun.config.heads, begun.config.imageSize, begun.config.pooling], [3, [32, 48], 'cls'])
})

test('pre-training without its head: config.json says its norm and mask token', async () => {
  const folder = temporary()
  const [whole, bare, hf] = ['whole.pth', 'bare.pth', 'pytorch_model.bin'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  using model = await BeitForMaskedImageModeling.create({ ...SMALL, imageSize: 32 })
  await model.save(whole)
  const { tensors } = await readCheckpoint(whole)
  await writeCheckpoint(bare, new Map([...tensors].filter(([name]) => !name.startsWith('lm_head.'))))
  await convertCheckpoint(bare, hf, { to: 'transformers' })
  const written = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  equal(
    [written.architectures, written.use_mean_pooling, written.use_mask_token],
    [['BeitModel'], false, true],
  )
  // What transformers needs of its norm is no wish for a classifier that pools the class token.
  for (const path of [bare, hf]) {
    using begun = await BeitForImageClassification.load(path, { numClasses: 2 })
    is(begun.config.pooling, 'mean', path)
  }
})

test("DALL-E's tokenizer: the original's file of each part, and FLAVA's codebook", async () => {
  const folder = temporary()
  const [whole, encoder, decoder, flava, back] = ['w', 'e', 'd', 'f', 'b'].map((name) =>
    join(folder, `${name}.safetensors`),
  ) as [string, string, string, string, string]
  const tensors = await tensorsOf(fixture('dalle_dvae_small.safetensors'))
  const state = new Map([...tensors].filter(([name]) => /^(encoder|decoder)\./.test(name)))
  await (await DalleTokenizer.fromStateDict(state)).save(whole)
  await convertCheckpoint(whole, encoder, { to: 'unilm', part: 'encoder' })
  await convertCheckpoint(whole, decoder, { to: 'unilm', part: 'decoder' })
  ok((await readCheckpoint(encoder)).tensors.has('blocks.group_1.block_1.res_path.conv_1.w'))
  const tokenizer = await DalleTokenizer.load(encoder, { decoder })
  is(tokenizer.loadReport?.lines.length, 2)
  const picture = await tokenizer.decode(named(tensors, 'tokens'))
  ok((await relativeError(picture, named(tensors, 'reconstruction'))) <= 1e-5)
  const report = await convertCheckpoint(whole, flava, { to: 'transformers' })
  is(report.dropped.length, 76)
  ok((await readCheckpoint(flava)).tensors.has('blocks.group_1.group.block_1.res_path.path.conv_1.weight'))
  const codebook = await loadTokenizer(flava)
  equal([codebook.kind, (codebook as DalleTokenizer).config.decoder], ['dalle', false])
  equal(
    await integers(await codebook.encode(named(tensors, 'pixels'))),
    await integers(named(tensors, 'tokens')),
  )
  await convertCheckpoint(flava, back, { to: 'unilm', part: 'encoder' })
  await equalFiles(encoder, back)
  await rejects(
    convertCheckpoint(whole, back, { to: 'timm' }),
    'ERR_INVALID_ARGUMENT',
    /timm has no names for a dalle/,
  )
  await rejects(
    convertCheckpoint(whole, back, { to: 'transformers', part: 'decoder' }),
    'ERR_INVALID_ARGUMENT',
    /transformers has no names for .* decoder/,
  )
  await rejects(
    convertCheckpoint(whole, back, { to: 'unilm', part: 'middle' as 'encoder' }),
    'ERR_INVALID_ARGUMENT',
    /part .*encoder or decoder.*"middle"/,
  )
  await convertCheckpoint(whole, flava, { to: 'transformers', part: 'encoder' })
  const model = join(folder, 'beit.safetensors')
  await (await BeitForMaskedImageModeling.create(SMALL)).save(model)
  for (const to of ['unilm', 'timm', 'transformers'] as const) {
    await rejects(
      convertCheckpoint(model, back, { to, part: 'encoder' }),
      'ERR_INVALID_ARGUMENT',
      /part encoder is one of a DALL-E tokenizer, and this is a beit_for_masked/,
    )
  }
  await rejects(
    convertCheckpoint(decoder, back, { to: 'transformers' }),
    'ERR_INVALID_ARGUMENT',
    /has no encoder, so nothing to write/,
  )
})

test("FLAVA's codebook within the whole model", async () => {
  const path = join(temporary(), 'flava.safetensors')
  const tensors = await tensorsOf(fixture('dalle_dvae_small.safetensors'))
  const encoder = new Map([...tensors].filter(([name]) => name.startsWith('encoder.')))
  using tokenizer = await DalleTokenizer.fromStateDict(encoder)
  await tokenizer.save(path, { naming: 'transformers' })
  const codebook = [...(await readCheckpoint(path)).tensors].map(([name, tensor]) => [
    `image_codebook.${name}`,
    tensor,
  ])
  const other = ['flava.text_model.embeddings.position_ids', Tensor.from([1])]
  await writeCheckpoint(path, new Map([...codebook, other] as [string, Tensor][]))
  using loaded = await loadTokenizer(path)
  is(loaded.loadReport?.dropped.length, 1)
  equal(
    await integers(await loaded.encode(named(tensors, 'pixels'))),
    await integers(named(tensors, 'tokens')),
  )
})

test('a convolutional tokenizer without metadata: its sizes are read off', async () => {
  const folder = temporary()
  const [own, bare] = [join(folder, 'own.pth'), join(folder, 'pytorch_model.bin')]
  const sizes = { imageSize: 16, vocabSize: 8, codebookDim: 4, hiddenSize: 6, layers: 2, resBlocks: 2 }
  using tokenizer = await ConvDiscreteVae.create({ ...sizes, outputChannels: 6, seed: 1 })
  await tokenizer.save(own)
  const { tensors } = await readCheckpoint(own)
  await writeCheckpoint(bare, tensors)
  using loaded = (await loadTokenizer(bare)) as ConvDiscreteVae
  const { imageSize, ...config } = loaded.config
  const { imageSize: _, ...expected } = tokenizer.config
  equal(config, expected)
  equal(imageSize, [112, 112])
  equal(
    await (await loaded.stateDict()).get('codebook.weight')?.toTypedArray(),
    await tensors.get('codebook.weight')?.toTypedArray(),
  )
  using same = (await loadTokenizer(own)) as ConvDiscreteVae
  equal(same.config, tokenizer.config)
})

test('files of no known model and wrong options are refused', async () => {
  const path = join(temporary(), 'a.safetensors')
  await writeCheckpoint(path, new Map([['a', Tensor.from([1])]]))
  await rejects(
    convertCheckpoint(path, `${path}.pth`, { to: 'timm' }),
    'ERR_FORMAT',
    /no model that is known/,
  )
  await rejects(
    convertCheckpoint(path, path, { to: 'jax' as 'timm' }),
    'ERR_INVALID_ARGUMENT',
    /to must be unilm/,
  )
  await rejects(convertCheckpoint(path, 'a.onnx', { to: 'timm' }), 'ERR_INVALID_ARGUMENT', /extension/)
})

test.run()
