/** Norm of the gradients, clipping and AdamW by the CUDA kernels in the emulator, against float64. */
import { is, not } from 'uvu/assert'
import type { Tensor } from '../../lib/tensor.js'
import { FAST } from '../ops/compare.js'
import { suite } from '../support/suite.js'
import { emulating, notEmulated, sameBits } from './emulated.js'
import { adamwStep, type StepParts } from './optimizer_cases.js'
import { bitsOf, FLOAT32, isNear, mostOf, partsOf } from './row_cases.js'

const test = suite('CUDA optimizer, emulated')

// Fewer numbers than a load, rests of every length, a chunk that is full, several and a short one.
const SHAPES = [[1], [2, 1], [3], [4], [5, 7], [128, 128], [3, 5, 2731], [2, 16384], [1030]]

for (const [name, parts] of Object.entries<StepParts>({
  'gradients that are not clipped': {},
  'clipped gradients': { maxNorm: 3 },
  'without weight decay': { weightDecay: 0 },
  'some without a gradient': { without: [0, 3, 6], maxNorm: 3 },
})) {
  test.skipIf(notEmulated, name, async () => {
    const one = await adamwStep(SHAPES, parts)
    await isNear(await emulating(() => partsOf(one, FLOAT32)), one, mostOf(FLOAT32))
    // The path of the CPU, which the kernels are the sibling of.
    await isNear(await partsOf(one, FAST), one, mostOf(FLOAT32))
  })
}

test.skipIf(notEmulated, 'more tensors than are written by one launch', async () => {
  const one = await adamwStep(Array.from({ length: 200 }, (_, i) => [1 + (i % 9), 3]))
  await isNear(await emulating(() => partsOf(one, FLOAT32)), one, mostOf(FLOAT32))
})

// 1e25 squared is no float32.
for (const [name, parts] of Object.entries<StepParts>({
  'a gradient that is NaN': { gradient: Number.NaN },
  'a gradient that is infinite': { gradient: Number.NEGATIVE_INFINITY },
  'a norm that is infinite': { gradient: 1e25 },
  'a loss that is NaN': { loss: Number.NaN },
  'a loss that is infinite': { loss: Number.POSITIVE_INFINITY },
})) {
  test.skipIf(notEmulated, `${name}: every bit stays`, async () => {
    const one = await adamwStep([[5, 7], [40]], { ...parts, maxNorm: 0.1 })
    const [, step, ...tensors] = await emulating(() => partsOf(one, FLOAT32))
    is(await bitsOf([step as Tensor, ...tensors]), await bitsOf(one.tensors.toSpliced(1, 1)))
  })
}

test.skipIf(notEmulated, 'equal bits in every run and every order of the threads', async () => {
  const one = await adamwStep(SHAPES, { maxNorm: 3 })
  const first = await sameBits(async () => bitsOf(await partsOf(one, FLOAT32)))
  not.equal(first, await bitsOf(await partsOf(one, FAST)))
})

test.run()
