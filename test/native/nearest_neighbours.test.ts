import * as assert from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { scope } from '../../lib/dispose.js'
import type { BeitErrorCode } from '../../lib/errors.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { integers, randomNumbers } from '../support/tensors.js'

const test = suite('nearest neighbours')

interface Case {
  bank: Float32Array
  queries: Float32Array
  width: number
  labels: number[]
  classes: number
  neighbours: number[]
  temperature: number
}

/** By definition: all similarities, sorted; of equal ones the lower index first, of equal votes the lower class. */
function bruteForce({ bank, queries, width, labels, classes, neighbours, temperature }: Case): number[][] {
  const unit = (rows: Float32Array) =>
    Array.from({ length: rows.length / width }, (_, i) => {
      const row = rows.subarray(i * width, (i + 1) * width)
      const norm = Math.fround(Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)))
      return Array.from(row, (x) => Math.fround(x / norm))
    })
  const banks = unit(bank)
  const ranked = unit(queries).map((query) =>
    banks
      .map((row, index) => ({
        index,
        similarity: row.reduce((sum, x, i) => sum + x * (query[i] as number), 0),
      }))
      .sort((a, b) => b.similarity - a.similarity || a.index - b.index),
  )
  return neighbours.map((count) =>
    ranked.map((near) => {
      const votes = new Array<number>(classes).fill(0)
      for (const { index, similarity } of near.slice(0, count)) {
        const label = labels[index] as number
        votes[label] = (votes[label] as number) + Math.exp(similarity / temperature)
      }
      return votes.indexOf(Math.max(...votes))
    }),
  )
}

/** The same by the addon: the bank has a second layer in front, which must be left alone. */
async function classified({ bank, queries, width, labels, ...vote }: Case): Promise<number[][]> {
  return scope(async () => {
    const layered = async (rows: Float32Array) => {
      const count = rows.length / width
      const both = new Float32Array(2 * rows.length)
      for (let i = 0; i < count; i++) {
        both.set(rows.subarray(i * width, (i + 1) * width), (2 * i + 1) * width)
      }
      const tensor = Tensor.from(both, [count, 2, width])
      return new Tensor(await native().featureLayer(tensor.handle, 1, count, [0, width], 'cpu'))
    }
    const targets = Tensor.from(BigInt64Array.from(labels, BigInt))
    const [rows, asked] = [await layered(bank), await layered(queries)]
    const found = new Tensor(
      await native().knnClassify(rows.handle, targets.handle, asked.handle, {
        neighbours: vote.neighbours,
        temperature: vote.temperature,
        classes: vote.classes,
      }),
    )
    const flat = await integers(found)
    const count = queries.length / width
    return vote.neighbours.map((_, k) => flat.slice(k * count, (k + 1) * count))
  })
}

const spread = (count: number, seed: number) => randomNumbers(count, seed).map((x) => x - 0.5)

test('votes as the definition does, for several numbers of neighbours at once', async () => {
  const random: Case = {
    bank: spread(200 * 8, 1),
    queries: spread(50 * 8, 2),
    width: 8,
    labels: Array.from(randomNumbers(200, 3), (x) => Math.floor(7 * x)),
    classes: 7,
    neighbours: [1, 5, 20, 200],
    temperature: 0.07,
  }
  assert.equal(await classified(random), bruteForce(random))
  // exp(1 / 0.0005) is beyond float64: only the nearest counts, whoever else votes.
  const cold = { ...random, temperature: 0.0005 }
  const [nearest, ...others] = await classified(cold)
  for (const other of others) assert.equal(other, nearest)
})

test('of equal similarities the lower index is nearer, of equal votes the lower class wins', async () => {
  // Directions along the axes: similarities are exactly 1 or 0.
  const axis = (i: number) => [0, 1, 2, 3].map((k) => (k === i ? 1 : 0))
  const bank = Float32Array.from([3, 0, 0, 0, 1, 1, 2, 0].flatMap(axis))
  const tied: Case = {
    bank,
    queries: Float32Array.from([0, 1, 3, 2].flatMap(axis)),
    width: 4,
    labels: [4, 3, 2, 2, 1, 0, 0, 2],
    classes: 5,
    neighbours: [1, 2, 3, 4, 6, 8],
    temperature: 1,
  }
  const votes = await classified(tied)
  assert.equal(votes, bruteForce(tied))
  // The first query is nearest to rows 1, 2, 3, 7 alike: classes 3, then 3 and 2 with equal votes.
  assert.equal(
    votes.slice(0, 3).map((row) => row[0]),
    [3, 2, 2],
  )
})

