/** Attention with a position bias: the fast path against the plain one in float64, forward and backward. */
import { is, ok } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { bitsByThreads, distance, EXACT, FAST, type Outcome, random, run, type Way } from './compare.js'

const test = suite('attention')

// Images, tokens, heads, width of a head: rows, vectors and heads that fill nothing, and the base model's.
const SHAPES = [
  [1, 1, 1, 16],
  [2, 5, 3, 16],
  [3, 17, 2, 48],
  [2, 50, 3, 32],
  [1, 65, 2, 128],
  [2, 197, 3, 64],
] as const

for (const [images, tokens, heads, width] of SHAPES) {
  const name = `${images} x ${tokens} tokens, ${heads} heads of ${width}`
  for (const withBias of [true, false]) {
    test(`self-attention, ${name}, bias ${withBias}`, async () => {
      const bias = withBias ? random([heads, tokens, tokens], 2) : null
      const tensors = [random([images, tokens, 3 * heads * width], 1), bias]
      const weights = [random([images, tokens, heads * width], 3)]
      const exact = await run('self_attention', tensors, { heads }, EXACT, weights)
      await near(await run('self_attention', tensors, { heads }, FAST, weights), exact)
    })

    test(`attention of some queries, ${name}, bias ${withBias}`, async () => {
      // The first image may have none.
      const rows: number[] = []
      for (let row = 0; row < images * tokens; row++)
        if ((row * 7) % 5 < 2 || row === tokens - 1) rows.push(row)
      if (images > 1)
        for (let row = 0; row < tokens; row++) if (rows[0] !== undefined && rows[0] < tokens) rows.shift()
      const bias = withBias ? random([heads, tokens, tokens], 2) : null
      const tensors = [
        random([rows.length, heads * width], 1),
        random([images, tokens, 2 * heads * width], 4),
        bias,
        Tensor.from(BigInt64Array.from(rows, BigInt), [rows.length]),
      ]
      const weights = [random([rows.length, heads * width], 3)]
      const exact = await run('masked_attention', tensors, { heads }, EXACT, weights)
      await near(await run('masked_attention', tensors, { heads }, FAST, weights), exact)
    })
  }
}

test('scores far apart: a weight of one and the rest zero', async () => {
  const tensors = [random([1, 20, 48], 1, 40), random([1, 20, 20], 2, 90)]
  const weights = [random([1, 20, 16], 3)]
  const on = async (way: Way) => {
    const { outputs, gradients } = await run('self_attention', tensors, { heads: 1 }, way, weights)
    return [...outputs, ...gradients] as Tensor[]
  }
  const [exact, plain, fast] = [await on(EXACT), await on({ optimize: 'off' }), await on(FAST)]
  // The scores are in the thousands, so their last digits are lost in either way.
  for (const [i, reference] of exact.entries()) {
    const error = await distance(fast[i] as Tensor, reference)
    const other = await distance(plain[i] as Tensor, reference)
    ok(error < 2 * other + 1e-6, `part ${i}: ${error}, and ${other} the plain way`)
  }
})

test('a key that is no number leaves no number in what looks at it', async () => {
  const [tokens, width] = [20, 16]
  const values = await random([1, tokens, 3 * width], 1).toFloat32()
  values[5 * 3 * width + width] = Number.NaN // of token 5, the first of its key; its value is a number
  const qkv = Tensor.from(values, [1, tokens, 3 * width])
  const { outputs, gradients } = await run('self_attention', [qkv, null], { heads: 1 }, FAST, [
    random([1, tokens, width], 3),
  ])
  for (const part of [outputs[0], gradients[0]] as Tensor[]) {
    ok((await part.toFloat32()).every(Number.isNaN))
  }
})

test('the number of threads changes no bit', async () => {
  const tensors = [random([3, 40, 3 * 96], 1), random([3, 40, 40], 2)]
  const [one, two, five] = await bitsByThreads(async () => {
    const weights = [random([3, 40, 96], 3)]
    const { outputs, gradients } = await run('self_attention', tensors, { heads: 3 }, FAST, weights)
    is(outputs.length + gradients.length, 3)
    return [...outputs, ...gradients]
  })
  is(one, two)
  is(one, five)
})

async function near(fast: Outcome, exact: Outcome, most = 2e-6): Promise<void> {
  const expected = [...exact.outputs, ...exact.gradients]
  for (const [i, actual] of [...fast.outputs, ...fast.gradients].entries()) {
    const reference = expected[i] as Tensor | null
    is(actual === null, reference === null)
    if (actual === null || reference === null) continue
    // The gradient of a softmax over one token is zero.
    if ((await reference.toFloat32()).every((value) => value === 0)) {
      ok((await actual.toFloat32()).every((value) => Math.abs(value) < 1e-6))
      continue
    }
    const error = await distance(actual, reference)
    ok(error < most, `part ${i}: error ${error}`)
  }
}

test.run()
