/** The CUDA kernels that pass over rows, on a GPU, against the plain path in float64 on the CPU. */
import { is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { Tensor } from '../../lib/tensor.js'
import {
  addNorm,
  BFLOAT16,
  biasGelu,
  bitsOf,
  crossEntropy,
  FLOAT32,
  isNear,
  layerNorm,
  mostOf,
  partsOf,
  type RowCase,
} from '../cuda/row_cases.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'

const test = suite('kernels over rows on a GPU')
const reason = noGpu ?? (await native().cudaKernelsProblem())

const CASES: Record<string, () => Promise<RowCase>> = {
  'add_norm, 8 x 197 x 768': () => addNorm([8, 197, 768]),
  'add_norm without gamma, 3 x 197 x 1024': () => addNorm([3, 197, 1024], { gamma: false }),
  'add_norm without a norm, 5 x 7 x 192': () => addNorm([5, 7, 192], { norm: false }),
  'add_norm without a scale, 1 x 3 x 4096': () => addNorm([1, 3, 4096], { scale: false }),
  'bias_gelu, 1576 x 3072': () => biasGelu([1576, 3072]),
  'bias_gelu, 3 x 197 x 772': () => biasGelu([3, 197, 772]),
  'cross_entropy, 1200 x 8192': () => crossEntropy(1200, 8192),
  'cross_entropy, a part of a step, 1200 x 8192': () => crossEntropy(1200, 8192, 0.37),
  'cross_entropy, 7 x 32768': () => crossEntropy(7, 32768),
  'cross_entropy, 3 x 8': () => crossEntropy(3, 8),
}

for (const way of [FLOAT32, BFLOAT16]) {
  for (const [name, make] of Object.entries(CASES)) check(name, make, way)
}
check('LayerNorm, 1576 x 768', async () => layerNorm([1576, 768]), FLOAT32)

test.run()

function check(name: string, make: () => Promise<RowCase>, way: typeof FLOAT32): void {
  test.skipIf(reason, `${way.precision}, ${name}: near, and the same twice`, async () => {
    const one = await make()
    const move = (all: (Tensor | null)[], device: string) =>
      Promise.all(all.map((tensor) => tensor?.to({ device }) ?? null))
    const moved = {
      ...one,
      tensors: await move(one.tensors, 'cuda'),
      weights: await move(one.weights, 'cuda'),
    }
    const once = async () => move(await partsOf(moved, way), 'cpu')
    const [first, second] = [await once(), await once()]
    await isNear(first, one, mostOf(way))
    is(await bitsOf(first), await bitsOf(second))
  })
}
