/** GELU of a product and its bias by the CUDA kernels in the emulator, against float64. */
import { ok } from 'uvu/assert'
import type { Tensor } from '../../lib/tensor.js'
import { distance, EXACT, random, run } from '../ops/compare.js'
import { suite } from '../support/suite.js'
import { emulating, notEmulated, sameBits } from './emulated.js'
import { BFLOAT16, biasGelu, bitsOf, FLOAT32, isNear, mostOf, partsOf } from './row_cases.js'

const test = suite('CUDA bias and GELU, emulated')

// Rows and width: blocks and chunks that are full or not, more columns than a block has.
const SHAPES = [
  [1, 4],
  [3, 5, 12],
  [8, 128],
  [9, 132],
  [300, 40],
  [5, 1028],
  [2, 2048],
]

for (const way of [FLOAT32, BFLOAT16]) {
  for (const shape of SHAPES) {
    test.skipIf(notEmulated, `${way.precision}, ${shape.join(' x ')}`, async () => {
      const one = await biasGelu(shape)
      await isNear(await emulating(() => partsOf(one, way)), one, mostOf(way))
    })
  }
}

test.skipIf(notEmulated, 'far from zero: the number itself, or nothing', async () => {
  const one = await biasGelu([4, 64], 100)
  await isNear(await emulating(() => partsOf(one, FLOAT32)), one, mostOf(FLOAT32))
})

test.skipIf(notEmulated, 'the product before it is made without its bias', async () => {
  const tensors = [random([6, 20], 1), random([32, 20], 2), random([32], 3)]
  const weights = [random([6, 32], 4)]
  const exact = await run('linear_gelu', tensors, {}, EXACT, weights)
  const actual = await emulating(() => run('linear_gelu', tensors, {}, FLOAT32, weights))
  for (const [i, part] of [...actual.outputs, ...actual.gradients].entries()) {
    const error = await distance(part as Tensor, [...exact.outputs, ...exact.gradients][i] as Tensor)
    ok(error < 2e-6, `part ${i}: error ${error}`)
  }
})

test.skipIf(notEmulated, 'equal bits in every run and every order of the threads', async () => {
  const one = await biasGelu([200, 144])
  await sameBits(async () => bitsOf(await partsOf(one, FLOAT32)))
})

test.run()
