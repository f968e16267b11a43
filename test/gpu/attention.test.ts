/** The CUDA kernels of attention on a GPU, against the plain path in float64 on the CPU. */
import { is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { Tensor } from '../../lib/tensor.js'
import { distance, EXACT, random, run, type Way } from '../ops/compare.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'

const test = suite('attention on a GPU')
const KERNELS: Way = { precision: 'bf16', optimize: 'auto' }
const reason = noGpu ?? (await native().cudaKernelsProblem())

// Images, tokens, heads, width of a head.
for (const [images, tokens, heads, width] of [
  [2, 197, 12, 64],
  [17, 5, 64, 16],
  [1, 1025, 2, 64],
  [2, 65, 2, 128],
] as const) {
  test.skipIf(
    reason,
    `${images} x ${tokens} tokens, ${heads} heads of ${width}: near, and the same twice`,
    async () => {
      const model = heads * width
      const rounded = async (tensor: Tensor) =>
        (await tensor.to({ dtype: 'bfloat16' })).to({ dtype: 'float32' })
      const tensors = [
        await rounded(random([images, tokens, 3 * model], 1)),
        random([heads, tokens, tokens], 2),
      ]
      const weights = [await rounded(random([images, tokens, model], 3))]
      const exact = await run('self_attention', tensors, { heads }, EXACT, weights)
      const onGpu = (all: Tensor[]) => Promise.all(all.map((tensor) => tensor.to({ device: 'cuda' })))
      const once = async () => {
        const outcome = await run(
          'self_attention',
          await onGpu(tensors),
          { heads },
          KERNELS,
          await onGpu(weights),
        )
        const parts = [...outcome.outputs, ...outcome.gradients] as Tensor[]
        return Promise.all(parts.map((part) => part.to({ device: 'cpu' })))
      }
      const [first, second] = [await once(), await once()]
      for (const [i, reference] of ([...exact.outputs, ...exact.gradients] as Tensor[]).entries()) {
        const error = await distance(first[i] as Tensor, reference)
        ok(error < 4e-3, `part ${i}: error ${error}`)
        is(await distance(first[i] as Tensor, second[i] as Tensor), 0)
      }
    },
  )
}

test.run()
