/** Residual, drop path, LayerScale and LayerNorm by the CUDA kernels in the emulator, against float64. */
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { emulating, notEmulated, sameBits } from './emulated.js'
import {
  addNorm,
  BFLOAT16,
  bitsOf,
  FLOAT32,
  isNear,
  layerNorm,
  mostOf,
  partsOf,
  type RowCase,
} from './row_cases.js'

const test = suite('CUDA residual and LayerNorm, emulated')

// Images, tokens, width: one group of four columns, warps that are full or not, one chunk of rows and many, the
// widest row.
const SHAPES = [
  [1, 1, 4],
  [3, 5, 12],
  [2, 4, 128],
  [5, 3, 132],
  [4, 99, 48],
  [2, 3, 4096],
] as const

for (const way of [FLOAT32, BFLOAT16]) {
  for (const shape of SHAPES) {
    test.skipIf(notEmulated, `${way.precision}, ${shape.join(' x ')}`, async () =>
      compare(await addNorm(shape), way),
    )
  }

  for (const parts of [
    { gamma: false },
    { scale: false },
    { gamma: false, scale: false },
    { norm: false },
    { norm: false, gamma: false },
    { upstream: [true, false] },
    { upstream: [false, true] },
  ] as const) {
    test.skipIf(notEmulated, `${way.precision}, ${JSON.stringify(parts)}`, async () =>
      compare(await addNorm([4, 7, 24], parts), way),
    )
  }
}

for (const shape of [
  [7, 12],
  [1, 4096],
  [2, 33, 64],
]) {
  test.skipIf(notEmulated, `LayerNorm alone, ${shape.join(' x ')}`, () => compare(layerNorm(shape), FLOAT32))
}

test.skipIf(notEmulated, 'a branch that is left out is not read: not even NaN spreads', async () => {
  const one = await addNorm([3, 2, 8])
  const branch = await (one.tensors[1] as Tensor).toFloat32()
  branch.fill(Number.NaN, 16, 32) // of image 1
  const broken = { ...one, tensors: one.tensors.with(1, Tensor.from(branch, [3, 2, 8])) }
  const parts = await emulating(() => partsOf(broken, FLOAT32))
  await isNear(parts, one, mostOf(FLOAT32))
})

test.skipIf(notEmulated, 'widths that do not fit take the path of libtorch', async () => {
  for (const width of [6, 4100]) await compare(await addNorm([2, 3, width]), FLOAT32)
})

test.skipIf(notEmulated, 'equal bits in every run and every order of the threads', async () => {
  const one = await addNorm([4, 150, 96])
  await sameBits(async () => bitsOf(await partsOf(one, BFLOAT16)))
})

async function compare(one: RowCase, way: typeof FLOAT32): Promise<void> {
  await isNear(await emulating(() => partsOf(one, way)), one, mostOf(way))
}

test.run()
