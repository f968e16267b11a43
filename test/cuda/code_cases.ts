/** Places and codes whose likeliest is asked for: for the emulator and for GPUs. */
import { equal, ok } from 'uvu/assert'
import type { Tensor } from '../../lib/tensor.js'
import { random, run, type Way } from '../ops/compare.js'

/** Rows, width and codes. */
export type Shape = readonly [number, number, number]

// A row and a code, tiles of rows, of codes and chunks of these that are full or not.
export const CODE_SHAPES: readonly Shape[] = [
  [1, 32, 1],
  [5, 64, 40],
  [64, 32, 128],
  [129, 96, 300],
  [130, 160, 1100],
  [33, 32, 2049],
]

/** bfloat16, and what it is in float32. */
async function halves(tensor: Tensor): Promise<Tensor> {
  return (await tensor.to({ dtype: 'bfloat16' })).to({ dtype: 'float32' })
}

/** x, weight and bias; all are numbers that bfloat16 has. */
export async function codeCase([rows, width, codes]: Shape): Promise<Tensor[]> {
  return Promise.all([random([rows, width], 1), random([codes, width], 2), random([codes], 3, 2)].map(halves))
}

/** Logits in float64 by hand: whose likeliest it is, and by how much. */
async function byHand(tensors: readonly Tensor[]) {
  const [x, weight, bias] = await Promise.all(tensors.map((tensor) => tensor.toFloat32()))
  const [rows = 0, width = 0] = tensors[0]?.shape ?? []
  const codes = bias?.length ?? 0
  return Array.from({ length: rows }, (_, row) => {
    const logits = Array.from({ length: codes }, (_, code) => {
      let sum = bias?.[code] as number
      for (let i = 0; i < width; i++)
        sum += (x?.[row * width + i] as number) * (weight?.[code * width + i] as number)
      return sum
    })
    return logits
  })
}

/** Fails unless the kernel names the code of the largest logit, but for ones closer than float32 sums are. */
export async function namesLikeliest(
  shape: Shape,
  device: string,
  byKernel: <T>(body: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const tensors = await codeCase(shape)
  const logits = await byHand(tensors)
  for (const precision of ['fp32', 'bf16'] as const) {
    const tokens = await likeliest(tensors, precision, device, byKernel)
    equal(tokens.length, shape[0])
    for (const [row, token] of tokens.entries()) {
      const largest = Math.max(...(logits[row] as number[]))
      const distance = largest - ((logits[row] as number[])[token] ?? Number.NaN)
      ok(distance < 1e-4, `${precision}, row ${row}: code ${token} is ${distance} below the largest`)
    }
  }
}

/** The codes that an operation names. */
export async function likeliest(
  tensors: readonly Tensor[],
  precision: 'fp32' | 'bf16',
  device: string,
  byKernel: <T>(body: () => Promise<T>) => Promise<T>,
): Promise<number[]> {
  const given = await Promise.all(tensors.map((tensor) => tensor.to({ device })))
  const way: Way = { precision, optimize: 'auto' }
  const { outputs } = await byKernel(() => run('likeliest_codes', given, {}, way))
  return Array.from((await outputs[0]?.toTypedArray()) as BigInt64Array, Number)
}
