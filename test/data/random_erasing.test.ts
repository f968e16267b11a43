import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { ErasingSettings } from '../../lib/native.js'
import { assertEven, assertShares, histogram, moments } from '../support/distribution.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('random_erasing')

const original: ErasingSettings = {
  probability: 0.25,
  minArea: 0.02,
  maxArea: 1 / 3,
  minAspect: 0.3,
  maxAspect: 1 / 0.3,
  count: 1,
}
type Size = readonly [number, number]
const areaOf = ({ box }: { box: readonly number[] }) => (box[2] as number) * (box[3] as number)
const erase = (
  count: number,
  changes: Partial<ErasingSettings> = {},
  size: Size = [32, 32],
  seed = 1,
  epoch = 0,
) =>
  Array.from({ length: count }, (_, index) =>
    native().randomErasing({ ...original, ...changes }, size, seed, epoch, index),
  )

test('a quarter of the images loses one box', () => {
  const drawn = erase(8000)
  const erased = drawn.filter((boxes) => boxes.length > 0)
  assertShares([erased.length, drawn.length - erased.length], [0.25, 0.75], 'erased')
  ok(erased.every((boxes) => boxes.length === 1))
  is(erase(50, { probability: 0 }).flat().length, 0)
  is(erase(50, { probability: 1 }).flat().length, 50)
})

test('sizes are those of an independent draw; a box is never as high or as wide as the image', () => {
  const [height, width] = [40, 30]
  const drawn = erase(6000, { probability: 1 }, [height, width]).flat()
  const fresh = Array.from({ length: 200_000 }, () => independentBox(height, width))
  const compare = (of: (h: number, w: number) => number, name: string) => {
    const ours = histogram(
      drawn.map(({ box: [, , h, w] }) => of(h, w)),
      12,
    )
    const theirs = histogram(
      fresh.map(([h, w]) => of(h, w)),
      12,
    )
    const used = ours.map((_, i) => i).filter((i) => (theirs[i] as number) > 400)
    assertShares(
      used.map((i) => ours[i] as number),
      used.map((i) => (theirs[i] as number) / used.reduce((sum, j) => sum + (theirs[j] as number), 0)),
      name,
    )
  }
  compare((h, w) => (h * w) / (height * width) / 0.36, 'area')
  compare((h, w) => (Math.log(h / w) + 1.4) / 2.8, 'aspect ratio')
  for (const { box } of drawn) {
    const [top, left, h, w] = box
    ok(h >= 1 && w >= 1 && h < height && w < width, `${box}`)
    ok(top >= 0 && left >= 0 && top + h <= height && left + w <= width, `${box}`)
  }
})

/** [height, width] as timm draws it, with a generator of this test. */
let state = 12345
function uniform(): number {
  state = (state + 0x6d2b79f5) | 0
  let bits = Math.imul(state ^ (state >>> 15), 1 | state)
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
}
function independentBox(height: number, width: number, share = 1): [number, number] {
  for (;;) {
    const area = (0.02 + (1 / 3 - 0.02) * uniform()) * height * width * share
    const aspect = Math.exp(Math.log(0.3) + (Math.log(1 / 0.3) - Math.log(0.3)) * uniform())
    const [h, w] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))]
    if (h >= 1 && w >= 1 && h < height && w < width) return [h, w]
  }
}

test('every place of a box alike', () => {
  // 4 x 4 of 8 x 8 always: 25 places.
  const drawn = erase(
    3000,
    { probability: 1, minArea: 0.25, maxArea: 0.25, minAspect: 1, maxAspect: 1 },
    [8, 8],
  ).flat()
  const counts = new Array<number>(25).fill(0)
  for (const { box } of drawn) {
    equal(box.slice(2), [4, 4])
    const place = box[0] * 5 + box[1]
    counts[place] = (counts[place] as number) + 1
  }
  assertEven(counts, 'places')
})

