/** What lies between the matrix products: the fast paths against the plain ones in float64, forward and backward. */
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { threads } from '../../lib/device.js'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { integers } from '../support/tensors.js'
import { distance, EXACT, FAST, type Outcome, random, run } from './compare.js'

const test = suite('row kernels')
const NORM = { eps: 1e-6 }

// Widths that fill no vector, one and several.
for (const width of [1, 7, 16, 37, 96, 768]) {
  test(`LayerNorm of rows of ${width}`, async () => {
    if (width === 1) return // The deviation is zero: nothing to compare but rounding.
    const tensors = [random([3, 45, width], 1), random([width], 2), random([width], 3)]
    await near('layer_norm', tensors, NORM, [random([3, 45, width], 4)], 3e-6)
  })

  for (const kept of [null, [1, 2], [0, 3]]) {
    for (const layerScale of [true, false]) {
      const name = `images ${kept?.join() ?? 'all'}, LayerScale ${layerScale}`
      test(`residual and LayerNorm, rows of ${width}, ${name}`, async () => {
        if (width === 1) return
        const tensors = [
          random([4, 33, width], 1),
          random([kept?.length ?? 4, 33, width], 2),
          layerScale ? random([width], 3) : null,
          kept && Tensor.from(BigInt64Array.from(kept, BigInt), [kept.length]),
          random([width], 4),
          random([width], 5),
        ]
        const weights = [random([4, 33, width], 6), random([4, 33, width], 7)]
        await near('add_norm', tensors, { ...NORM, scale: 1.25 }, weights, 3e-6)
      })
    }
  }
}

// Rows, depth, classes.
for (const [rows, depth, classes] of [
  [1, 3, 2],
  [9, 16, 5],
  [37, 24, 1000],
  [130, 48, 8192],
] as const) {
  test(`head and cross-entropy, ${rows} rows, ${classes} classes`, async () => {
    const ids = Array.from({ length: rows }, (_, i) => BigInt((i * 7919) % classes))
    const tensors = [
      random([rows, depth], 1),
      random([classes, depth], 2, 0.7),
      random([classes], 3),
      Tensor.from(BigInt64Array.from(ids), [rows]),
    ]
    // Not 1: the gradient that comes from above counts.
    const weights = [Tensor.from(Float32Array.of(0.37), []), null]
    const { exact, fast } = await near('linear_cross_entropy', tensors, {}, weights, 3e-6)
    const correct = async ({ outputs }: Outcome) => Number((await (outputs[1] as Tensor).toTypedArray())[0])
    is(await correct(fast), await correct(exact))
  })
}

test('rows without a target: the same as if they were not there, and no gradient', async () => {
  const [rows, depth, classes] = [23, 16, 37]
  const kept = Array.from({ length: rows }, (_, row) => row).filter((row) => row % 4 !== 1)
  const features = random([rows, depth], 1)
  const head = [random([classes, depth], 2, 0.7), random([classes], 3)]
  const targets = (of: number[]) => {
    const ids = of.map((row) => BigInt(kept.includes(row) ? (row * 5) % classes : -1))
    return Tensor.from(BigInt64Array.from(ids), [ids.length])
  }
  const all = [features, ...head, targets([...Array(rows).keys()])]
  const weights = [Tensor.from(Float32Array.of(0.37), []), null]
  const { exact, fast } = await near('linear_cross_entropy', all, {}, weights, 3e-6)

  const numbers = await features.toFloat32()
  const rowOf = (of: Float32Array, row: number) => of.subarray(row * depth, (row + 1) * depth)
  const some = Tensor.from(Float32Array.from(kept.flatMap((row) => [...rowOf(numbers, row)])), [
    kept.length,
    depth,
  ])
  const without = await run('linear_cross_entropy', [some, ...head, targets(kept)], {}, EXACT, weights)
  for (const outcome of [exact, fast]) {
    for (const part of ['outputs', 'gradients'] as const) {
      for (const [i, expected] of without[part].entries()) {
        const actual = outcome[part][i]
        if (!expected || !actual || (part === 'gradients' && i === 0)) continue
        if (expected.dtype === 'int64') equal(await integers(actual), await integers(expected))
        else ok((await distance(actual, expected)) < 3e-6, `${part} ${i}`)
      }
    }
    const gradient = await (outcome.gradients[0] as Tensor).toFloat32()
    const expected = await (without.gradients[0] as Tensor).toFloat32()
    for (let row = 0; row < rows; row++) {
      const at = kept.indexOf(row)
      const difference = rowOf(gradient, row).map((value, i) =>
        Math.abs(value - (at < 0 ? 0 : (rowOf(expected, at)[i] as number))),
      )
      ok(Math.max(...difference) <= (at < 0 ? 0 : 1e-6), `row ${row}`)
    }
  }
})