test('a bank of more rows than are compared at once gives the same', async () => {
  const [rows, width] = [16_384 + 700, 3]
  const large: Case = {
    bank: spread(rows * width, 4),
    queries: spread(6 * width, 5),
    width,
    labels: Array.from({ length: rows }, (_, i) => i % 3),
    classes: 3,
    neighbours: [1, 9, 41],
    temperature: 0.07,
  }
  // Copies of a query on either side of the border, and on it: ties across pieces.
  for (const row of [17, 16_383, 16_384, 17_000])
    large.bank.set(large.queries.subarray(0, width), row * width)
  assert.equal(await classified(large), bruteForce(large))
})

test('a vote that cannot be held is refused, whatever it is given', () =>
  scope(async () => {
    const bank = Tensor.from(Float32Array.of(1, 0, 0, 1, 1, 0), [3, 2])
    const right = {
      bank,
      labels: Tensor.from(BigInt64Array.of(0n, 1n, 1n)),
      queries: Tensor.from(Float32Array.of(1, 0), [1, 2]),
    }
    const vote = { neighbours: [1, 3] as readonly number[], temperature: 0.07, classes: 2 }
    const classify = (tensors: Partial<typeof right>, change: Partial<typeof vote>) => {
      const { bank, labels, queries } = { ...right, ...tensors }
      return native().knnClassify(bank.handle, labels.handle, queries.handle, { ...vote, ...change })
    }
    new Tensor(await classify({}, {}))

    const refused = (
      tensors: Partial<typeof right>,
      change: Partial<typeof vote>,
      message: RegExp,
      code: BeitErrorCode = 'ERR_INVALID_ARGUMENT',
    ) => rejects(async () => classify(tensors, change), code, message)
    await refused({}, { neighbours: [] }, /neighbours: expected one number or more/)
    await refused({}, { neighbours: [0] }, /neighbours: expected numbers that rise from 1 to at most 3/)
    await refused({}, { neighbours: [-1, 2] }, /got -1 after 0/)
    await refused({}, { neighbours: [3, 1] }, /got 1 after 3/)
    await refused({}, { neighbours: [2, 2] }, /got 2 after 2/)
    await refused({}, { neighbours: [1, 9] }, /at most 3, the rows of the bank, got 9/)
    await refused({}, { neighbours: [Number.NaN] }, /neighbours/)
    await refused({}, { neighbours: 3 as unknown as number[] }, /neighbours/)
    for (const temperature of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await refused({}, { temperature }, /temperature: expected/)
    }
    for (const classes of [0, -1, 1.5, 2 ** 40]) await refused({}, { classes }, /classes: expected/)
    await refused({}, { classes: 1 }, /labels: expected class ids from 0 to 0, got 0 to 1/)
    const labels = (...ids: bigint[]) => Tensor.from(BigInt64Array.from(ids))
    await refused({ labels: labels(-1n, 0n, 1n) }, {}, /got -1 to 1/)
    await refused({ labels: labels(0n, 1n) }, {}, /labels: expected int64 \[3\]/, 'ERR_SHAPE_MISMATCH')
    await refused({ labels: bank }, {}, /labels: expected int64/, 'ERR_SHAPE_MISMATCH')
    for (const wrong of [
      { bank: Tensor.from(new Float32Array(0), [0, 2]) },
      { bank: Tensor.from(new Float32Array(9), [3, 3]) },
      { bank: Tensor.from(new Float32Array(3)) },
      { queries: Tensor.from(new Float64Array(2), [1, 2]) },
    ]) {
      await refused(wrong, {}, /bank and queries: expected float32/, 'ERR_SHAPE_MISMATCH')
    }
  }))

test('features that are not finite are refused', async () => {
  using bank = Tensor.from(Float32Array.of(1, Number.NaN, 0, 1), [2, 1, 2])
  await rejects(native().featureLayer(bank.handle, 0, 2, [0, 2], 'cpu'), 'ERR_NON_FINITE', /not finite/)
})

test.run()
