/** The convolutions of the fast tokenizer: Winograd and packed products against libtorch's in float64. */
import { ok } from 'uvu/assert'
import type { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { relativeError } from '../support/tensors.js'
import { distance, EXACT, FAST, random, run } from './compare.js'

const test = suite('packed convolution')

// Sizes with tiles cut off on both sides, more tiles than one piece holds, channels that are no multiple of a panel.
const SHAPES = [
  { images: 1, height: 4, width: 4, inputs: 16, outputs: 16 },
  { images: 2, height: 7, width: 9, inputs: 64, outputs: 48 },
  { images: 3, height: 30, width: 33, inputs: 80, outputs: 32 },
  { images: 2, height: 14, width: 14, inputs: 320, outputs: 144 },
  { images: 1, height: 5, width: 3, inputs: 128, outputs: 272 },
]

for (const kernels of ['vector', 'scalar'] as const) {
  for (const { images, height, width, inputs, outputs } of SHAPES) {
    // The twin takes a number at a time.
    if (kernels === 'scalar' && images * height * width * inputs * outputs > 4e6) continue
    const name = `${images} x ${height} x ${width}, ${inputs} to ${outputs} channels`
    for (const reluInput of [0, 1]) {
      test(`3x3, ${kernels} kernels, ${name}, ReLU before: ${reluInput}`, async () => {
        const tensors = [
          random([images, height, width, inputs], 1),
          random([outputs, inputs, 3, 3], 2),
          random([outputs], 3),
        ]
        const numbers = { reluInput, scalar: kernels === 'scalar' ? 1 : 0 }
        const error = await errorOf('conv3x3_relu', tensors, numbers)
        ok(error < 3e-6, `relative error ${error}`)
      })
    }
  }
}

for (const scalar of [0, 1]) {
  for (const residual of [false, true]) {
    test(`1x1 with gain, residual ${residual}, scalar ${scalar}`, async () => {
      const tensors = [random([2, 9, 13, 128], 1), random([80, 128, 1, 1], 2), random([80], 3)]
      if (residual) tensors.push(random([2, 9, 13, 80], 4))
      const error = await errorOf('conv1x1', tensors, { gain: 0.25, scalar })
      ok(error < 1e-6, `relative error ${error}`)
    })
  }
}

for (const { images, height, width, inputs, outputs } of SHAPES) {
  // Transforms amplify rounding: about twice the error of a direct convolution of bfloat16 operands.
  test(`3x3 by float16 products, ${images} x ${height} x ${width}, ${inputs} to ${outputs} channels`, async () => {
    const tensors = [
      random([images, height, width, inputs], 1),
      random([outputs, inputs, 3, 3], 2),
      random([outputs], 3),
    ]
    const numbers = { reluInput: 1, scalar: 0 }
    const [exact] = (await run('conv3x3_relu', tensors, numbers, EXACT)).outputs
    const [half] = (await run('conv3x3_relu', tensors, numbers, { precision: 'bf16', optimize: 'auto' }))
      .outputs
    const error = await distance(half as Tensor, exact as Tensor)
    ok(error < 6e-3 && error > 1e-6, `error ${error}`)
  })
}

for (const residual of [false, true]) {
  // Rows of one block of the product and of several, columns that fill no panel.
  for (const [side, outputs] of [
    [9, 80],
    [20, 272],
  ] as const) {
    test(`1x1 by float16 products, ${outputs} channels, residual ${residual}`, async () => {
      const tensors = [random([2, side, 13, 192], 1), random([outputs, 192, 1, 1], 2), random([outputs], 3)]
      if (residual) tensors.push(random([2, side, 13, outputs], 4))
      const numbers = { gain: 0.25, scalar: 0 }
      const [exact] = (await run('conv1x1', tensors, numbers, EXACT)).outputs
      const [half] = (await run('conv1x1', tensors, numbers, { precision: 'bf16', optimize: 'auto' })).outputs
      const error = await distance(half as Tensor, exact as Tensor)
      ok(error < 2e-3 && error > 1e-6, `error ${error}`)
    })
  }
}

test('channels that are no whole groups are refused', async () => {
  const given = (outputs: number, inputs: number, side: number) => [
    random([1, 4, 4, inputs], 1),
    random([outputs, inputs, side, side], 2),
    random([outputs], 3),
  ]
  const refused = (name: string, tensors: Tensor[], numbers: Record<string, number>) =>
    rejects(() => run(name, tensors, numbers, FAST), 'ERR_INVALID_ARGUMENT', /expected multiples of/)
  await refused('conv3x3_relu', given(24, 16, 3), { reluInput: 0, scalar: 0 })
  await refused('conv3x3_relu', given(16, 8, 3), { reluInput: 0, scalar: 0 })
  await refused('conv1x1', given(16, 48, 1), { gain: 1, scalar: 0 })
})

/** Of the fast path in float32 to the plain one in float64. */
async function errorOf(name: string, tensors: Tensor[], numbers: Record<string, number>): Promise<number> {
  const [exact] = (await run(name, tensors, numbers, EXACT)).outputs
  const [fast] = (await run(name, tensors, numbers, FAST)).outputs
  return relativeError(fast as Tensor, exact as Tensor)
}

test.run()
