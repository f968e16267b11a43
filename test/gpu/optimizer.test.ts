/** Norm of the gradients, clipping and AdamW by the CUDA kernels on a GPU, against float64 on the CPU. */
import { is, not } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { Tensor } from '../../lib/tensor.js'
import { adamwStep, type StepParts } from '../cuda/optimizer_cases.js'
import { bitsOf, FLOAT32, isNear, mostOf, partsOf, type RowCase } from '../cuda/row_cases.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'

const test = suite('optimizer on a GPU')
const reason = noGpu ?? (await native().cudaKernelsProblem())
// Those of a block of the base model, and ones that fill no load.
const SHAPES = [[768], [2304, 768], [3072, 768], [768, 3072], [3], [5, 7], [732, 12], [8192, 768]]

for (const [name, parts] of Object.entries<StepParts>({
  'gradients that are not clipped': {},
  'clipped gradients': { maxNorm: 3 },
  'some without a gradient': { without: [0, 3], maxNorm: 3 },
})) {
  test.skipIf(reason, `${name}: near, and the same twice`, async () => {
    const one = await adamwStep(SHAPES, parts)
    const [first, second] = [await onGpu(one), await onGpu(one)]
    await isNear(first, one, mostOf(FLOAT32))
    is(await bitsOf(first), await bitsOf(second))
  })
}

test.skipIf(reason, 'a gradient that is not finite: every bit stays', async () => {
  const one = await adamwStep(SHAPES, { gradient: Number.NaN, maxNorm: 3 })
  const [norm, step, ...tensors] = await onGpu(one)
  is(Number.isNaN((await (norm as Tensor).toFloat32())[0]), true)
  is(await bitsOf([step as Tensor, ...tensors]), await bitsOf(one.tensors.toSpliced(1, 1)))
  not.equal(await bitsOf(tensors), await bitsOf((await onGpu(await adamwStep(SHAPES))).slice(2)))
})

test.run()

async function onGpu(one: RowCase): Promise<(Tensor | null)[]> {
  const move = (all: (Tensor | null)[], device: string) =>
    Promise.all(all.map((tensor) => tensor?.to({ device }) ?? null))
  return move(await partsOf({ ...one, tensors: await move(one.tensors, 'cuda') }, FLOAT32), 'cpu')
}
