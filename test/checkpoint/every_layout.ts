/** Tensors of every dtype and of every way in which they can lie in memory. */
import { Tensor } from '../../lib/tensor.js'

/**
 * A matrix of each dtype; a scalar, empty tensors, odd names; 'tied' is 'matrix' itself. Free them by a scope.
 */
export async function everyLayout(): Promise<Map<string, Tensor>> {
  const matrix = Tensor.from([
    [0, 1.5, -2],
    [3, 4, 100],
  ])
  const tensors = new Map<string, Tensor>([
    ['matrix', matrix],
    ['bool', Tensor.from([true, false, true], undefined, { dtype: 'bool' })],
    ['int64', Tensor.from([2 ** 40, -1], undefined, { dtype: 'int64' })],
    ['scalar', Tensor.from(7)],
    ['empty', Tensor.from(new Float32Array(0), [2, 0, 3])],
    ['no rows', Tensor.from(new Float32Array(0), [0])],
    ['blocks.0.attn.qkv.weight', Tensor.from([1, 2, 3])],
    ['0', Tensor.from([1])],
    ['__proto__', Tensor.from([4])],
    ['naïve "name"\n', Tensor.from([5])],
    ['large', Tensor.from(Float32Array.from({ length: 300_001 }, (_, i) => i))],
    ['tied', matrix],
  ])
  for (const dtype of ['float64', 'float16', 'bfloat16', 'int32', 'int16', 'int8', 'uint8'] as const) {
    tensors.set(dtype, await matrix.to({ dtype }))
  }
  return tensors
}
