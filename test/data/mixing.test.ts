import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { MixPlan, MixSettings } from '../../lib/native.js'
import { assertEven, assertShares, histogram, moments } from '../support/distribution.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('mixing')

const original: MixSettings = {
  mixup: 0.8,
  cutmix: 1,
  probability: 1,
  switchProbability: 0.5,
  imageSize: [32, 32],
}
const DRAWS = 10_000
const plans = (changes: Partial<MixSettings> = {}, seed = 1, epoch = 0) =>
  Array.from({ length: DRAWS }, (_, batch) =>
    native().mixPlan({ ...original, ...changes }, seed, epoch, batch),
  )
const isPlan = (plan: MixPlan | null): plan is MixPlan => plan !== null
const lambdas = (changes: Partial<MixSettings>) =>
  plans(changes)
    .filter(isPlan)
    .map(({ lambda }) => lambda)

test('lambda of mixup has the Beta distribution', () => {
  assertEven(histogram(lambdas({ mixup: 1, cutmix: 0 }), 20), 'Beta(1, 1) is uniform')
  // The distribution function of Beta(1/2, 1/2) is 2 / pi asin(sqrt(x)).
  const arcsine = (x: number) => (2 / Math.PI) * Math.asin(Math.sqrt(x))
  const shares = (of: (x: number) => number) =>
    Array.from({ length: 10 }, (_, i) => of((i + 1) / 10) - of(i / 10))
  assertShares(histogram(lambdas({ mixup: 0.5, cutmix: 0 }), 10), shares(arcsine), 'Beta(1/2, 1/2)')
  assertShares(
    histogram(lambdas({ mixup: 2, cutmix: 0 }), 10),
    shares((x) => 3 * x ** 2 - 2 * x ** 3),
    'Beta(2, 2)',
  )
  for (const alpha of [0.1, 0.8, 30]) {
    const { mean, variance } = moments(lambdas({ mixup: alpha, cutmix: 0 }))
    const expected = 1 / (4 * (2 * alpha + 1))
    ok(Math.abs(mean - 0.5) < 4 * Math.sqrt(expected / DRAWS), `alpha ${alpha}: mean ${mean}`)
    ok(Math.abs(variance / expected - 1) < 0.06, `alpha ${alpha}: variance ${variance}, expected ${expected}`)
  }
  ok(lambdas({ mixup: 1e-4, cutmix: 0 }).every((lambda) => lambda >= 0 && lambda < 1))
})

test('probabilities of mixing and of CutMix', () => {
  const kinds = (changes: Partial<MixSettings>) => {
    const drawn = plans(changes)
    return [null, 'mixup', 'cutmix'].map(
      (kind) => drawn.filter((plan) => (plan?.kind ?? null) === kind).length,
    )
  }
  // A box of less than one pixel leaves the batch as it is: sqrt(1 - lambda) * 1000 < 1 happens once in a
  // million.
  const imageSize = [1000, 1000] as const
  assertShares(kinds({ probability: 0.7, switchProbability: 0.3, imageSize }), [0.3, 0.49, 0.21], 'both on')
  equal(kinds({ cutmix: 0 }), [0, DRAWS, 0])
  equal(kinds({ mixup: 0, imageSize }), [0, 0, DRAWS])
  equal(kinds({ mixup: 0, cutmix: 0 }), [DRAWS, 0, 0])
  equal(kinds({ probability: 0 }), [DRAWS, 0, 0])
})

test('the box of CutMix has the shape of the image, any pixel in its middle, and lambda its area', () => {
  const [height, width] = [40, 60]
  const drawn = plans({ mixup: 0, imageSize: [height, width] }).filter(isPlan)
  const inside: [number, number][] = []
  for (const { lambda, box } of drawn) {
    if (box === null) throw new Error('CutMix without a box')
    const [top, left, h, w] = box
    ok(top >= 0 && left >= 0 && h >= 1 && w >= 1 && top + h <= height && left + w <= width, `${box}`)
    is(lambda, 1 - (h * w) / (height * width))
    if (top > 0 && left > 0 && top + h < height && left + w < width) inside.push([h, w])
  }
  ok(inside.length > 500, `${inside.length}`)
  // Uncut boxes: h = floor(40 r), w = floor(60 r) of the same r.
  for (const [h, w] of inside)
    ok(Math.max(h / 40, w / 60) < Math.min((h + 1) / 40, (w + 1) / 60), `${h} ${w}`)

  // What rand_bbox of timm 1.0.31 gives on the mean, over 20,000 lambdas of equal distances and all middles,
  // without the boxes of no area.
  const expected = 0.686063
  const { mean, variance } = moments(drawn.map(({ lambda }) => lambda))
  const deviation = Math.sqrt(variance / drawn.length)
  ok(Math.abs(mean - expected) < 4 * deviation, `mean lambda ${mean}, expected ${expected} ± ${deviation}`)
})

test('a side of the box has floor(length * sqrt(1 - lambda)) pixels, odd ones as often as even ones', () => {
  const length = 12
  const drawn = plans({ mixup: 0, imageSize: [length, length] }).filter(isPlan)
  const counts = new Array<number>(length).fill(0)
  for (const { box } of drawn) {
    const [top, left, height, width] = box as readonly [number, number, number, number]
    // Of one that touches no border nothing was cut off.
    if (top === 0 || left === 0 || top + height === length || left + width === length) continue
    is(height, width)
    counts[height] = (counts[height] as number) + 1
  }
  // For uniform lambda sqrt(1 - lambda) has the density 2 r: a side of c has ((c + 1)^2 - c^2) / length^2. Of
  // the `length` places of a middle, length - c - 1 leave a pixel on either side; both ways.
  const sides = Array.from({ length: length - 2 }, (_, i) => i + 1)
  const weights = sides.map((side) => (2 * side + 1) * (length - side - 1) ** 2)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  ok(counts.reduce((sum, count) => sum + count, 0) > 1000)
  assertShares(
    sides.map((side) => counts[side] as number),
    weights.map((weight) => weight / total),
    'sides',
  )
})

test('a plan is a pure function of seed, epoch and batch', () => {
  equal(plans().slice(0, 100), plans().slice(0, 100))
  const differs = (a: (MixPlan | null)[], b: (MixPlan | null)[]) =>
    a.filter((plan, i) => plan?.lambda !== b[i]?.lambda).length
  ok(differs(plans(), plans({}, 2)) > DRAWS * 0.95)
  ok(differs(plans(), plans({}, 1, 1)) > DRAWS * 0.95)
})

test('settings that mean nothing are refused', async () => {
  const refused = (changes: object, message: RegExp) =>
    rejects(() => native().mixPlan({ ...original, ...changes }, 0, 0, 0), 'ERR_INVALID_ARGUMENT', message)
  await refused({ mixup: -1 }, /mixup: expected a number from 0/)
  await refused({ cutmix: Number.NaN }, /cutmix: expected/)
  await refused({ probability: 2 }, /probability: expected/)
  await refused({ switchProbability: -0.1 }, /switchProbability: expected/)
  await refused({ imageSize: [0, 3] }, /imageSize: expected/)
})

test.run()