test('the noise is of N(0, 1): three channels of the box', () => {
  const drawn = erase(300, { probability: 1 }).flat()
  for (const { box, noise } of drawn) is(noise.length, 3 * box[2] * box[3])
  const values = drawn.flatMap(({ noise }) => [...noise])
  ok(values.length > 100_000)
  const { mean, variance } = moments(values)
  ok(Math.abs(mean) < 4 / Math.sqrt(values.length), `mean ${mean}`)
  ok(Math.abs(variance - 1) < 4 * Math.sqrt(2 / values.length), `variance ${variance}`)
  // Normal quartiles and tails.
  const cuts = [-2.326348, -0.67449, 0, 0.67449, 2.326348]
  const counts = new Array<number>(6).fill(0)
  for (const value of values) {
    const bin = cuts.filter((cut) => value > cut).length
    counts[bin] = (counts[bin] as number) + 1
  }
  assertShares(counts, [0.01, 0.24, 0.25, 0.25, 0.24, 0.01], 'quantiles')
  const neighbours = values.slice(1).reduce((sum, value, i) => sum + value * (values[i] as number), 0)
  ok(Math.abs(neighbours) < 4 * Math.sqrt(values.length), `correlation ${neighbours / values.length}`)
})

test('up to `count` boxes share the area', () => {
  const drawn = erase(3000, { probability: 1, count: 3 })
  assertEven(
    [1, 2, 3].map((boxes) => drawn.filter(({ length }) => length === boxes).length),
    'boxes',
  )
  // Each of two boxes has half of what one alone would have, from the smallest to the largest.
  for (const boxes of [1, 2, 3]) {
    const areas = drawn.filter(({ length }) => length === boxes).flatMap((of) => of.map(areaOf))
    const fresh = Array.from({ length: 100_000 }, () => independentBox(32, 32, 1 / boxes)).map(
      ([h, w]) => h * w,
    )
    const scale = 380 / boxes
    const [ours, theirs] = [areas, fresh].map((all) =>
      histogram(
        all.map((area) => area / scale),
        20,
      ),
    ) as [number[], number[]]
    const used = ours.map((_, i) => i).filter((i) => (theirs[i] as number) > 500)
    const total = used.reduce((sum, i) => sum + (theirs[i] as number), 0)
    assertShares(
      used.map((i) => ours[i] as number),
      used.map((i) => (theirs[i] as number) / total),
      `areas of ${boxes}`,
    )
    const [least, most] = [fresh.reduce((a, b) => Math.min(a, b)), fresh.reduce((a, b) => Math.max(a, b))]
    ok(
      areas.every((area) => area >= least && area <= most),
      `${boxes}: ${least} to ${most}`,
    )
  }
})

test('a pure function of seed, epoch and sample', () => {
  const all = { probability: 1 }
  equal(erase(20, all), erase(20, all))
  const boxes = (drawn: ReturnType<typeof erase>) => drawn.flat().map(({ noise }) => noise[0])
  const one = boxes(erase(20, all))
  is(
    new Set([...one, ...boxes(erase(20, all, [32, 32], 2)), ...boxes(erase(20, all, [32, 32], 1, 1))]).size,
    60,
  )
})

test('a box that never fits is left out; wrong settings are refused', async () => {
  equal(erase(5, { probability: 1 }, [1, 1]).flat(), [])
  const refused = (changes: object, message: RegExp) =>
    rejects(async () => erase(1, changes), 'ERR_INVALID_ARGUMENT', message)
  await refused({ probability: 1.5 }, /erase.probability: expected/)
  await refused({ minArea: 0.5 }, /erase.maxArea: expected a number from 0.5 to 1/)
  await refused({ minAspect: 0 }, /erase.minAspect: expected/)
  await refused({ count: 0 }, /erase.count: expected/)
  for (const size of [
    [4097, 4096],
    [65_536, 65_536],
  ] as const) {
    const asked = async () => erase(1, { probability: 1, count: 1000 }, size)
    await rejects(asked, 'ERR_INVALID_ARGUMENT', /imageSize: expected at most 16777216 pixels, got/)
  }
})

test.run()
