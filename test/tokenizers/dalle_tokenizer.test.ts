/**
 * The DALL-E dVAE against the released code (large golden file, where it is at hand) and against the small
 * network of test/fixtures/generate_dalle_dvae.py.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { DalleTokenizer } from '../../lib/tokenizers/dalle_tokenizer.js'
import { loadTokenizer } from '../../lib/tokenizers/load_tokenizer.js'
import { rejects } from '../support/errors.js'
import { fixture, golden, missing } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { integers, named, relativeError, tensorsOf } from '../support/tensors.js'

const test = suite('DalleTokenizer')
const small = fixture('dalle_dvae_small.safetensors')
const whole = golden('dalle_dvae.safetensors')

for (const path of [small, whole]) {
  const name = path === small ? 'small network' : 'released code'
  test.skipIf(missing(path), `${name}: logits, equal tokens, picture`, async () => {
    const { state, tensors } = await networkOf(path as string)
    const tokenizer = await DalleTokenizer.fromStateDict(state)
    const pixels = named(tensors, 'pixels')
    ok((await relativeError(await tokenizer.logits(pixels), named(tensors, 'logits'))) <= 1e-5)
    const tokens = await tokenizer.encode(pixels)
    equal(tokens.shape, named(tensors, 'tokens').shape)
    equal(await integers(tokens), await integers(named(tensors, 'tokens')))
    ok((await relativeError(await tokenizer.decode(tokens), named(tensors, 'reconstruction'))) <= 1e-5)
  })
}

test('the sizes follow from the weights', async () => {
  const { state } = await networkOf(small)
  const tokenizer = await DalleTokenizer.fromStateDict(state)
  equal(tokenizer.config, {
    vocabSize: 32,
    hiddenSize: 8,
    decoderInputSize: 12,
    blocksPerGroup: 2,
    decoder: true,
  })
  equal(tokenizer.gridSize([112, 224]), [14, 28])
  equal([...(await tokenizer.stateDict()).keys()].sort(), [...state.keys()].sort())
})

test('74 tensors of an encoder, 76 of a decoder, and the parameters published for 256 channels', async () => {
  const { state } = await networkOf(small)
  const names = [...state.keys()]
  is(names.filter((name) => name.startsWith('encoder.')).length, 74)
  is(names.filter((name) => name.startsWith('decoder.')).length, 76)
  // The same shapes with 256 channels, 8192 tokens and 128 decoder inputs instead of 8, 32 and 12.
  const count = (network: string) => {
    let sum = 0
    for (const [name, { shape }] of state) {
      if (!name.startsWith(network)) continue
      const edges = { input: name.includes('.input.'), output: name.includes('.output.') }
      sum += shape.reduce((product, n, i) => product * published(network, edges, name, n, i), 1)
    }
    return sum
  }
  is(count('encoder.'), 53_786_240)
  is(count('decoder.'), 43_829_766)
})

test('an encoder alone encodes and says that it cannot decode', async () => {
  const { state, tensors } = await networkOf(small)
  const encoder = new Map([...state].filter(([name]) => name.startsWith('encoder.')))
  const tokenizer = await DalleTokenizer.fromStateDict(encoder)
  const tokens = await tokenizer.encode(named(tensors, 'pixels'))
  equal(await integers(tokens), await integers(named(tensors, 'tokens')))
  await rejects(tokenizer.decode(tokens), 'ERR_INVALID_ARGUMENT', /without its decoder/)
})

test('two files with the names of the original, as published', async () => {
  const folder = temporary()
  const { state, tensors } = await networkOf(small)
  for (const network of ['encoder', 'decoder']) {
    const own = [...state].filter(([name]) => name.startsWith(network))
    await writeSafetensors(
      join(folder, `${network}.safetensors`),
      new Map(own.map(([name, tensor]) => [name.slice(network.length + 1), tensor])),
    )
  }
  const encoder = join(folder, 'encoder.safetensors')
  const tokenizer = await DalleTokenizer.load(encoder, { decoder: join(folder, 'decoder.safetensors') })
  const picture = await tokenizer.decode(named(tensors, 'tokens'))
  ok((await relativeError(picture, named(tensors, 'reconstruction'))) <= 1e-5)
  is((await DalleTokenizer.load(encoder)).config.decoder, false)
  is((await loadTokenizer(encoder)).kind, 'dalle')
})

test('saved, loaded by its metadata, and copied to another dtype', async () => {
  const file = join(temporary(), 'dalle.safetensors')
  const { state, tensors } = await networkOf(small)
  const tokenizer = await DalleTokenizer.fromStateDict(state)
  await tokenizer.save(file)
  const loaded = await loadTokenizer(file)
  ok(loaded instanceof DalleTokenizer)
  equal(loaded.config, tokenizer.config)
  const double = await loaded.to({ dtype: 'float64' })
  const pixels = named(tensors, 'pixels')
  equal(await integers(await double.encode(pixels)), await integers(named(tensors, 'tokens')))
})

test('loadTokenizer knows the kinds apart and refuses what is none', async () => {
  const folder = temporary()
  const conv = await ConvDiscreteVae.create({ imageSize: 16, vocabSize: 8, codebookDim: 4, hiddenSize: 4 })
  await conv.save(join(folder, 'conv.safetensors'))
  const loaded = await loadTokenizer(join(folder, 'conv.safetensors'))
  equal([loaded.kind, loaded.vocabSize, loaded.stride], ['conv', 8, 8])
  await writeSafetensors(join(folder, 'other.safetensors'), new Map([['a', Tensor.from([1])]]))
  await rejects(
    loadTokenizer(join(folder, 'other.safetensors')),
    'ERR_FORMAT',
    /no model that is known by its names/,
  )
  await rejects(
    DalleTokenizer.load(join(folder, 'other.safetensors')),
    'ERR_FORMAT',
    /no model that is known by its names, expected a dalle_dvae/,
  )
})

test('other formats are named, with what to do', async () => {
  const folder = temporary()
  const refused = async (bytes: string | Buffer, message: RegExp) => {
    const path = join(folder, 'encoder.pkl')
    writeFileSync(path, bytes)
    await rejects(DalleTokenizer.load(path), 'ERR_FORMAT', message)
    await rejects(loadTokenizer(path), 'ERR_FORMAT', message)
  }
  await refused(Buffer.from('PK\x03\x04what is left of a zip file'), /zip: .*it is cut off, or has a comment/)
  await refused(Buffer.from([0x80, 2, 0x8a, 10]), /pickle: it ends at byte 4, before it is whole/)
  // What `wget -o encoder.pkl URL` leaves behind.
  await refused(
    '--2021-08-01 12:00:00--  https://example.org/encoder.pkl\nResolving',
    /is a text file that begins with "--2021/,
  )
  await refused('', /is empty: perhaps a failed download/)
  await rejects(DalleTokenizer.load(join(folder, 'absent')), 'ERR_IO', /absent/)
})

const encoder = golden('dalle_dvae.encoder.pkl')
const decoder = golden('dalle_dvae.decoder.pkl')
test.skipIf(missing(encoder, decoder, whole), 'the pickled modules, as they were published', async () => {
  const { tensors } = await networkOf(whole as string)
  const tokenizer = await DalleTokenizer.load(encoder as string, { decoder })
  const pixels = named(tensors, 'pixels')
  ok((await relativeError(await tokenizer.logits(pixels), named(tensors, 'logits'))) <= 1e-5)
  const tokens = await tokenizer.encode(pixels)
  equal(await integers(tokens), await integers(named(tensors, 'tokens')))
  ok((await relativeError(await tokenizer.decode(tokens), named(tensors, 'reconstruction'))) <= 1e-5)
  const found = await loadTokenizer(encoder as string)
  equal([found.kind, found.config], ['dalle', { ...tokenizer.config, decoder: false, decoderInputSize: 0 }])
})

test.run()

/** The weights among the tensors of a reference file, and all of them. */
async function networkOf(path: string) {
  const tensors = await tensorsOf(path)
  const state = new Map([...tensors].filter(([name]) => /^(encoder|decoder)\./.test(name)))
  return { state, tensors }
}

/** Size `n` of dimension `i` of a small weight, as it is in the published network. */
function published(
  network: string,
  edges: { input: boolean; output: boolean },
  name: string,
  n: number,
  i: number,
): number {
  const encoder = network === 'encoder.'
  if (i > 1) return n
  if (encoder && edges.input && i === 1) return n
  if (encoder && edges.output && i === 0) return 8192
  if (!encoder && edges.output && i === 0) return n
  if (!encoder && edges.input) return i === 0 ? 128 : 8192
  const first = /group_1\.block_1\.(id_path|res_path\.conv_1)\.w$/.test(name)
  if (!encoder && first && i === 1) return 128
  return n * 32
}
