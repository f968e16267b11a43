/** Inputs of the kernels that pass over rows, and how their results are compared: for the emulator and for GPUs. */
import { is, ok } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { distance, EXACT, type Outcome, random, run, type Way } from '../ops/compare.js'

export const FLOAT32: Way = { precision: 'fp32', optimize: 'auto' }
export const BFLOAT16: Way = { precision: 'bf16', optimize: 'auto' }
/** Results in bfloat16 are rounded by 2^-9 at most. */
export const mostOf = (way: Way) => (way === FLOAT32 ? 2e-6 : 4e-3)

/** What is rounded to bfloat16 for the kernels is exactly what the reference reads. */
async function rounded(tensor: Tensor): Promise<Tensor> {
  return (await tensor.to({ dtype: 'bfloat16' })).to({ dtype: 'float32' })
}

export interface RowCase {
  operation: string
  tensors: (Tensor | null)[]
  numbers: Record<string, number>
  weights: (Tensor | null)[]
}

export interface AddNormParts {
  gamma?: boolean
  scale?: boolean
  norm?: boolean
  /** Which of the two results have a gradient. */
  upstream?: readonly [boolean, boolean]
}

/** x (images, tokens, width); every third image is left out where there is a scale. */
export async function addNorm(
  [images, tokens, width]: readonly [number, number, number],
  { gamma = true, scale = true, norm = true, upstream = [true, norm] }: AddNormParts = {},
): Promise<RowCase> {
  const shape = [images, tokens, width]
  const scales = Float32Array.from({ length: images }, (_, i) => (i % 3 === 1 ? 0 : 1.25))
  return {
    operation: 'add_scaled_norm',
    tensors: [
      random(shape, 1),
      await rounded(random(shape, 2)),
      gamma ? random([width], 3) : null,
      scale ? Tensor.from(scales, [images]) : null,
      norm ? random([width], 4) : null,
      norm ? random([width], 5) : null,
    ],
    numbers: { eps: 1e-6 },
    weights: await Promise.all(upstream.map((wanted, i) => (wanted ? rounded(random(shape, 6 + i)) : null))),
  }
}

export function layerNorm(shape: readonly number[]): RowCase {
  const width = shape.at(-1) as number
  return {
    operation: 'layer_norm',
    tensors: [random([...shape], 1), random([width], 2), random([width], 3)],
    numbers: { eps: 1e-6 },
    weights: [random([...shape], 4)],
  }
}

export async function biasGelu(shape: readonly number[], scale = 2): Promise<RowCase> {
  return {
    operation: 'bias_gelu',
    tensors: [await rounded(random([...shape], 1, scale)), random([shape.at(-1) as number], 2)],
    numbers: {},
    weights: [await rounded(random([...shape], 3))],
  }
}

/** Logits and targets: every fifth row is left out, every other names its likeliest class. */
export async function crossEntropy(rows: number, classes: number, upstream = 1): Promise<RowCase> {
  const logits = await rounded(random([rows, classes], 1, 3))
  const numbers = await logits.toFloat32()
  const targets = Array.from({ length: rows }, (_, row) => {
    if (row % 5 === 4) return -1
    if (row % 2 === 1) return (row * 7919) % classes
    const of = numbers.subarray(row * classes, (row + 1) * classes)
    return of.indexOf(of.reduce((most, one) => Math.max(most, one)))
  })
  return {
    operation: 'cross_entropy',
    tensors: [logits, Tensor.from(BigInt64Array.from(targets, BigInt), [rows])],
    numbers: {},
    weights: [Tensor.from(Float32Array.of(upstream), []), null],
  }
}

/** Results and gradients of a case; the scale of the images has none. */
export async function partsOf(
  { operation, tensors, numbers, weights }: RowCase,
  way: Way,
): Promise<(Tensor | null)[]> {
  const { outputs, gradients }: Outcome = await run(operation, tensors, numbers, way, weights)
  return [...outputs, ...gradients.filter((_, i) => operation !== 'add_scaled_norm' || i !== 3)]
}

/** Fails unless `parts` are within `most` of the case in float64, each of them. */
export async function isNear(parts: (Tensor | null)[], one: RowCase, most: number): Promise<void> {
  const expected = await partsOf(one, EXACT)
  is(parts.length, expected.length)
  for (const [i, part] of parts.entries()) {
    const reference = expected[i] as Tensor | null
    if (part === null || reference === null) {
      // What the result does not depend on has no gradient, or zeros.
      const there = part ?? reference
      ok(there === null || (await there.toFloat32()).every((value) => value === 0), `part ${i}`)
      continue
    }
    if ((await reference.toFloat32()).every((value) => value === 0)) {
      ok(
        (await part.toFloat32()).every((value) => value === 0),
        `part ${i}: not zero`,
      )
      continue
    }
    const error = await distance(part, reference)
    ok(error < most, `part ${i}: error ${error}`)
  }
}

export async function bitsOf(parts: (Tensor | null)[]): Promise<string> {
  const bytes = await Promise.all(
    parts.map(async (part) =>
      part === null ? '' : Buffer.from((await part.toFloat32()).buffer).toString('base64'),
    ),
  )
  return bytes.join()
}
