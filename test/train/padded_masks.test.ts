/** Masks padded to a fixed number of patches: the rows that are added change nothing but the shapes. */
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { threads } from '../../lib/device.js'
import { scope } from '../../lib/dispose.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { MicroBatch, TrainerOptions } from '../../lib/train/trainer.js'
import { emulating, notEmulated } from '../cuda/emulated.js'
import { random } from '../ops/compare.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { integers, relativeError } from '../support/tensors.js'
import { microModel, microTokenizer } from './micro.js'

const test = suite('padded masks')

// Small operations: a team of threads would take longer to meet than to compute, above all on a busy machine.
await threads(1)

const OPTIONS = { betas: [0.9, 0.999], eps: 1e-8, clipGradient: 3, precision: 'fp32', seed: 7 } as const
const SETTINGS = { learningRate: 1e-3, weightDecay: 0.05 }
const [IMAGES, PATCHES] = [5, 16]
/** Masked patches of the images of each step. Of the second step one image has more than MOST, of the third none have. */
const COUNTS = [
  [6, 5, 6, 4, 6],
  [9, 0, 3, 6, 6],
  [1, 2, 0, 6, 1],
]
const MOST = 6

/** (B, N): of each image the patches first * 5, first * 5 + 3, ... */
function maskOf(counts: readonly number[]): Tensor {
  const mask = new Uint8Array(counts.length * PATCHES)
  for (const [image, count] of counts.entries()) {
    for (let i = 0; i < count; i++) mask[image * PATCHES + ((image * 5 + i * 3) % PATCHES)] = 1
  }
  return Tensor.from(mask, [counts.length, PATCHES], { dtype: 'bool' })
}

