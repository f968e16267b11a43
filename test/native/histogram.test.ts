/** Tensor.histogram, counted where the tensor lies. */
import { equal, is, ok } from 'uvu/assert'
import { histogramOfCounts } from '../../lib/histogram.js'
import { type DType, Tensor, type TypedArray } from '../../lib/index.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('histogram')

/** Numbers in (0, 1) without an order. */
const scattered = (count: number) => Float32Array.from({ length: count }, (_, i) => (i * 0.6180339887) % 1)

/** What counting one by one gives. */
function byHand(values: ArrayLike<number>, edges: ArrayLike<number>): number[] {
  const counts = new Array<number>(edges.length - 1).fill(0)
  for (let i = 0; i < values.length; i++) {
    let bucket = 0
    while (bucket < counts.length - 1 && (values[i] as number) >= (edges[bucket + 1] as number)) bucket++
    counts[bucket] = (counts[bucket] as number) + 1
  }
  return counts
}

test('buckets of equal width from the smallest value to the largest', async () => {
  const { counts, edges } = await Tensor.from([0.1, 0.2, 0.9]).histogram(2)
  equal([...counts], [2, 1])
  equal([...edges].map(Math.fround), [0.1, 0.5, 0.9].map(Math.fround))
})

test('many values, of any shape and dtype', async () => {
  const values = scattered(10_007 * 3)
  using tensor = Tensor.from(values, [10_007, 3])
  for (const dtype of ['float32', 'float64'] as const) {
    using converted = await tensor.to({ dtype })
    const { counts, edges } = await converted.histogram(50)
    equal(counts.length, 50)
    is(edges[0], Math.min(...values.subarray(0, 30_021)))
    is(edges[50], Math.max(...values))
    // A value on a border, within its last bit, may be in either bucket.
    const expected = byHand(values, edges)
    counts.forEach((count, i) => {
      ok(Math.abs(count - (expected[i] as number)) <= 1, `${dtype}, bucket ${i}: ${count}, ${expected[i]}`)
    })
    is(
      counts.reduce((sum, count) => sum + count, 0),
      values.length,
    )
  }
  const whole: [TypedArray, DType][] = [
    [Int32Array.from([0, 1, 1, 7, 8]), 'int32'],
    [BigInt64Array.from([0n, 1n, 1n, 7n, 8n]), 'int64'],
    [Uint8Array.from([0, 1, 1, 7, 8]), 'uint8'],
  ]
  for (const [array, dtype] of whole) {
    const { counts, edges } = await Tensor.from(array, undefined, { dtype }).histogram(2)
    equal(
      [[...counts], [...edges]],
      [
        [3, 2],
        [0, 4, 8],
      ],
    )
  }
  const { counts } = await (await Tensor.from([0, 1, 1, 7, 8]).to({ dtype: 'bfloat16' })).histogram(2)
  equal([...counts], [3, 2])
})

test('more values of a bucket than float32 can count', async () => {
  const many = new Uint8Array(2 ** 25 + 3)
  many[0] = 1
  const { counts } = await Tensor.from(many).histogram(2)
  equal([...counts], [2 ** 25 + 2, 1])
})

test('values that are not finite are left out; equal ones and none have a width all the same', async () => {
  const odd = await Tensor.from([Number.NaN, 1, 2, Number.POSITIVE_INFINITY, 4]).histogram(3)
  equal(
    [[...odd.counts], [...odd.edges]],
    [
      [1, 1, 1],
      [1, 2, 3, 4],
    ],
  )
  const equals = await Tensor.from([3e9, 3e9]).histogram(3)
  equal([[...equals.counts], equals.edges[0], equals.edges[3]], [[0, 2, 0], 3e9 - 0.5, 3e9 + 0.5])
  for (const nothing of [new Float32Array(0), Float32Array.of(Number.NaN)]) {
    const { counts, edges } = await Tensor.from(nothing).histogram(2)
    equal(
      [[...counts], [...edges]],
      [
        [0, 0],
        [0, 0.5, 1],
      ],
    )
  }
  const wide = await Tensor.from([-3e38, 0, 3e38, 3e38]).histogram(3)
  equal([...wide.counts], [1, 1, 2])
})

test('the number of buckets is checked', async () => {
  using tensor = Tensor.from([1])
  await rejects(
    tensor.histogram(0),
    'ERR_INVALID_ARGUMENT',
    /buckets must be an integer of at least 1, got 0/,
  )
  await rejects(tensor.histogram(1.5), 'ERR_INVALID_ARGUMENT', /buckets must be an integer/)
  await rejects(tensor.histogram(2 ** 30), 'ERR_INVALID_ARGUMENT', /buckets/)
})

test('of counts of whole numbers: as many buckets as there are numbers, or fewer and wider ones', () => {
  const few = histogramOfCounts([4, 0, 1], 64)
  equal(
    [[...few.counts], [...few.edges]],
    [
      [4, 0, 1],
      [0, 1, 2, 3],
    ],
  )
  // Three numbers a bucket, and the last bucket not full.
  const many = histogramOfCounts(BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n, 7n), 3)
  equal(
    [[...many.counts], [...many.edges]],
    [
      [6, 15, 7],
      [0, 3, 6, 9],
    ],
  )
})

test.run()
