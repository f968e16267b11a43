/** The native scores of a classifier against softmax, sigmoid and losses written out. */
import { equal, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { ScoringSettings } from '../../lib/native.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'
import { logitsOf, ranked, SIDE, sigmoid, smallClassifier, softmax } from './classifiers.js'

const test = suite('classifierScores')

const SETTINGS: ScoringSettings = {
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  loss: 'cross-entropy',
  precision: 'fp32',
  topK: null,
}
const PLANE = 3 * SIDE * SIDE
const CLASSES = 7
const IMAGES = 5

/** Random images, as tensor and as rows. */
function images() {
  const numbers = randomNumbers(IMAGES * PLANE, 3).map((x) => 4 * x - 2)
  const rows = Array.from({ length: IMAGES }, (_, i) => numbers.subarray(i * PLANE, (i + 1) * PLANE))
  return { pixels: Tensor.from(numbers, [IMAGES, 3, SIDE, SIDE]), rows }
}

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance: number) {
  equal(actual.length, expected.length)
  expected.forEach((value, i) => {
    const difference = Math.abs((actual[i] as number) - value)
    ok(difference <= tolerance * Math.max(1, Math.abs(value)), `[${i}]: ${actual[i]}, expected ${value}`)
  })
}

test('cross-entropy: probabilities are a softmax, the likeliest first, losses of ids and of weights', async () => {
  using model = await smallClassifier({ numClasses: CLASSES })
  const { pixels, rows } = images()
  const logits = await logitsOf(model, rows)
  const ids = [0, 6, 3, 3, 1]
  const targets = Tensor.from(BigInt64Array.from(ids, BigInt))
  const best = await native().classifierScores(model.handle, pixels.handle, targets.handle, {
    ...SETTINGS,
    topK: 3,
  })
  equal(best.classesPerImage, 3)
  equal(
    Array.from(best.classes),
    logits.flatMap((row) => ranked(row).slice(0, 3)),
  )
  near(
    best.probabilities,
    logits.flatMap((row) =>
      softmax(row)
        .sort((a, b) => b - a)
        .slice(0, 3),
    ),
    1e-6,
  )
  near(
    best.losses,
    logits.map((row, i) => -Math.log(softmax(row)[ids[i] as number] as number)),
    1e-6,
  )

  const weights = Array.from(randomNumbers(IMAGES * CLASSES, 9))
  const soft = Tensor.from(Float32Array.from(weights), [IMAGES, CLASSES])
  const all = await native().classifierScores(model.handle, pixels.handle, soft.handle, SETTINGS)
  equal([all.classesPerImage, all.classes.length], [CLASSES, 0])
  near(
    all.probabilities,
    logits.flatMap((row) => softmax(row)),
    1e-6,
  )
  const expected = logits.map((row, i) =>
    softmax(row).reduce((sum, p, id) => sum - (weights[i * CLASSES + id] as number) * Math.log(p), 0),
  )
  near(all.losses, expected, 1e-6)
})

test('binary cross-entropy: each class by itself, the loss their mean', async () => {
  using model = await smallClassifier({ numClasses: CLASSES })
  const { pixels, rows } = images()
  const logits = await logitsOf(model, rows)
  const settings: ScoringSettings = { ...SETTINGS, loss: 'binary-cross-entropy' }
  const there = Array.from({ length: IMAGES * CLASSES }, (_, i) => Number(i % 3 === 0))
  const several = Tensor.from(Float32Array.from(there), [IMAGES, CLASSES])
  const expected = (target: (row: number, id: number) => number) =>
    logits.map((values, row) => {
      const losses = values.map((x, id) => {
        const t = target(row, id)
        return -t * Math.log(sigmoid(x)) - (1 - t) * Math.log(1 - sigmoid(x))
      })
      return losses.reduce((sum, loss) => sum + loss, 0) / CLASSES
    })
  const scores = await native().classifierScores(model.handle, pixels.handle, several.handle, settings)
  near(scores.probabilities, logits.flat().map(sigmoid), 1e-6)
  near(
    scores.losses,
    expected((row, id) => there[row * CLASSES + id] as number),
    1e-6,
  )
  const ids = [0, 6, 3, 3, 1]
  const targets = Tensor.from(BigInt64Array.from(ids, BigInt))
  const one = await native().classifierScores(model.handle, pixels.handle, targets.handle, settings)
  near(
    one.losses,
    expected((row, id) => Number(ids[row] === id)),
    1e-6,
  )
})

