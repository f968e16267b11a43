/** Steps of training with the CUDA kernels in the emulator: those of the CPU, drop path included. */
import { equal, is, ok } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { DiscreteVaeReconstruction } from '../../lib/objectives/discrete_vae_reconstruction.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { MicroBatch, TrainerOptions } from '../../lib/train/trainer.js'
import { random } from '../ops/compare.js'
import { suite } from '../support/suite.js'
import { integers, named, randomNumbers, relativeError } from '../support/tensors.js'
import { changed, snapshot } from '../train/golden_training.js'
import { microModel, microTokenizer } from '../train/micro.js'
import { emulating, notEmulated } from './emulated.js'

const test = suite('training by CUDA kernels, emulated')
const OPTIONS: TrainerOptions = {
  betas: [0.9, 0.999],
  eps: 1e-8,
  clipGradient: 3,
  precision: 'fp32',
  seed: 7,
}
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

// Clipped, at rates that change. A large eps: else the first steps are signs, of gradients that are nearly zero too.
const RATES = [1e-2, 3e-3, 2e-2, 1e-3]
const CLIPPED: TrainerOptions = { ...OPTIONS, eps: 1e-4, clipGradient: 0.5, layerDecay: 0.8 }

test.skipIf(notEmulated, 'weights, moments and clipped gradients are those of the CPU', () =>
  scope(async () => {
    const [expected, actual] = [await trained(), await emulating(trained)]
    equal([...actual.keys()], [...expected.keys()])
    for (const [name, tensor] of expected) {
      const error = await relativeError(named(actual, name), tensor)
      ok(error < 1e-4, `${name}: ${error}`)
    }
  }),
)

test.skipIf(
  notEmulated,
  "of a tokenizer, whose convolutions are libtorch's, the update alone has other bits",
  () =>
    scope(async () => {
      const step = async () => {
        const tokenizer = await microTokenizer()
        const objective = new DiscreteVaeReconstruction({ tokenizer, imageSize: [16, 16], noise: false })
        const trainer = await objective.createTrainer(CLIPPED)
        const rates = { learningRate: 1e-3, weightDecay: 0.05, temperature: 0.9 }
        const { loss } = await trainer.step([{ pixels: random([3, 3, 16, 16], 1, 0.2) }], rates)
        return { loss, weights: await tokenizer.stateDict() }
      }
      const [expected, actual] = [await step(), await emulating(step)]
      is(actual.loss, expected.loss)
      for (const [name, tensor] of expected.weights) {
        ok((await relativeError(named(actual.weights, name), tensor)) < 1e-5, name)
      }
      ok(changed(await snapshot(expected.weights), await snapshot(actual.weights)).length > 0)
    }),
)

for (const options of [{ optimize: 'off' }, { optimize: 'off', fused: false }] as const) {
  test.skipIf(notEmulated, `${JSON.stringify(options)} leaves the kernels alone`, () =>
    scope(async () => {
      const [expected, actual] = [
        await snapshot(await trained(options)),
        await snapshot(await emulating(() => trained(options))),
      ]
      equal(changed(expected, actual), [])
    }),
  )
}

test.skipIf(notEmulated, 'a step that is not finite changes nothing, and the next one goes on', () =>
  scope(() =>
    emulating(async () => {
      const model = await microModel({ dropPath: 0, seed: 3 })
      const trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer(CLIPPED)
      const rates = { learningRate: 1e-3, weightDecay: 0.05 }
      await trainer.step([microBatch(0)], rates)
      const weights = await snapshot(await model.stateDict())
      const state = await snapshot(await trainer.state())

      const broken = await microBatch(1).pixels.toFloat32()
      broken[0] = Number.NaN
      const pixels = Tensor.from(broken, [5, 3, 32, 32])
      is((await trainer.step([{ ...microBatch(1), pixels }], rates)).finite, false)
      equal(changed(weights, await snapshot(await model.stateDict())), [])
      // The generator goes on: the same step is not drawn again.
      equal(changed(state, await snapshot(await trainer.state())), ['generator'])

      is((await trainer.step([microBatch(2)], rates)).finite, true)
      const moved = changed(weights, await snapshot(await model.stateDict()))
      const still = [...weights.keys()].filter((name) => !moved.includes(name))
      ok(
        still.every((name) => name.endsWith('relative_position_index')),
        still.join(),
      )
      equal(await integers(named(await trainer.state(), 'step')), [2])
    }),
  ),
)

async function steps() {
  const model = await microModel({ dropPath: 0.6, seed: 3 })
  const trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer(OPTIONS)
  const results = []
  for (let step = 0; step < STEPS; step++) {
    results.push(await trainer.step([microBatch(step)], { learningRate: 1e-3, weightDecay: 0.05 }))
  }
  return results
}

/** Weights, moments and gradients after some steps, by their names. */
async function trained(options: Partial<TrainerOptions> = {}): Promise<Map<string, Tensor>> {
  const model = await microModel({ vocabSize: 33, dropPath: 0, seed: 3 })
  const objective = new MaskedImageModeling({ model, tokenizer: null })
  const trainer = await objective.createTrainer({ ...CLIPPED, ...options })
  for (const [step, learningRate] of RATES.entries()) {
    await trainer.step([microBatch(step)], { learningRate, weightDecay: 0.1 * step })
  }
  const state = await trainer.state()
  state.delete('generator')
  const gradients = [...(await trainer.gradients())].map(
    ([name, tensor]) => [`gradient.${name}`, tensor] as const,
  )
  return new Map([...(await model.stateDict()), ...state, ...gradients])
}

/** Five images of 16 patches, about half of them masked. */
function microBatch(step: number): MicroBatch {
  const mask = Uint8Array.from(randomNumbers(5 * 16, 90 + step), (value) => (value < 0.5 ? 1 : 0))
  const tokens = BigInt64Array.from({ length: 5 * 16 }, (_, i) => BigInt((i * 7 + step) % 32))
  return {
    pixels: random([5, 3, 32, 32], step + 1),
    mask: Tensor.from(mask, [5, 16], { dtype: 'bool' }),
    tokens: Tensor.from(tokens, [5, 16]),
  }
}

function near(actual: number | undefined, expected: number, tolerance: number): void {
  const error = Math.abs((actual ?? Number.NaN) - expected) / Math.abs(expected)
  ok(error <= tolerance, `expected ${expected} within ${tolerance}, got ${actual}`)
}

test.run()
