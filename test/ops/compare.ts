/** Operations by themselves: their results and gradients on several ways, and numbers to feed them. */
import { native } from '../../lib/binding.js'
import { threads } from '../../lib/device.js'
import { Tensor } from '../../lib/tensor.js'
import { randomNumbers } from '../support/tensors.js'

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
  const length = shape.reduce((product, size) => product * size, 1)
  const uniform = randomNumbers(4 * length, (seed * 2654435761) >>> 0)
  // A sum of four uniform numbers has a variance of 1/3.
  const value = (_: unknown, i: number) =>
    (uniform.subarray(4 * i, 4 * i + 4).reduce((sum, one) => sum + one) - 2) * Math.sqrt(3) * scale
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

/** What `work` gives on 1, 2 and 5 threads, as its bits. */
export async function bitsByThreads(work: () => Promise<readonly (Tensor | null)[]>): Promise<string[]> {
  const before = await threads()
  const bits: string[] = []
  try {
    for (const count of [1, 2, 5]) {
      // Not threads(): there may be fewer processors.
      await native().setThreads(count)
      const values = await Promise.all((await work()).map((tensor) => tensor?.toFloat32()))
      bits.push(values.map((one) => (one ? Buffer.from(one.buffer).toString('base64') : '-')).join())
    }
  } finally {
    await threads(before)
  }
  return bits
}
