/** Features as JavaScript arrays, one an image, for the formats that need them. */
import type { Tensor } from '../../tensor.js'

export type NestedNumbers = number | NestedNumbers[]

/** (B, D) or (B, N, D) -> B arrays of D numbers, or of N arrays of D. */
export async function featureRows(tensor: Tensor): Promise<NestedNumbers[]> {
  const values = await tensor.toFloat32()
  const nest = (start: number, sizes: readonly number[]): NestedNumbers[] => {
    const [count = 0, ...inner] = sizes
    if (inner.length === 0) return Array.from(values.subarray(start, start + count))
    const step = inner.reduce((product, size) => product * size, 1)
    return Array.from({ length: count }, (_, i) => nest(start + i * step, inner))
  }
  return nest(0, tensor.shape)
}