test('uint8 pixels are normalised, float ones are not; no targets give no losses', async () => {
  using model = await smallClassifier()
  const bytes = Uint8Array.from(randomNumbers(2 * PLANE, 4), (x) => 256 * x)
  const [mean, std] = [
    [0.4, 0.5, 0.6],
    [0.2, 0.25, 0.3],
  ]
  const channel = (i: number) => Math.floor(i / (SIDE * SIDE)) % 3
  const floats = Float32Array.from(bytes, (value, i) => {
    return (value / 255 - (mean[channel(i)] as number)) / (std[channel(i)] as number)
  })
  const score = (numbers: Uint8Array | Float32Array) =>
    native().classifierScores(model.handle, Tensor.from(numbers, [2, 3, SIDE, SIDE]).handle, null, {
      ...SETTINGS,
      mean,
      std,
    })
  const [raw, normalised] = [await score(bytes), await score(floats)]
  near(raw.probabilities, Array.from(normalised.probabilities), 1e-6)
  equal(raw.losses.length, 0)
})

test('equal scores: the lower id comes first', async () => {
  using model = await smallClassifier({ numClasses: CLASSES })
  const head = Tensor.from(new Float32Array(CLASSES * 16), [CLASSES, 16])
  const bias = Tensor.from(Float32Array.from([0, 1, 0, 1, 0, 1, 0]))
  await model.loadStateDict(
    new Map([
      ['head.weight', head],
      ['head.bias', bias],
    ]),
    { strict: false },
  )
  const { pixels } = images()
  const scores = await native().classifierScores(model.handle, pixels.handle, null, { ...SETTINGS, topK: 6 })
  equal(Array.from(scores.classes.subarray(0, 6)), [1, 3, 5, 0, 2, 4])
})

test('bf16 is near, and wrong targets are refused', async () => {
  using model = await smallClassifier({ numClasses: CLASSES })
  const { pixels } = images()
  const score = (targets: Tensor | null, settings: Partial<ScoringSettings> = {}) =>
    native().classifierScores(model.handle, pixels.handle, targets?.handle ?? null, {
      ...SETTINGS,
      ...settings,
    })
  const exact = await score(null)
  near((await score(null, { precision: 'bf16' })).probabilities, Array.from(exact.probabilities), 0.02)
  const ids = (...values: bigint[]) => Tensor.from(BigInt64Array.from(values))
  // As the addon throws them, before lib/ makes a BeitError of it.
  await rejects(score(ids(0n, 1n, 2n, 7n, 0n)), 'ERR_INVALID_ARGUMENT', /class ids from 0 to 6, got 0 to 7/)
  await rejects(score(ids(0n, -1n, 2n, 3n, 0n)), 'ERR_INVALID_ARGUMENT', /got -1 to 3/)
  await rejects(score(ids(0n)), 'ERR_SHAPE_MISMATCH', /int64 \[5\] or float32 \[5, 7\]/)
  for (const wrong of [Number.NaN, -3, 7]) {
    const weights = Float32Array.from({ length: IMAGES * CLASSES }, (_, i) => (i === 9 ? wrong : 0.5))
    const asked = score(Tensor.from(weights, [IMAGES, CLASSES]))
    await rejects(asked, 'ERR_INVALID_ARGUMENT', /targets: expected weights from 0 to 1/)
  }
  await rejects(score(null, { topK: 8 }), 'ERR_INVALID_ARGUMENT', /topK: expected 1 to 7, got 8/)
})

test.run()
