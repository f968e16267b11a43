/** The CUDA kernels of attention in the emulator against the plain path in float64, forward and backward. */
import { is, ok } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { distance, EXACT, type Outcome, random, run, type Way } from '../ops/compare.js'
import { suite } from '../support/suite.js'
import { emulating, notEmulated } from './emulated.js'

const test = suite('CUDA attention, emulated')

const KERNELS: Way = { precision: 'bf16', optimize: 'auto' }
// Weights and gradients of scores are rounded to bfloat16 (2^-9 at most) before they are multiplied.
const MOST = 4e-3

// Images, tokens, heads, width of a head: one token, tiles and fragments that are full or not, every width.
const SHAPES = [
  [1, 1, 1, 32],
  [2, 5, 3, 16],
  [3, 64, 2, 32],
  [2, 65, 1, 48],
  [5, 17, 2, 64],
  [1, 80, 1, 80],
  [1, 33, 2, 96],
  [2, 16, 1, 112],
  [1, 130, 1, 128],
  [2, 197, 2, 64],
] as const

for (const [images, tokens, heads, width] of SHAPES) {
  const name = `${images} x ${tokens} tokens, ${heads} heads of ${width}`
  const model = heads * width
  for (const withBias of [true, false]) {
    test.skipIf(notEmulated, `self-attention, ${name}, bias ${withBias}`, async () => {
      const bias = withBias ? random([heads, tokens, tokens], 2) : null
      const tensors = [await rounded(random([images, tokens, 3 * model], 1)), bias]
      const weights = [await rounded(random([images, tokens, model], 3))]
      await compare('self_attention', tensors, heads, weights)
    })
  }

  test.skipIf(notEmulated, `attention of some queries, ${name}`, async () => {
    const rows: bigint[] = []
    for (let row = 0; row < images * tokens; row++) {
      if ((row * 7) % 5 < 2 && (images === 1 || row >= tokens)) rows.push(BigInt(row))
    }
    const tensors = [
      await rounded(random([rows.length, model], 1)),
      await rounded(random([images, tokens, 2 * model], 4)),
      random([heads, tokens, tokens], 2),
      Tensor.from(BigInt64Array.from(rows), [rows.length]),
    ]
    const weights = [await rounded(random([rows.length, model], 3))]
    await compare('masked_attention', tensors, heads, weights)
  })
}

test.skipIf(notEmulated, 'more tokens than keep the gradient of the bias on the chip', async () => {
  const tensors = [await rounded(random([2, 577, 96], 1)), random([1, 577, 577], 2)]
  await compare('self_attention', tensors, 1, [await rounded(random([2, 577, 32], 3))])
})

test.skipIf(notEmulated, 'images in chunks that are not full', async () => {
  // 528 / 64 heads = 8 chunks are wanted of 17 images: five of three images and one of two.
  const tensors = [await rounded(random([17, 5, 3 * 64 * 16], 1)), random([64, 5, 5], 2)]
  await compare('self_attention', tensors, 64, [await rounded(random([17, 5, 64 * 16], 3))])
})

test.skipIf(notEmulated, 'scores far apart: a weight of one and the rest zero', async () => {
  const tensors = [await rounded(random([1, 70, 48], 1, 20)), random([1, 70, 70], 2, 90)]
  const weights = [await rounded(random([1, 70, 16], 3))]
  const { outputs } = await emulating(() => run('self_attention', tensors, { heads: 1 }, KERNELS, weights))
  const exact = await run('self_attention', tensors, { heads: 1 }, EXACT, weights)
  ok((await distance(outputs[0] as Tensor, exact.outputs[0] as Tensor)) < MOST)
})

test.skipIf(notEmulated, 'no thread depends on the order of the others, and no bit on the run', async () => {
  const tensors = [await rounded(random([2, 150, 3 * 64], 1)), random([2, 150, 150], 2)]
  const weights = [await rounded(random([2, 150, 64], 3))]
  const exact = await run('self_attention', tensors, { heads: 2 }, EXACT, weights)
  const bits = async (order: 'forward' | 'reversed') => {
    const outcome = await emulating(
      () => run('self_attention', tensors, { heads: 2 }, KERNELS, weights),
      order,
    )
    const parts = [...outcome.outputs, ...outcome.gradients] as Tensor[]
    is(parts.length, 3)
    await near(outcome, exact)
    const bytes = await Promise.all(parts.map(async (part) => Buffer.from((await part.toFloat32()).buffer)))
    return bytes.map((part) => part.toString('base64')).join()
  }
  const first = await bits('forward')
  is(await bits('forward'), first)
  is(await bits('reversed'), first)
})

/** What the kernels read is exactly what the reference reads. */
async function rounded(tensor: Tensor): Promise<Tensor> {
  return (await tensor.to({ dtype: 'bfloat16' })).to({ dtype: 'float32' })
}

async function compare(
  name: string,
  tensors: (Tensor | null)[],
  heads: number,
  weights: Tensor[],
): Promise<void> {
  const exact = await run(name, tensors, { heads }, EXACT, weights)
  const actual = await emulating(() => run(name, tensors, { heads }, KERNELS, weights))
  await near(actual, exact)
}

async function near(actual: Outcome, exact: Outcome): Promise<void> {
  const expected = [...exact.outputs, ...exact.gradients]
  const got = [...actual.outputs, ...actual.gradients]
  is(got.length, expected.length)
  for (const [i, part] of got.entries()) {
    const reference = expected[i] as Tensor | null
    is(part === null, reference === null)
    if (part === null || reference === null) continue
    // The gradient of a softmax over one token is zero.
    if ((await reference.toFloat32()).every((value) => Math.abs(value) < 1e-12)) {
      ok((await part.toFloat32()).every((value) => Math.abs(value) < 1e-2))
      continue
    }
    const error = await distance(part, reference)
    ok(error < MOST, `part ${i}: error ${error}`)
  }
}

test.run()
