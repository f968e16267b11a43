/** On photographs the DALL-E tokenizer in bf16 gives the tokens of float32 nearly everywhere. */
import { ok } from 'uvu/assert'
import { testImages } from '../../bench/performance/images.js'
import { published } from '../../bench/performance/sizes.js'
import { randomTokenizer } from '../../bench/performance/tokenizer.js'
import { native } from '../../lib/binding.js'
import { Tensor } from '../../lib/tensor.js'
import { data, missing } from '../support/golden.js'
import { suite } from '../support/suite.js'

const test = suite('tokens in bf16', { timeout: 180_000 })

const [IMAGES, SIDE, STRIDE] = [8, 112, 8]
const PATCHES = IMAGES * (SIDE / STRIDE) ** 2

test.skipIf(missing(data('photos')), 'at least 98 % of the patches of photographs', async () => {
  const { pixels } = await testImages(IMAGES, SIDE)
  using tokenizer = await randomTokenizer(published('beit_base_patch16_224', 1).tokenizer, pixels)
  using rows = Tensor.from(
    BigInt64Array.from({ length: PATCHES }, (_, row) => BigInt(row)),
    [PATCHES],
  )
  const tokens = async (precision: 'fp32' | 'bf16') => {
    const settings = { precision, optimize: 'auto' } as const
    const handle = await native().tokenizerEncodeRows(tokenizer.handle, pixels.handle, rows.handle, settings)
    using result = new Tensor(handle)
    return Array.from(await result.toTypedArray(), Number)
  }
  const [exact, half] = [await tokens('fp32'), await tokens('bf16')]
  ok(new Set(exact).size > 100, `only ${new Set(exact).size} different tokens: equal ones would show little`)
  const share = exact.filter((token, i) => token === half[i]).length / PATCHES
  ok(share >= 0.98, `${share} of the tokens are equal`)
})

test.run()
