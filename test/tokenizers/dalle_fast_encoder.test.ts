/** The fast encoder of the DALL-E tokenizer gives the tokens of the plain one. */
import { equal, is, not } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { DalleTokenizer } from '../../lib/tokenizers/dalle_tokenizer.js'
import { randomDalle } from '../support/random_dalle.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'

const test = suite('fast encoder of the DALL-E tokenizer')

// The narrowest network that it takes: others go the plain way.
const CONFIG = {
  vocabSize: 1100,
  hiddenSize: 256,
  decoderInputSize: 0,
  blocksPerGroup: 1,
  decoder: false,
} as const
const [HEIGHT, WIDTH, IMAGES] = [24, 40, 3]
const PATCHES = (HEIGHT / 8) * (WIDTH / 8)

test('the same tokens, place by place, of some places and of all, and after the weights have changed', () =>
  scope(async () => {
    const tokenizer = await randomDalle(CONFIG, 1)
    const pixels = patchwork()
    const all = Array.from(await (await tokenizer.encode(pixels)).toTypedArray(), Number)
    equal(some(all), await plainTokens(tokenizer, pixels))
    is(new Set(all).size >= 4, true, `${new Set(all).size} different tokens`)

    // The masked places of a batch, as a training step asks for them.
    const mask = Uint8Array.from({ length: IMAGES * PATCHES }, (_, i) => (i % 3 === 0 ? 1 : 0))
    const expected = new Array<number>(CONFIG.vocabSize).fill(0)
    for (const [place, token] of all.entries()) if (mask[place]) expected[token] = (expected[token] ?? 0) + 1
    equal(await counts(tokenizer, pixels, mask, 'auto'), expected)

    const other = await randomDalle(CONFIG, 2)
    await tokenizer.loadStateDict(await other.stateDict())
    const changed = Array.from(await (await tokenizer.encode(pixels)).toTypedArray(), Number)
    not.equal(changed, all)
    equal(some(changed), await plainTokens(other, pixels))
  }))

/** Places that the plain path is asked for: it takes a pass for each. */
const some = (tokens: number[]) => tokens.filter((_, place) => place % 4 === 1)

/** Their tokens by the plain path: a step counts the tokens of the masked places, here of one. */
async function plainTokens(tokenizer: DalleTokenizer, pixels: Tensor): Promise<number[]> {
  const tokens: number[] = []
  for (const place of some(Array.from({ length: IMAGES * PATCHES }, (_, i) => i))) {
    const mask = new Uint8Array(IMAGES * PATCHES)
    mask[place] = 1
    tokens.push((await counts(tokenizer, pixels, mask, 'off')).indexOf(1))
  }
  return tokens
}

/** How often each token is at the masked places. */
async function counts(
  tokenizer: DalleTokenizer,
  tokenPixels: Tensor,
  mask: Uint8Array,
  optimize: 'auto' | 'off',
): Promise<number[]> {
  const model = await BeitForMaskedImageModeling.create(
    { imageSize: [HEIGHT, WIDTH], patchSize: 8, hiddenSize: 16, depth: 1, heads: 1 },
    { vocabSize: CONFIG.vocabSize, seed: 0 },
  )
  const trainer = await new MaskedImageModeling({ model, tokenizer }).createTrainer({
    betas: [0.9, 0.999],
    eps: 1e-8,
    clipGradient: null,
    precision: 'fp32',
    seed: 0,
    optimize,
  })
  const { tokenCounts } = await trainer.evaluate({
    pixels: Tensor.from(new Float32Array(IMAGES * 3 * HEIGHT * WIDTH), [IMAGES, 3, HEIGHT, WIDTH]),
    tokenPixels,
    mask: Tensor.from(mask, [IMAGES, PATCHES], { dtype: 'bool' }),
  })
  return Array.from(tokenCounts, Number)
}

/** A colour of its own for each place, and noise on it: random weights give most noise the same token. */
function patchwork(): Tensor {
  const [planes, pixels] = [IMAGES * 3 * PATCHES, IMAGES * 3 * HEIGHT * WIDTH]
  const numbers = randomNumbers(planes + pixels, 7)
  const colours = numbers.subarray(0, planes).map((value) => (value < 0.5 ? 0 : 0.7))
  const values = numbers.subarray(planes).map((noise, i) => {
    const [plane, y, x] = [Math.floor(i / HEIGHT / WIDTH), Math.floor(i / WIDTH) % HEIGHT, i % WIDTH]
    const place = Math.floor(y / 8) * (WIDTH / 8) + Math.floor(x / 8)
    return (colours[plane * PATCHES + place] as number) + 0.3 * noise
  })
  return Tensor.from(values, [IMAGES, 3, HEIGHT, WIDTH])
}

test.run()
