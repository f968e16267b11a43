/** Operations by themselves: their results and gradients on several ways, and numbers to feed them. */
import { native } from '../../lib/binding.js'
import { Tensor } from '../../lib/tensor.js'

export interface Way {
  precision?: 'fp32' | 'bf16'
  optimize: 'auto' | 'off'
  dtype?: 'float32' | 'float64'
}

/** The plain path in float64: what the others are compared with. */
export const EXACT: Way = { optimize: 'off', dtype: 'float64' }
export const FAST: Way = { optimize: 'auto' }

export interface Outcome {
  outputs: (Tensor | null)[]
  gradients: (Tensor | null)[]
}

/**
 * An operation of native/ops/operations.cc. Floating-point tensors are converted to the dtype of the way, results
 * back to float32. With `weights`, one an output, the gradients of sum(outputs * weights).
 */
export async function run(
  name: string,
  tensors: readonly (Tensor | null)[],
  numbers: Record<string, number>,
  { precision = 'fp32', optimize, dtype = 'float32' }: Way,
  weights: readonly (Tensor | null)[] | null = null,
): Promise<Outcome> {
  const convert = async (tensor: Tensor | null) =>
    tensor === null || !tensor.dtype.startsWith('float') ? tensor : tensor.to({ dtype })
  const given = await Promise.all(tensors.map(convert))
  const weighing = weights === null ? null : await Promise.all(weights.map(convert))
  const { outputs, gradients } = await native().runOperation(
    name,
    given.map((tensor) => tensor?.handle ?? null),
    numbers,
    { precision, optimize, gradients: weighing?.map((tensor) => tensor?.handle ?? null) ?? null },
  )
  const back = async (handle: (typeof outputs)[number]) => {
    if (handle === null) return null
    const tensor = new Tensor(handle)
    return tensor.dtype === 'float64' ? tensor.to({ dtype: 'float32' }) : tensor
  }
  return {
    outputs: await Promise.all(outputs.map(back)),
    gradients: await Promise.all(gradients.map(back)),
  }
}

/** About normal numbers of a fixed sequence, times `scale`. */
export function random(shape: number[], seed: number, scale = 1): Tensor {
  let state = (seed * 2654435761) >>> 0
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const length = shape.reduce((product, size) => product * size, 1)
  // A sum of four uniform numbers has a variance of 1/3.
  const value = () => (next() + next() + next() + next() - 2) * Math.sqrt(3) * scale
  return Tensor.from(Float32Array.from({ length }, value), shape)
}

/** |a - b| / |b| of all numbers taken as one vector. */
export async function distance(actual: Tensor, expected: Tensor): Promise<number> {
  if (actual.shape.join() !== expected.shape.join()) {
    throw new Error(`shapes differ: [${actual.shape.join(', ')}] and [${expected.shape.join(', ')}]`)
  }
  const [a, b] = await Promise.all([actual.toFloat32(), expected.toFloat32()])
  let difference = 0
  let size = 0
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] as number) - (b[i] as number)) ** 2
    size += (b[i] as number) ** 2
  }
  return Math.sqrt(difference / size)
}