test('of no rows with a target the loss is no number', async () => {
  const tensors = [random([2, 3], 1), random([20, 3], 2), random([20], 3)]
  for (const way of [FAST, EXACT]) {
    const none = Tensor.from(BigInt64Array.of(-1n, -1n), [2])
    const { outputs } = await run('linear_cross_entropy', [...tensors, none], {}, way)
    ok(Number.isNaN((await (outputs[0] as Tensor).toFloat32())[0]))
    is(Number((await (outputs[1] as Tensor).toTypedArray())[0]), 0)
  }
})

test('of equal logits the first counts as the likeliest', async () => {
  const head = (target: bigint) => [
    Tensor.from(new Float32Array(2).fill(1), [1, 2]),
    Tensor.from(Float32Array.of(0, 0, 1, 1, 1, 1), [3, 2]),
    Tensor.from(new Float32Array(3), [3]),
    Tensor.from(BigInt64Array.of(target), [1]),
  ]
  for (const [target, correct] of [
    [0n, 0],
    [1n, 1],
    [2n, 0],
  ] as const) {
    const { outputs } = await run('linear_cross_entropy', head(target), {}, FAST)
    is(Number((await (outputs[1] as Tensor).toTypedArray())[0]), correct)
  }
})

test('a loss that is no number is told', async () => {
  const tensors = [
    Tensor.from(Float32Array.of(Number.NaN, 1), [1, 2]),
    random([20, 2], 1),
    random([20], 2),
    Tensor.from(BigInt64Array.of(3n), [1]),
  ]
  const { outputs } = await run('linear_cross_entropy', tensors, {}, FAST)
  ok(Number.isNaN((await (outputs[0] as Tensor).toFloat32())[0]))
})

test('the number of threads changes no bit', async () => {
  const tensors = [
    random([6, 50, 96], 1),
    random([6, 50, 96], 2),
    random([96], 3),
    null,
    random([96], 4),
    random([96], 5),
  ]
  const weights = [random([6, 50, 96], 6), random([6, 50, 96], 7)]
  const bits = async (count: number) => {
    await native().setThreads(count)
    const { outputs, gradients } = await run('add_norm', tensors, { ...NORM, scale: 1 }, FAST, weights)
    const parts = [...outputs, ...gradients].filter((part): part is Tensor => part !== null)
    is(parts.length, 7)
    const bytes = await Promise.all(parts.map(async (part) => Buffer.from((await part.toFloat32()).buffer)))
    return Buffer.concat(bytes).toString('base64')
  }
  const before = await threads()
  const [one, two, five] = [await bits(1), await bits(2), await bits(5)]
  await threads(before)
  ok(one === two && two === five)
})

async function near(
  name: string,
  tensors: readonly (Tensor | null)[],
  numbers: Record<string, number>,
  weights: readonly (Tensor | null)[],
  most: number,
): Promise<{ exact: Outcome; fast: Outcome }> {
  const exact = await run(name, tensors, numbers, EXACT, weights)
  const fast = await run(name, tensors, numbers, FAST, weights)
  const parts = ({ outputs, gradients }: Outcome) =>
    [...outputs, ...gradients].filter((part) => part?.dtype === 'float32') as Tensor[]
  is(parts(fast).length, parts(exact).length)
  for (const [i, expected] of parts(exact).entries()) {
    const error = await distance(parts(fast)[i] as Tensor, expected)
    ok(error < most, `part ${i}: ${error}`)
  }
  return { exact, fast }
}

test.run()
