/** The convolutional dVAE against outputs of the variant that came with BEiT, and what else it promises. */
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { rejects } from '../support/errors.js'
import { fixture } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { integers, named, randomNumbers, relativeError, tensorsOf, under } from '../support/tensors.js'

const test = suite('ConvDiscreteVae')
const GOLDEN = { imageSize: 32, vocabSize: 64, codebookDim: 32, layers: 3, hiddenSize: 16 } as const
const SMALL = { imageSize: 16, vocabSize: 12, codebookDim: 6, layers: 2, hiddenSize: 8 } as const
const path = fixture('conv_dvae.safetensors')

test('logits, tokens and pictures of the original', async () => {
  const tensors = await tensorsOf(path)
  const tokenizer = await ConvDiscreteVae.create(GOLDEN)
  await tokenizer.loadStateDict(under('state.', tensors))
  const pixels = await mapped(named(tensors, 'pixels'))
  ok((await relativeError(await tokenizer.logits(pixels), named(tensors, 'logits'))) <= 1e-5)
  const tokens = await tokenizer.encode(pixels)
  equal([tokens.dtype, tokens.shape], ['int64', [2, 4, 4]])
  equal(await integers(tokens), await integers(named(tensors, 'tokens')))
  const picture = await mapped(named(tensors, 'decoded'))
  ok((await relativeError(await tokenizer.decode(tokens), picture)) <= 1e-5)
})

test("the original's names in its order: codebook, encoder, decoder", async () => {
  const tokenizer = await ConvDiscreteVae.create(GOLDEN)
  const names = [...(await tokenizer.stateDict()).keys()]
  equal([...names].sort(), [...under('state.', await tensorsOf(path)).keys()].sort())
  equal(names.slice(0, 5), [
    'codebook.weight',
    'encoder.0.0.weight',
    'encoder.0.0.bias',
    'encoder.1.net.0.weight',
    'encoder.1.net.0.bias',
  ])
  equal(names.slice(-2), ['decoder.6.weight', 'decoder.6.bias'])
})

test('layers set the stride, residual blocks the names', async () => {
  for (const layers of [1, 2, 4]) {
    const tokenizer = await ConvDiscreteVae.create({ ...SMALL, layers, resBlocks: 2 })
    is(tokenizer.stride, 2 ** layers)
    equal(tokenizer.gridSize([32, 48]), [32 / 2 ** layers, 48 / 2 ** layers])
    const tokens = await tokenizer.encode(images(1, 32, 48))
    equal(tokens.shape, [1, 32 / 2 ** layers, 48 / 2 ** layers])
    equal((await tokenizer.decode(tokens)).shape, [1, 3, 32, 48])
    const names = [...(await tokenizer.stateDict()).keys()]
    ok(names.includes(`encoder.${3 * (layers - 1) + 2}.net.4.bias`))
    ok(names.includes(`encoder.${3 * layers}.weight`))
  }
  const plain = await ConvDiscreteVae.create({ ...SMALL, resBlocks: 0 })
  equal((await plain.stateDict()).get('encoder.1.0.weight')?.shape, [8, 8, 4, 4])
})

test('with six channels the picture is the sigmoid of the first three, mapped back', async () => {
  const tokenizer = await ConvDiscreteVae.create({ ...SMALL, outputChannels: 6, seed: 3 })
  const state = await tokenizer.stateDict()
  is(named(state, 'decoder.4.weight').shape[0], 6)
  // Only the bias is left: the picture is one colour a channel.
  state.set('decoder.4.weight', Tensor.from(new Float32Array(6 * 8), [6, 8, 1, 1]))
  state.set('decoder.4.bias', Tensor.from([0, 1, -20, 5, 5, 5]))
  await tokenizer.loadStateDict(state)
  const picture = await (await tokenizer.decode(await tokenizer.encode(images(1, 16, 16)))).toFloat32()
  const colours = [0, 256, 512].map((i) => picture[i] as number)
  const expected = [0.5, (1 / (1 + Math.exp(-1)) - 0.1) / 0.8, 0]
  for (const [i, colour] of colours.entries()) {
    ok(Math.abs(colour - (expected[i] as number)) < 1e-6, `${colour}`)
  }
})

