/** The likeliest codes of places by the CUDA kernels on a GPU, and the tokens of the DALL-E tokenizer there. */
import { equal, ok } from 'uvu/assert'
import { published } from '../../bench/performance/sizes.js'
import { randomTokenizer } from '../../bench/performance/tokenizer.js'
import { native } from '../../lib/binding.js'
import { scope } from '../../lib/dispose.js'
import { Tensor } from '../../lib/tensor.js'
import { CODE_SHAPES, codeCase, likeliest, namesLikeliest } from '../cuda/code_cases.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'

const test = suite('tokens on a GPU', { timeout: 120_000 })
const reason = noGpu ?? (await native().cudaKernelsProblem())
const plainly = <T>(body: () => Promise<T>) => body()

for (const shape of [...CODE_SHAPES, [300, 2048, 8192]] as const) {
  test.skipIf(reason, `${shape.join(' x ')} codes`, () => namesLikeliest(shape, 'cuda', plainly))
}

test.skipIf(reason, 'the same codes twice', async () => {
  const tensors = await codeCase([1000, 512, 8192])
  const [first, second] = [
    await likeliest(tensors, 'bf16', 'cuda', plainly),
    await likeliest(tensors, 'bf16', 'cuda', plainly),
  ]
  equal(second, first)
})

test.skipIf(reason, 'the tokens of the CPU in float32, and nearly all of them in bf16', () =>
  scope(async () => {
    const [images, side] = [4, 112]
    const places = images * (side / 8) ** 2
    const pixels = Tensor.from(randomNumbers(images * 3 * side * side, 3), [images, 3, side, side])
    const tokenizer = await randomTokenizer(published('beit_base_patch16_224', 1).tokenizer, pixels)
    const rows = Tensor.from(
      BigInt64Array.from({ length: places }, (_, i) => BigInt(i)),
      [places],
    )
    const tokens = async (device: string, precision: 'fp32' | 'bf16') => {
      const moved = await tokenizer.to({ device })
      const [given, of] = await Promise.all([pixels, rows].map((tensor) => tensor.to({ device })))
      const settings = { precision, optimize: 'auto' } as const
      const handle = await native().tokenizerEncodeRows(
        moved.handle,
        (given as Tensor).handle,
        (of as Tensor).handle,
        settings,
      )
      const result = new Tensor(handle)
      return Array.from(await result.toTypedArray(), Number)
    }
    const expected = await tokens('cpu', 'fp32')
    for (const [precision, least] of [
      ['fp32', 0.99],
      ['bf16', 0.95],
    ] as const) {
      const actual = await tokens('cuda', precision)
      const share = actual.filter((token, i) => token === expected[i]).length / places
      ok(share >= least, `${precision}: ${share} of the tokens are equal`)
    }
  }),
)

test.run()
