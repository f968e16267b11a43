/** The linear layer and the products in half the bits behind it, against float64. */
import { equal, ok } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { bitsByThreads, distance, EXACT, FAST, random, run } from './compare.js'

const test = suite('linear')

// Rows, depth, columns: tiles, panels and chunks that are cut off, and numbers that fill them.
const SHAPES = [
  [1, 1, 1],
  [5, 3, 7],
  [12, 128, 32],
  [13, 129, 33],
  [200, 768, 300],
  [65, 1030, 31],
] as const
const FLOAT16 = { arithmetic: 0 }
const BFLOAT16 = { arithmetic: 1 }

for (const [rows, depth, columns] of SHAPES) {
  test(`${rows} x ${depth} x ${columns}: scaled float16 is at least as near as bfloat16`, async () => {
    const tensors = [random([rows, depth], 1), random([depth, columns], 2), random([columns], 3)]
    const [exact] = (await run('half_matmul', tensors, FLOAT16, EXACT)).outputs
    const [float16] = (await run('half_matmul', tensors, FLOAT16, FAST)).outputs
    const [bfloat16] = (await run('half_matmul', tensors, BFLOAT16, FAST)).outputs
    const error = await distance(float16 as Tensor, exact as Tensor)
    const other = await distance(bfloat16 as Tensor, exact as Tensor)
    ok(error < 1.5e-3, `error ${error}`)
    ok(error <= other, `float16 ${error}, bfloat16 ${other}`)
  })
}

test('numbers of any size: rows and columns are scaled by themselves', async () => {
  // Rows of a from 1e-30 to 1e30, columns of b from 1e25 to 1e-25: far beyond what float16 holds.
  const [rows, depth, columns] = [40, 200, 50]
  const a = await random([rows, depth], 1).toFloat32()
  const b = await random([depth, columns], 2).toFloat32()
  for (let i = 0; i < a.length; i++)
    a[i] = (a[i] as number) * 10 ** ((Math.floor(i / depth) / rows) * 40 - 20)
  for (let i = 0; i < b.length; i++) b[i] = (b[i] as number) * 10 ** (15 - ((i % columns) / columns) * 30)
  const tensors = [Tensor.from(a, [rows, depth]), Tensor.from(b, [depth, columns])]
  const actual = await run('half_matmul', tensors, FLOAT16, FAST)
  const expected = await run('half_matmul', tensors, FLOAT16, EXACT)
  const x = await (actual.outputs[0] as Tensor).toFloat32()
  const y = await (expected.outputs[0] as Tensor).toFloat32()
  // Of each number: the sum of its terms' sizes is about sqrt(depth) times its own.
  let worst = 0
  for (let i = 0; i < x.length; i++) {
    const row = Math.floor(i / columns)
    const size =
      10 ** ((row / rows) * 40 - 20) * 10 ** (15 - ((i % columns) / columns) * 30) * Math.sqrt(depth)
    worst = Math.max(worst, Math.abs((x[i] as number) - (y[i] as number)) / size)
  }
  ok(worst < 5e-3, `error ${worst}`)
})

test('the largest sums: all numbers of one sign and size, just below a power of two', async () => {
  const [rows, depth, columns] = [13, 900, 33]
  const value = 2 - 2 ** -10
  const a = Tensor.from(new Float32Array(rows * depth).fill(value), [rows, depth])
  const b = Tensor.from(new Float32Array(depth * columns).fill(value), [depth, columns])
  const { outputs } = await run('half_matmul', [a, b], FLOAT16, FAST)
  const expected = depth * value ** 2
  for (const actual of await (outputs[0] as Tensor).toFloat32())
    ok(Math.abs(actual / expected - 1) < 5e-3, `${actual}, expected ${expected}`)
})

test('what is not finite stays so, and zeros give zeros', async () => {
  const values = new Float32Array(3 * 140)
  values[5] = Number.NaN
  values[140 + 7] = Number.POSITIVE_INFINITY
  const a = Tensor.from(values, [3, 140])
  const b = Tensor.from(new Float32Array(140 * 2).fill(1), [140, 2])
  const { outputs } = await run('half_matmul', [a, b], FLOAT16, FAST)
  equal(
    [...(await (outputs[0] as Tensor).toFloat32())],
    [Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0],
  )
})

for (const precision of ['fp32', 'bf16'] as const) {
  // Tiles of the gradient that is packed both ways: a part of one, and several with some cut off.
  for (const [images, rows, depth, columns] of [
    [3, 37, 96, 160],
    [3, 101, 70, 300],
  ] as const)
    test(`linear in ${precision}, ${images} x ${rows} x ${depth} to ${columns}: result and gradients`, async () => {
      const tensors = [
        random([images, rows, depth], 1),
        random([columns, depth], 2, 0.1),
        random([columns], 3),
      ]
      const weights = [random([images, rows, columns], 4, 1e-6)]
      const exact = await run('linear', tensors, {}, EXACT, weights)
      const fast = await run('linear', tensors, {}, { precision, optimize: 'auto' }, weights)
      const most = precision === 'fp32' ? 2e-6 : 3e-3
      const pairs = [...fast.outputs, ...fast.gradients].map((tensor, i) => [
        tensor,
        [...exact.outputs, ...exact.gradients][i],
      ])
      ok(pairs.length === 4)
      for (const [actual, expected] of pairs as [Tensor, Tensor][]) {
        const error = await distance(actual, expected)
        ok(error < most, `error ${error}`)
      }
    })
}

test('a layer without a bias, in bf16', async () => {
  const tensors = [random([21, 40], 1), random([50, 40], 2), null]
  const weights = [random([21, 50], 4)]
  const exact = await run('linear', tensors, {}, EXACT, weights)
  const half = await run('linear', tensors, {}, { precision: 'bf16', optimize: 'auto' }, weights)
  for (const [i, actual] of [half.outputs[0], half.gradients[0], half.gradients[1]].entries()) {
    const expected = [exact.outputs[0], exact.gradients[0], exact.gradients[1]][i]
    ok((await distance(actual as Tensor, expected as Tensor)) < 3e-3)
  }
})

test('the number of threads changes no bit', async () => {
  const tensors = [random([130, 300], 1), random([300, 700], 2)]
  const [one, two, five] = await bitsByThreads(
    async () => (await run('half_matmul', tensors, FLOAT16, FAST)).outputs,
  )
  ok(one === two && two === five)
})

test('nor one of the gradients', async () => {
  const tensors = [random([300, 130], 1), random([270, 130], 2), random([270], 3)]
  const weights = [random([300, 270], 4)]
  const [one, two, five] = await bitsByThreads(
    async () =>
      (await run('linear', tensors, {}, { precision: 'bf16', optimize: 'auto' }, weights)).gradients,
  )
  ok(one === two && two === five)
})

test.run()
