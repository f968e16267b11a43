/** The likeliest codes of places by the CUDA kernels in the emulator, against logits by hand. */
import { equal } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { CODE_SHAPES, codeCase, likeliest, namesLikeliest } from './code_cases.js'
import { emulating, notEmulated } from './emulated.js'

const test = suite('CUDA likeliest codes, emulated')
const PRECISIONS = ['fp32', 'bf16'] as const

for (const shape of CODE_SHAPES) {
  test.skipIf(notEmulated, `${shape.join(' x ')} codes`, () => namesLikeliest(shape, 'cpu', emulating))
}

test.skipIf(notEmulated, 'of equal logits the lowest code, in its tile, its chunk and beyond', async () => {
  const [rows, width, codes] = [7, 32, 2300]
  const x = Tensor.from(new Float32Array(rows * width).fill(1), [rows, width])
  for (const largest of [[3, 4], [70, 130, 1023], [1023, 1024], [500, 2299], [2299]]) {
    const weight = new Float32Array(codes * width)
    for (const code of largest) weight.fill(0.5, code * width, (code + 1) * width)
    const tensors = [x, Tensor.from(weight, [codes, width]), Tensor.from(new Float32Array(codes), [codes])]
    for (const precision of PRECISIONS) {
      const named = await likeliest(tensors, precision, 'cpu', emulating)
      equal(named, new Array(rows).fill(largest[0]), `${precision}: ${largest}`)
    }
  }
})

test.skipIf(notEmulated, 'logits that are all negative, or minus infinity, or no number', async () => {
  const [rows, width, codes] = [3, 32, 150]
  const [x, weight] = [new Float32Array(rows * width), new Float32Array(codes * width)].map((values, i) =>
    Tensor.from(values, [i === 0 ? rows : codes, width]),
  ) as [Tensor, Tensor]
  const named = async (bias: Float32Array) =>
    Promise.all(
      PRECISIONS.map((precision) =>
        likeliest([x, weight, Tensor.from(bias, [codes])], precision, 'cpu', emulating),
      ),
    )
  const all = (code: number) => PRECISIONS.map(() => new Array(rows).fill(code))
  equal(await named(Float32Array.from({ length: codes }, (_, i) => -1e30 - 1e29 * Math.abs(i - 99))), all(99))
  equal(await named(new Float32Array(codes).fill(Number.NEGATIVE_INFINITY)), all(0))
  equal(await named(new Float32Array(codes).fill(Number.NaN)), all(0))
})

test.skipIf(notEmulated, 'widths that do not fit take pieces of float32', () =>
  namesLikeliest([9, 40, 1500], 'cpu', emulating),
)

test.skipIf(notEmulated, 'the same codes in every order of the threads', async () => {
  const tensors = await codeCase([140, 64, 1300])
  for (const precision of PRECISIONS) {
    const forward = await likeliest(tensors, precision, 'cpu', emulating)
    const reversed = await likeliest(tensors, precision, 'cpu', (body) => emulating(body, 'reversed'))
    equal(reversed, forward)
  }
})

test.run()