test("initial weights are PyTorch's: codebook normal, convolutions uniform by their fan-in", async () => {
  const tokenizer = await ConvDiscreteVae.create({
    ...SMALL,
    codebookDim: 64,
    vocabSize: 256,
    hiddenSize: 32,
  })
  const state = await tokenizer.stateDict()
  const codebook = await named(state, 'codebook.weight').toFloat32()
  const variance = codebook.reduce((sum, x) => sum + x * x, 0) / codebook.length
  ok(Math.abs(variance - 1) < 4 * Math.sqrt(2 / codebook.length), `${variance}`)
  // A transposed convolution counts its output channels, a plain one its inputs.
  for (const [name, fanIn] of [
    ['encoder.0.0.weight', 3 * 16],
    ['encoder.1.net.0.weight', 32 * 9],
    ['decoder.0.0.weight', 32 * 16],
    ['decoder.0.0.bias', 32 * 16],
  ] as const) {
    const largest = Math.max(...(await named(state, name).toFloat32()).map(Math.abs))
    const bound = 1 / Math.sqrt(fanIn)
    ok(largest <= bound && largest > 0.8 * bound, `${name}: ${largest} within ${bound}`)
  }
})

test('a seed decides the weights', async () => {
  const weights = async (seed: number) => {
    const tokenizer = await ConvDiscreteVae.create({ ...SMALL, seed })
    return named(await tokenizer.stateDict(), 'encoder.2.0.weight').toFloat32()
  }
  equal(await weights(1), await weights(1))
  ok((await weights(1))[0] !== (await weights(2))[0])
})

test('saved and loaded: same configuration, same tokens', async () => {
  const file = join(temporary(), 'tokenizer.safetensors')
  const tokenizer = await ConvDiscreteVae.create({ ...SMALL, outputChannels: 6, resBlocks: 2, seed: 4 })
  await tokenizer.save(file)
  const loaded = await ConvDiscreteVae.load(file)
  equal(loaded.config, tokenizer.config)
  const pixels = images(2, 16, 32)
  equal(await (await loaded.logits(pixels)).toFloat32(), await (await tokenizer.logits(pixels)).toFloat32())
})

test('wrong configurations and arguments are named', async () => {
  const create = (options: object) => ConvDiscreteVae.create({ ...SMALL, ...options })
  await rejects(create({ vocab: 3 }), 'ERR_INVALID_ARGUMENT', /no option 'vocab'/)
  await rejects(create({ layers: 0 }), 'ERR_INVALID_ARGUMENT', /layers must be an integer from 1 to 8, got 0/)
  await rejects(create({ outputChannels: 4 }), 'ERR_INVALID_ARGUMENT', /outputChannels must be 3 or 6, got 4/)
  await rejects(
    create({ imageSize: 18 }),
    'ERR_INVALID_ARGUMENT',
    /multiple of 2\^layers = 4, got \[18, 18\]/,
  )
  const tokenizer = await create({})
  await rejects(tokenizer.encode(images(1, 16, 18)), 'ERR_INVALID_ARGUMENT', /multiples of 4, got 16x18/)
  await rejects(
    tokenizer.encode(Tensor.from(new Uint8Array(3 * 256), [1, 3, 16, 16])),
    'ERR_INVALID_ARGUMENT',
    /pixels must be float32/,
  )
  await rejects(tokenizer.decode(Tensor.from([[[1]]])), 'ERR_INVALID_ARGUMENT', /tokens must be int64/)
  const tokens = (value: number) => Tensor.from([[[value]]], undefined, { dtype: 'int64' })
  await rejects(
    tokenizer.decode(tokens(12)),
    'ERR_INVALID_ARGUMENT',
    /tokens must be from 0 to 11, got .* 12/,
  )
  await rejects(tokenizer.decode(tokens(-1)), 'ERR_INVALID_ARGUMENT', /from 0 to 11, got values from -1/)
})

test('a file cannot ask for a network larger than itself', async () => {
  const path = join(temporary(), 'tokenizer.safetensors')
  using tokenizer = await ConvDiscreteVae.create({
    imageSize: 16,
    vocabSize: 4,
    codebookDim: 4,
    hiddenSize: 4,
  })
  const config = JSON.stringify({ ...tokenizer.config, vocabSize: 1_048_576, codebookDim: 65_536 })
  await writeSafetensors(path, await tokenizer.stateDict(), { kind: 'conv_discrete_vae', config })
  // 275 GB, were it made.
  await rejects(
    ConvDiscreteVae.load(path),
    'ERR_CHECKPOINT_MISMATCH',
    /codebook\.weight has shape \[1048576, 65536\], got \[4, 4\]/,
  )
})

test.run()

/** From (x - 0.5) / 0.5 to [0, 1]. */
async function mapped(normalised: Tensor): Promise<Tensor> {
  const values = await normalised.toFloat32()
  return Tensor.from(
    values.map((x) => Math.min(1, Math.max(0, 0.5 * x + 0.5))),
    normalised.shape,
  )
}

function images(batch: number, height: number, width: number): Tensor {
  return Tensor.from(randomNumbers(batch * 3 * height * width, 5), [batch, 3, height, width])
}
