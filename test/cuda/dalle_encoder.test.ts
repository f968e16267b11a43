/** The encoder of the DALL-E tokenizer as a GPU computes it, in the emulator: the tokens of the plain one. */
import { equal, ok } from 'uvu/assert'
import { randomTokenizer } from '../../bench/performance/tokenizer.js'
import { native } from '../../lib/binding.js'
import { scope } from '../../lib/dispose.js'
import { Tensor } from '../../lib/tensor.js'
import type { DalleTokenizer } from '../../lib/tokenizers/dalle_tokenizer.js'
import { randomDalle } from '../support/random_dalle.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'
import { emulating, notEmulated } from './emulated.js'

const test = suite('DALL-E tokenizer of a GPU, emulated')

const CONFIG = {
  vocabSize: 1100,
  hiddenSize: 32,
  decoderInputSize: 0,
  blocksPerGroup: 1,
  decoder: false,
} as const
const [IMAGES, HEIGHT, WIDTH] = [2, 48, 40]
const PLACES = (IMAGES * HEIGHT * WIDTH) / 64

test.skipIf(notEmulated, 'numbers and bytes, all places and some, and after the weights have changed', () =>
  scope(async () => {
    const { bytes, numbers } = patchwork()
    const tokenizer = await randomTokenizer(CONFIG, numbers)
    const all = Array.from({ length: PLACES }, (_, place) => place)
    const expected = await tokens(tokenizer, numbers, all, 'fp32', 'off')
    ok(new Set(expected).size > 20, `only ${new Set(expected).size} different tokens`)
    const some = all.filter((place) => place % 3 === 1).reverse()
    await emulating(async () => {
      for (const pixels of [numbers, bytes]) {
        equal(await tokens(tokenizer, pixels, all, 'fp32'), expected)
        const half = await tokens(tokenizer, pixels, all, 'bf16')
        const share = half.filter((token, i) => token === expected[i]).length / PLACES
        ok(share >= 0.9, `in bf16 ${share} of the tokens are equal`)
        equal(
          await tokens(tokenizer, pixels, some, 'bf16'),
          some.map((place) => half[place]),
        )
      }
      equal(await tokens(tokenizer, numbers, [], 'bf16'), [])
      equal(Array.from(await (await tokenizer.encode(numbers)).toTypedArray(), Number), expected)
    })

    const other = await randomDalle(CONFIG, 2)
    await tokenizer.loadStateDict(await other.stateDict())
    const changed = await tokens(tokenizer, numbers, all, 'fp32', 'off')
    ok(changed.some((token, i) => token !== expected[i]))
    await emulating(async () => equal(await tokens(tokenizer, numbers, all, 'fp32'), changed))
  }),
)

async function tokens(
  tokenizer: DalleTokenizer,
  pixels: Tensor,
  places: readonly number[],
  precision: 'fp32' | 'bf16',
  optimize: 'auto' | 'off' = 'auto',
): Promise<number[]> {
  const rows = Tensor.from(BigInt64Array.from(places, BigInt), [places.length])
  const settings = { precision, optimize }
  const handle = await native().tokenizerEncodeRows(tokenizer.handle, pixels.handle, rows.handle, settings)
  return Array.from(await new Tensor(handle).toTypedArray(), Number)
}

/** A colour of its own for each place, and noise on it. */
function patchwork(): { bytes: Tensor; numbers: Tensor } {
  const shape = [IMAGES, 3, HEIGHT, WIDTH]
  const random = randomNumbers(IMAGES * 3 * HEIGHT * WIDTH + 3 * PLACES, 7)
  const values = Uint8Array.from({ length: IMAGES * 3 * HEIGHT * WIDTH }, (_, i) => {
    const [plane, y, x] = [Math.floor(i / HEIGHT / WIDTH), Math.floor(i / WIDTH) % HEIGHT, i % WIDTH]
    const place = (plane * (HEIGHT / 8) + Math.floor(y / 8)) * (WIDTH / 8) + Math.floor(x / 8)
    return 180 * (random[place] as number) + 75 * (random[3 * PLACES + i] as number)
  })
  return {
    bytes: Tensor.from(values, shape),
    numbers: Tensor.from(
      Float32Array.from(values, (value) => Math.fround(value) / 255),
      shape,
    ),
  }
}

test.run()
