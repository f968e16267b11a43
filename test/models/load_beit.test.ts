/** Models from files of transformers, timm and the original: golden logits, configurations, reports. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { equal, is, match, not, ok } from 'uvu/assert'
import { convertCheckpoint } from '../../lib/checkpoint/naming/convert.js'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import type { BeitErrorCode } from '../../lib/errors.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { saved, sizes, storage, tensor } from '../support/checkpoint_builder.js'
import { rejects } from '../support/errors.js'
import { fixture } from '../support/golden.js'
import { type Bytes, dictOf, global, number, unicode } from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named, relativeError, tensorsOf, under } from '../support/tensors.js'
import { GOLDEN_CONFIGS } from './golden_beit.js'
import { interopFolder } from './golden_interop.js'

const test = suite('models from elsewhere')
const TOLERANCE = 1e-5

const masked = (model: BeitForMaskedImageModeling, golden: Map<string, Tensor>) =>
  model.forward(named(golden, 'pixels'), { mask: named(golden, 'mask'), allTokens: true })

for (const config of [true, false]) {
  const how = config ? 'with' : 'without'
  test(`transformers' models ${how} their config.json give their logits`, async () => {
    const mim = await interopFolder('hf_mim', { config })
    using model = await BeitForMaskedImageModeling.load(mim.path)
    ok((await relativeError(await masked(model, mim.golden), named(mim.golden, 'logits'))) <= TOLERANCE)
    is(model.loadReport?.config, config ? 'config.json' : 'shapes')
    is(model.loadReport?.naming, 'transformers')
    is(model.config.relativePositions, 'shared')
    const cls = await interopFolder('hf_cls', { config })
    using classifier = await BeitForImageClassification.load(cls.path)
    const logits = await classifier.forward(named(cls.golden, 'pixels'))
    ok((await relativeError(logits, named(cls.golden, 'logits'))) <= TOLERANCE)
    equal([classifier.config.numClasses, classifier.config.relativePositions], [7, 'per-block'])
    const assumed = classifier.loadReport?.lines.some((line) => /normEps 1e-6 is assumed/.test(line))
    is(assumed, !config, 'the epsilon is told where only config.json says it')
  })
}

for (const naming of ['unilm', 'timm', 'transformers'] as const) {
  test(`saved with ${naming}'s names, a model comes back equal, without the library's metadata too`, async () => {
    const { path: from } = await interopFolder('hf_mim')
    using model = await BeitForMaskedImageModeling.load(from, { dropPath: 0.2 })
    const folder = temporary()
    const path = join(folder, 'model.safetensors')
    await model.save(path, { naming })
    using same = await BeitForMaskedImageModeling.load(path)
    equal(same.config, model.config)
    is(same.config.dropPath, 0.2)
    is(same.loadReport?.naming, naming)
    const bare = join(folder, 'bare.safetensors')
    await writeSafetensors(bare, (await readSafetensors(path)).tensors)
    using inferred = await BeitForMaskedImageModeling.load(bare)
    is(inferred.loadReport?.config, naming === 'transformers' ? 'config.json' : 'shapes')
    const expected = await model.stateDict()
    for (const loaded of [same, inferred]) {
      for (const [name, tensor] of await loaded.stateDict()) {
        equal(await tensor.toTypedArray(), await named(expected, name).toTypedArray(), name)
      }
    }
  })
}

test("a state dict of the original's without any metadata", async () => {
  for (const name of ['mim_shared_rel_pos', 'mim_abs_pos_rect'] as const) {
    const tensors = await tensorsOf(fixture(`${name}.safetensors`))
    const path = join(temporary(), 'weights.safetensors')
    await writeSafetensors(path, under('state.', tensors))
    if (name === 'mim_abs_pos_rect') {
      await rejects(
        BeitForMaskedImageModeling.load(path),
        'ERR_INVALID_ARGUMENT',
        /\[96, 64\].*Pass imageSize/,
      )
    }
    const options = name === 'mim_abs_pos_rect' ? { imageSize: [96, 64] as const } : {}
    using model = await BeitForMaskedImageModeling.load(path, options)
    const logits = await model.forward(named(tensors, 'step0.pixels'), { mask: named(tensors, 'step0.mask') })
    ok((await relativeError(logits, named(tensors, 'step0.logits'))) <= TOLERANCE)
    const { heads, hiddenSize, depth } = GOLDEN_CONFIGS[name]
    equal([model.config.heads, model.config.hiddenSize, model.config.depth], [heads, hiddenSize, depth])
  }
})

test('config.json goes before the shapes, metadata before config.json, and options before all', async () => {
  const { path } = await interopFolder('hf_cls')
  const configPath = join(dirname(path), 'config.json')
  const config = JSON.parse(readFileSync(configPath, 'utf8'))
  writeFileSync(configPath, JSON.stringify({ ...config, layer_norm_eps: 1e-12, drop_path_rate: 0.25 }))
  using told = await BeitForImageClassification.load(path)
  equal([told.config.normEps, told.config.dropPath], [1e-12, 0.25])
  using asked = await BeitForImageClassification.load(path, { normEps: 1e-5 })
  is(asked.config.normEps, 1e-5)
  await told.save(path, { naming: 'transformers' })
  writeFileSync(configPath, JSON.stringify({ ...config, layer_norm_eps: 1e-3 }))
  using own = await BeitForImageClassification.load(path)
  equal([own.config.normEps, own.loadReport?.config], [1e-12, 'metadata'])
})

test('a config.json of something else is passed over, a broken one is refused', async () => {
  const { path } = await interopFolder('hf_mim', { config: false })
  const configPath = join(dirname(path), 'config.json')
  writeFileSync(configPath, '{"model_type": "vit"}')
  using model = await BeitForMaskedImageModeling.load(path)
  is(model.loadReport?.config, 'shapes')
  for (const text of ['{"model_type": ', '[1]']) {
    writeFileSync(configPath, text)
    await rejects(BeitForMaskedImageModeling.load(path), 'ERR_FORMAT', /config\.json is not/)
  }
})

test('a config.json that is no regular file or nested without end is refused at once', async () => {
  const { path } = await interopFolder('hf_mim', { config: false })
  const configPath = join(dirname(path), 'config.json')
  const refused = async (code: BeitErrorCode, message: RegExp) => {
    await rejects(BeitForMaskedImageModeling.load(path), code, message)
    rmSync(configPath)
  }
  writeFileSync(configPath, '['.repeat(1_000_000))
  await refused('ERR_FORMAT', /config\.json is not JSON: it is nested more than 100 deep/)
  writeFileSync(configPath, '{"model_type": "beit", "model_type": "vit"}')
  await refused('ERR_FORMAT', /config\.json is not JSON: the name "model_type" occurs twice/)
  writeFileSync(configPath, '')
  truncateSync(configPath, 9_000_000)
  await refused('ERR_FORMAT', /config\.json has 9000000 bytes, over the limit of 8388608/)
  if (process.platform === 'win32') return
  execFileSync('mkfifo', [configPath])
  await refused('ERR_IO', /config\.json: it is not a regular file/)
  symlinkSync('/dev/zero', configPath)
  await refused('ERR_IO', /config\.json: it is not a regular file/)
})

test('a config.json that does not fit the weights is refused', async () => {
  const { path } = await interopFolder('hf_mim')
  const configPath = join(dirname(path), 'config.json')
  const config = JSON.parse(readFileSync(configPath, 'utf8'))
  writeFileSync(configPath, JSON.stringify({ ...config, num_hidden_layers: 3, hidden_size: 51 }))
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_CHECKPOINT_MISMATCH',
    /\[1, 1, 51\], got \[1, 1, 48\]/,
  )
})

test('the other model is refused by what it is, with the way to begin one from it', async () => {
  const { path } = await interopFolder('hf_cls')
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_CHECKPOINT_MISMATCH',
    /holds a BEiT for image classification with transformers' names, expected a beit_for_masked.*vocabSize/,
  )
  const mim = await interopFolder('hf_mim')
  await rejects(BeitForImageClassification.load(mim.path), 'ERR_CHECKPOINT_MISMATCH', /Pass numClasses/)
})

test('a classifier begun from a pre-trained file: its blocks, a table each, a new head by the seed', async () => {
  const { path } = await interopFolder('hf_mim')
  using pretrained = await BeitForMaskedImageModeling.load(path)
  using model = await BeitForImageClassification.load(path, { numClasses: 5, seed: 1 })
  equal([model.config.relativePositions, model.config.numClasses], ['per-block', 5])
  const [before, after] = [await pretrained.stateDict(), await model.stateDict()]
  const numbers = async (state: Map<string, Tensor>, name: string) => named(state, name).toTypedArray()
  equal(await numbers(after, 'blocks.1.attn.qkv.weight'), await numbers(before, 'blocks.1.attn.qkv.weight'))
  const shared = await numbers(before, 'rel_pos_bias.relative_position_bias_table')
  for (const i of [0, 1]) equal(await numbers(after, `blocks.${i}.attn.relative_position_bias_table`), shared)
  using again = await BeitForImageClassification.load(path, { numClasses: 5, seed: 1 })
  using other = await BeitForImageClassification.load(path, { numClasses: 5, seed: 2 })
  const head = await numbers(after, 'head.weight')
  ok((head as Float32Array).some((x) => x !== 0))
  equal(await numbers(await again.stateDict(), 'head.weight'), head)
  not.equal(await numbers(await other.stateDict(), 'head.weight'), head)
  const done = new Set(model.loadReport?.adaptations.map(({ what }) => what))
  equal([...done].sort(), ['dropped', 'expanded', 'initialised'])
})

test('a model of another image size is adapted, and the report says so', async () => {
  const { path } = await interopFolder('hf_cls')
  using model = await BeitForImageClassification.load(path, { imageSize: [96, 64] })
  equal(model.grid, [6, 4])
  const table = named(await model.stateDict(), 'blocks.0.attn.relative_position_bias_table')
  equal(table.shape, [11 * 7 + 3, 3])
  match(model.loadReport?.lines.join('\n') ?? '', /resized: .* from 4x4 to 6x4/)
  await rejects(
    BeitForImageClassification.load(path, { depth: 3 }),
    'ERR_CHECKPOINT_MISMATCH',
    /depth 2, the model 3/,
  )
})

test('a file that does not tell its size: a square is resized, a rectangle by what is said of it', async () => {
  const path = join(temporary(), 'weights.safetensors')
  const paper = { relativePositions: 'none', absolutePositions: true, layerScaleInit: 0 } as const
  const small = { ...paper, imageSize: 64, hiddenSize: 64, depth: 1, heads: 1, vocabSize: 9 } as const
  using model = await BeitForMaskedImageModeling.create(small, { seed: 1 })
  await writeSafetensors(path, await model.stateDict())
  const positions = async (loaded: BeitForMaskedImageModeling) =>
    named(await loaded.stateDict(), 'pos_embed').toTypedArray()
  // 4x4 patches, and as many as 2x8.
  using resized = await BeitForMaskedImageModeling.load(path, { imageSize: [32, 128] })
  match(resized.loadReport?.lines.join('\n') ?? '', /fit \[32, 128\] as well.*\nresized: .* from 4x4 to 2x8/s)
  not.equal(await positions(resized), await positions(model))
  const from = { imageSize: [32, 128] } as const
  using same = await BeitForMaskedImageModeling.load(path, { from, imageSize: [32, 128] })
  equal(await positions(same), await positions(model))
  using rectangle = await BeitForMaskedImageModeling.load(path, { from })
  equal(rectangle.config.imageSize, [32, 128])
  using other = await BeitForMaskedImageModeling.load(path, { from, imageSize: [64, 64] })
  match(other.loadReport?.lines.join('\n') ?? '', /resized: absolute positions from 2x8 to 4x4/)
  await rejects(
    BeitForMaskedImageModeling.load(path, { from: { imageSize: 48 } }),
    'ERR_INVALID_ARGUMENT',
    /no file of imageSize \[48, 48\]/,
  )
  await rejects(
    BeitForMaskedImageModeling.load(path, { from: { heads: 1 } as object }),
    'ERR_INVALID_ARGUMENT',
    /load: from has no option 'heads'/,
  )
})

test('a configuration in the file that is none is refused, before anything is made by it', async () => {
  const folder = temporary()
  const [path, output] = [join(folder, 'model.safetensors'), join(folder, 'out.pth')]
  using model = await BeitForMaskedImageModeling.create({ imageSize: 32, hiddenSize: 12, depth: 1, heads: 1 })
  const state = await model.stateDict()
  const cases: [object | string, RegExp][] = [
    ['{"imageSize": ', /config in its metadata is not JSON/],
    ['['.repeat(100_000), /config in its metadata is not JSON: it is nested more than 100 deep/],
    [' '.repeat(2 ** 20 + 1), /config in its metadata has 1048577 characters, over the limit of 1048576/],
    ['[]', /patchSize is undefined/],
    [
      { imageSize: [1e6, 1e6] },
      /imageSize is \[1000000,1000000\], expected \[height, width\], multiples of 16/,
    ],
    [{ imageSize: '32' }, /imageSize is "32"/],
    [{ depth: 1e9 }, /depth is 1000000000, expected an integer from 1 to 1024/],
    [{ heads: '1' }, /heads is "1"/],
    [{ normEps: -1 }, /normEps is -1, expected a number from 1e-12 to 1/],
    [{ relativePositions: {} }, /relativePositions is \{\}/],
    [{ pooling: 'max' }, /pooling is "max"/],
    [{ colour: 'red' }, /model\.safetensors: the config in its metadata: there is no option 'colour'/],
  ]
  for (const [config, message] of cases) {
    const text = typeof config === 'string' ? config : JSON.stringify({ ...model.config, ...config })
    await writeSafetensors(path, state, { kind: 'beit_for_masked_image_modeling', config: text })
    await rejects(BeitForMaskedImageModeling.load(path), 'ERR_FORMAT', message)
    await rejects(convertCheckpoint(path, output, { to: 'unilm' }), 'ERR_FORMAT', message)
  }
  // A grid of a hundred million pairs of patches, were it made.
  const wide = JSON.stringify({ ...model.config, imageSize: [16, 65_536] })
  await writeSafetensors(path, state, { kind: 'beit_for_masked_image_modeling', config: wide })
  for (const work of [
    BeitForMaskedImageModeling.load(path),
    convertCheckpoint(path, output, { to: 'unilm' }),
  ]) {
    await rejects(
      work,
      'ERR_CHECKPOINT_MISMATCH',
      /relative_position_bias_table has shape \[8194, 1\], got \[12, 1\]/,
    )
  }
})

test('positions that the configuration asks for and the file lacks, and the other way round', async () => {
  const folder = temporary()
  const [path, output] = [join(folder, 'model.safetensors'), join(folder, 'out.pth')]
  const small = { imageSize: 32, hiddenSize: 12, depth: 1, heads: 1 } as const
  using shared = await BeitForMaskedImageModeling.create(small)
  using perBlock = await BeitForMaskedImageModeling.create({ ...small, relativePositions: 'per-block' })
  using absolute = await BeitForMaskedImageModeling.create({ ...small, absolutePositions: true })
  // No tensor of theirs has another shape than such a large model has under its name.
  const large = { imageSize: [1024, 1024] }
  const cases: [BeitForMaskedImageModeling, object, RegExp][] = [
    [
      perBlock,
      { ...large, relativePositions: 'shared' },
      /rel_pos_bias\.\S+ has shape \[16132, 1\], got none/,
    ],
    [perBlock, { ...large, relativePositions: 'none' }, /blocks\.0\.attn\.\S+ has no place, got \[12, 1\]/],
    [shared, { ...large, relativePositions: 'none' }, /rel_pos_bias\.\S+ has no place, got \[12, 1\]/],
    [shared, { ...large, relativePositions: 'per-block' }, /blocks\.0\.attn\.\S+ has shape .*, got none/],
    [
      shared,
      { imageSize: [32_768, 32_768], relativePositions: 'none', absolutePositions: true },
      /pos_embed has shape \[1, 4194305, 12\], got none/,
    ],
    [absolute, { absolutePositions: false }, /pos_embed has no place, got \[1, 5, 12\]/],
  ]
  for (const [model, config, message] of cases) {
    await writeSafetensors(path, await model.stateDict(), {
      kind: 'beit_for_masked_image_modeling',
      config: JSON.stringify({ ...model.config, ...config }),
    })
    await rejects(BeitForMaskedImageModeling.load(path), 'ERR_CHECKPOINT_MISMATCH', message)
    await rejects(convertCheckpoint(path, output, { to: 'unilm' }), 'ERR_CHECKPOINT_MISMATCH', message)
  }
  const state = new Map(await shared.stateDict())
  state.delete('patch_embed.proj.weight')
  const config = JSON.stringify({ ...shared.config, imageSize: [1024, 1024], patchSize: 512 })
  await writeSafetensors(path, state, { kind: 'beit_for_masked_image_modeling', config })
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_CHECKPOINT_MISMATCH',
    /patch_embed\.proj\.weight has shape \[12, 3, 512, 512\], got none/,
  )
})

test('a small file of a long row of patches cannot ask for gigabytes of indices', async () => {
  const folder = temporary()
  const [path, output] = [join(folder, 'model.safetensors'), join(folder, 'out.pth')]
  const small = { imageSize: [1, 2], patchSize: 1, hiddenSize: 1, depth: 1, heads: 1, vocabSize: 2 } as const
  using model = await BeitForMaskedImageModeling.create(small)
  const state = await model.stateDict()
  state.delete('rel_pos_bias.relative_position_index')
  const name = 'rel_pos_bias.relative_position_bias_table'
  for (const columns of [65_536, 16_384]) {
    const rows = 2 * columns - 1 + 3
    state.set(name, Tensor.from(new Float32Array(rows), [rows, 1]))
    const config = JSON.stringify({ ...model.config, imageSize: [1, columns] })
    await writeSafetensors(path, state, { kind: 'beit_for_masked_image_modeling', config })
    const message = new RegExp(`for 1x${columns} patches would take ${8 * (columns + 1) ** 2} bytes`)
    await rejects(BeitForMaskedImageModeling.load(path), 'ERR_FORMAT', message)
    await rejects(convertCheckpoint(path, output, { to: 'unilm' }), 'ERR_FORMAT', message)
  }
})

test('wrong options are named', async () => {
  const { path } = await interopFolder('hf_mim')
  await rejects(
    BeitForMaskedImageModeling.load(path, { head: 3 } as object),
    'ERR_INVALID_ARGUMENT',
    /no option 'head'.*heads/,
  )
  using model = await BeitForMaskedImageModeling.load(path)
  await rejects(model.save(path, { naming: 'jax' as 'timm' }), 'ERR_INVALID_ARGUMENT', /naming .* "jax"/)
})

test('an unreadable tensor stops a load where the model needs it, and a foreign one with advice that helps', async () => {
  const path = join(temporary(), 'lightning.ckpt')
  const small = { imageSize: 32, hiddenSize: 12, depth: 1, heads: 1, vocabSize: 9 } as const
  using model = await BeitForMaskedImageModeling.create(small)
  const weights = await model.parameterShapes()
  const product = (numbers: readonly number[]) => numbers.reduce((a, b) => a * b, 1)
  const largest = Math.max(...weights.map(({ shape }) => product(shape)))
  const zeros = (shape: readonly number[]) =>
    tensor({
      storage: storage({ count: number(largest) }),
      shape: sizes(...shape),
      strides: sizes(...shape.map((_, i) => product(shape.slice(i + 1)))),
    })
  const complex = tensor({
    storage: storage({ class: global('torch', 'ComplexFloatStorage'), key: unicode('1'), count: number(12) }),
    shape: sizes(1, 1, 12),
    strides: sizes(12, 12, 1),
  })
  const write = (more: Record<string, Bytes>, prefix = 'model.') => {
    const state = Object.fromEntries(weights.map(({ name, shape }) => [prefix + name, zeros(shape)]))
    const value = dictOf({ state_dict: dictOf({ ...state, ...more }) })
    writeFileSync(path, saved(value, { 0: Buffer.alloc(4 * largest), 1: Buffer.alloc(96) }))
  }
  write({ 'criterion.weight': zeros([4]), 'model.freqs': complex, 'ema.cls_token': complex })
  using loaded = await BeitForMaskedImageModeling.load(path)
  match(
    loaded.loadReport?.lines.join('\n') ?? '',
    /left out, outside 'model\.', where the model stands: criterion\.weight, ema\.cls_token\n.*complex.*: model\.freqs/,
  )
  write({ 'model.cls_token': complex })
  await rejects(BeitForMaskedImageModeling.load(path), 'ERR_FORMAT', /'model\.cls_token': complex64/)
  write({ 'criterion.weight': zeros([4]) }, '')
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_CHECKPOINT_MISMATCH',
    /unexpected \(1\): criterion\.weight\. To take what fits, use loadStateDict with strict: false/,
  )
})

test('index buffers and a bias of the keys are left out, and that is told', async () => {
  const { path } = await interopFolder('hf_mim')
  const { tensors } = await readSafetensors(path)
  const bias = named(tensors, 'beit.layers.0.attention.q_proj.bias')
  const extra = new Map([...tensors, ['beit.layers.0.attention.k_proj.bias', bias]])
  await writeSafetensors(path, extra)
  using model = await BeitForMaskedImageModeling.load(path)
  equal(
    model.loadReport?.dropped.map(({ name }) => name),
    ['beit.layers.0.attention.k_proj.bias'],
  )
  match(
    model.loadReport?.lines.join('\n') ?? '',
    /left out, .*softmax: beit\.layers\.0\.attention\.k_proj\.bias/,
  )
})

test.run()