test('rows: the masked ones and the first others of each image, rising, as many for every mask', async () => {
  const rows = async (mask: number[][], patches: number) => {
    const shape = [mask.length, (mask[0] as number[]).length]
    const tensor = Tensor.from(Uint8Array.from(mask.flat()), shape, { dtype: 'bool' })
    const settings = { precision: 'fp32', optimize: 'auto' } as const
    const { outputs } = await native().runOperation('padded_rows', [tensor.handle], { patches }, settings)
    return outputs[0] && integers(new Tensor(outputs[0]))
  }
  const mask = [
    [0, 1, 0, 1],
    [0, 0, 0, 0],
    [0, 0, 1, 0],
  ]
  equal(await rows(mask, 2), [1, 3, 4, 5, 8, 10])
  equal(await rows(mask, 1), [1, 3, 10])
  equal(await rows(mask, 4), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  // Three in one image leave three of six places: none for its neighbour's others but those.
  const uneven = [
    [1, 1, 1, 0],
    [0, 0, 0, 1],
    [0, 0, 0, 0],
  ]
  equal(await rows(uneven, 2), [0, 1, 2, 4, 7, 8])
  is(await rows([[1, 1, 1, 0]], 2), null)
  equal(await rows([[1, 1, 1, 0]], 3), [0, 1, 2])
})

interface Case {
  optimize?: TrainerOptions['optimize']
  precision?: TrainerOptions['precision']
  relativePositions?: 'shared' | 'per-block'
  withTokenizer?: boolean
}

/** Results and gradients of three steps of two micro-batches each. */
async function steps(maskedPatches: number | null, how: Case, counts: readonly number[][] = COUNTS) {
  const { optimize = 'auto', precision = 'fp32', relativePositions = 'per-block' } = how
  const model = await microModel({ dropPath: 0.4, seed: 3, relativePositions })
  const tokenizer = how.withTokenizer ? await microTokenizer() : null
  const objective = new MaskedImageModeling({ model, tokenizer, maskedPatches })
  const trainer = await objective.createTrainer({ ...OPTIONS, optimize, precision })
  const results = []
  for (const [step, masked] of counts.entries()) {
    const batch = (seed: number, masked: readonly number[]): MicroBatch => ({
      pixels: random([IMAGES, 3, 32, 32], seed),
      mask: maskOf(masked),
      ...(tokenizer === null
        ? {
            tokens: Tensor.from(
              BigInt64Array.from({ length: IMAGES * PATCHES }, (_, i) => BigInt((i * 7 + seed) % 32)),
              [IMAGES, PATCHES],
            ),
          }
        : {
            tokenPixels: Tensor.from(
              Uint8Array.from({ length: IMAGES * 768 }, (_, i) => (i * 37 + (i % 768) * seed) % 256),
              [IMAGES, 3, 16, 16],
            ),
          }),
    })
    const batches = [batch(2 * step + 1, masked), batch(2 * step + 2, masked.toReversed())]
    const result = await trainer.step(batches, SETTINGS)
    const gradients = new Map<string, Tensor>()
    for (const [name, tensor] of await trainer.gradients())
      gradients.set(name, await tensor.to({ dtype: 'float64' }))
    const evaluation = await trainer.evaluate(batches[0] as MicroBatch)
    results.push({ result, gradients, evaluation })
  }
  return { results, state: await trainer.state() }
}

async function equalSteps(how: Case, tolerance: number): Promise<void> {
  const [expected, actual] = [await steps(null, how), await steps(MOST, how)]
  for (const [step, { result, gradients, evaluation }] of expected.results.entries()) {
    const padded = actual.results[step] as (typeof actual.results)[number]
    for (const [one, other] of [
      [padded.result, result],
      [padded.evaluation, evaluation],
    ] as const) {
      const error = Math.abs(one.loss - other.loss) / Math.abs(other.loss)
      ok(error <= tolerance, `step ${step}: loss ${other.loss}, padded ${one.loss}`)
      equal([one.masked, one.correct, one.finite], [other.masked, other.correct, true])
      equal(one.tokenCounts, other.tokenCounts)
    }
    equal(result.masked, 2 * (COUNTS[step] as number[]).reduce((sum, count) => sum + count))
    const norm = Math.abs(padded.result.gradientNorm / result.gradientNorm - 1)
    ok(norm <= tolerance, `step ${step}: norms differ by ${norm}`)
    equal([...padded.gradients.keys()], [...gradients.keys()])
    for (const [name, gradient] of gradients) {
      const error = await relativeError(padded.gradients.get(name) as Tensor, gradient)
      ok(error <= tolerance, `step ${step}: gradient of ${name} differs by ${error}`)
    }
  }
}

for (const [name, how] of [
  ['fast paths', {}],
  ['the plain path', { optimize: 'off' }],
  ['shared positions and a tokenizer', { relativePositions: 'shared', withTokenizer: true }],
] as const) {
  test(`${name}: loss, gradients and counts are those of the masks as they are`, () =>
    scope(() => equalSteps(how, 1e-6)))
}

test('bf16: the same within its rounding', () => scope(() => equalSteps({ precision: 'bf16' }, 2e-2)))

test.skipIf(notEmulated, 'CUDA kernels, emulated: the same, drop path by scales included', () =>
  scope(() => emulating(() => equalSteps({}, 1e-6))),
)

test('a batch with more masked patches than the padding is left as it is', () =>
  scope(async () => {
    const counts = [[16, 6, 6, 6, 0], COUNTS[0] as number[]]
    const [expected, actual] = [await steps(null, {}, counts), await steps(MOST, {}, counts)]
    // Of a batch that is not padded every bit.
    equal(actual.results[0]?.result, expected.results[0]?.result)
    is(actual.results[0]?.result.masked, 2 * 34)
    is(actual.results[1]?.result.masked, expected.results[1]?.result.masked)
  }))

test('a number of patches that an image does not have is refused', () =>
  scope(async () => {
    const model = await microModel()
    for (const maskedPatches of [0, -1, 17]) {
      const objective = new MaskedImageModeling({ model, tokenizer: null, maskedPatches })
      await rejects(
        () => objective.createTrainer(OPTIONS),
        'ERR_INVALID_ARGUMENT',
        new RegExp(`^maskedPatches: expected 1 to 16, the patches of an image, got ${maskedPatches}$`),
      )
    }
    const objective = new MaskedImageModeling({ model, tokenizer: null, maskedPatches: 1.5 })
    await rejects(() => objective.createTrainer(OPTIONS), 'ERR_INVALID_ARGUMENT', /maskedPatches/)
  }))

test.run()
