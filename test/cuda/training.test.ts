/** Steps of training with the CUDA kernels in the emulator: those of the CPU, drop path included. */
import { equal, is, ok } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { random } from '../ops/compare.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'
import { microModel, microTokenizer } from '../train/micro.js'
import { emulating, notEmulated } from './emulated.js'

const test = suite('training by CUDA kernels, emulated')
const OPTIONS = { betas: [0.9, 0.999], eps: 1e-8, clipGradient: 3, precision: 'fp32', seed: 7 } as const
const STEPS = 4

test.skipIf(
  notEmulated,
  'images that drop path leaves out have a scale of zero, and the rest is the same',
  () =>
    scope(async () => {
      const expected = await steps()
      const actual = await emulating(steps)
      for (const [step, { loss, gradientNorm }] of expected.entries()) {
        near(actual[step]?.loss, loss, 1e-5)
        near(actual[step]?.gradientNorm, gradientNorm, 1e-4)
      }
      is(new Set(expected.map(({ loss }) => loss)).size, STEPS)
    }),
)

test.skipIf(notEmulated, 'uint8 images of both views', () =>
  scope(async () => {
    const [expected, actual] = [await bytesStep(), await emulating(bytesStep)]
    near(actual.loss, expected.loss, 1e-5)
    equal(actual.tokenCounts, expected.tokenCounts)
    ok(expected.tokenCounts.filter((count) => count > 0n).length >= 4, 'hardly any different tokens')
  }),
)

async function bytesStep() {
  const [model, tokenizer] = [await microModel({ dropPath: 0 }), await microTokenizer()]
  const trainer = await new MaskedImageModeling({ model, tokenizer }).createTrainer(OPTIONS)
  const images = (side: number, seed: number) => {
    const length = 5 * 3 * side * side
    // A brightness and a colour of its own for each image, and noise.
    const values = Uint8Array.from(
      randomNumbers(length, seed),
      (value, i) => 60 * value + ((Math.floor(i / side / side) * 67) % 190),
    )
    return Tensor.from(values, [5, 3, side, side])
  }
  const batch = {
    pixels: images(32, 1),
    tokenPixels: images(16, 2),
    mask: Tensor.from(new Uint8Array(5 * 16).fill(1), [5, 16], { dtype: 'bool' }),
  }
  return trainer.step([batch as never], { learningRate: 1e-3, weightDecay: 0.05 })
}

async function steps() {
  const model = await microModel({ dropPath: 0.6, seed: 3 })
  const trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer(OPTIONS)
  const results = []
  for (let step = 0; step < STEPS; step++) {
    // (B, N): about half of the 16 patches of five images
    const mask = Uint8Array.from(randomNumbers(5 * 16, 90 + step), (value) => (value < 0.5 ? 1 : 0))
    const tokens = BigInt64Array.from({ length: 5 * 16 }, (_, i) => BigInt((i * 7 + step) % 32))
    const batch = {
      pixels: random([5, 3, 32, 32], step + 1),
      mask: Tensor.from(mask, [5, 16], { dtype: 'bool' }),
      tokens: Tensor.from(tokens, [5, 16]),
    }
    results.push(await trainer.step([batch as never], { learningRate: 1e-3, weightDecay: 0.05 }))
  }
  return results
}

function near(actual: number | undefined, expected: number, tolerance: number): void {
  const error = Math.abs((actual ?? Number.NaN) - expected) / Math.abs(expected)
  ok(error <= tolerance, `expected ${expected} within ${tolerance}, got ${actual}`)
}

test.run()
