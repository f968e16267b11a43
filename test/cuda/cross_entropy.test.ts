/** Cross-entropy of logits by the CUDA kernels in the emulator, against float64. */
import { equal, is, ok } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { distance, EXACT, random, run } from '../ops/compare.js'
import { suite } from '../support/suite.js'
import { integers } from '../support/tensors.js'
import { emulating, notEmulated, sameBits } from './emulated.js'
import {
  BFLOAT16,
  bitsOf,
  crossEntropy,
  FLOAT32,
  isNear,
  mostOf,
  partsOf,
  type RowCase,
} from './row_cases.js'

const test = suite('CUDA cross-entropy, emulated')

// Rows and classes: one vector of a thread, warps that are full or not, the vocabulary of BEiT, the most.
const SHAPES = [
  [2, 8],
  [7, 32],
  [11, 1000],
  [10, 1024],
  [6, 8192],
  [2, 32768],
] as const

for (const way of [FLOAT32, BFLOAT16]) {
  for (const [rows, classes] of SHAPES) {
    for (const upstream of [1, 0.37]) {
      test.skipIf(notEmulated, `${way.precision}, ${rows} x ${classes}, upstream ${upstream}`, async () => {
        const one = await crossEntropy(rows, classes, upstream)
        await isNear(await emulating(() => partsOf(one, way)), one, mostOf(way))
      })
    }
  }
}

test.skipIf(notEmulated, 'more rows than a block adds up at once', async () => {
  const one = await crossEntropy(2100, 8)
  await isNear(await emulating(() => partsOf(one, FLOAT32)), one, mostOf(FLOAT32))
})

test.skipIf(notEmulated, 'classes that do not fit take the path of libtorch', async () => {
  for (const classes of [30, 32772]) {
    const one = await crossEntropy(3, classes)
    await isNear(await emulating(() => partsOf(one, FLOAT32)), one, mostOf(FLOAT32))
  }
})

test.skipIf(notEmulated, 'the head before it', async () => {
  const targets = Tensor.from(BigInt64Array.of(3n, -1n, 0n, 63n, 17n, -1n), [6])
  const tensors = [random([6, 20], 1), random([64, 20], 2), random([64], 3), targets]
  const weights = [Tensor.from(Float32Array.of(0.5), []), null]
  const exact = await run('linear_cross_entropy', tensors, {}, EXACT, weights)
  const actual = await emulating(() => run('linear_cross_entropy', tensors, {}, FLOAT32, weights))
  for (const i of [0, 1, 2]) {
    const error = await distance(actual.gradients[i] as Tensor, exact.gradients[i] as Tensor)
    ok(error < 2e-6, `gradient ${i}: error ${error}`)
  }
  ok((await distance(actual.outputs[0] as Tensor, exact.outputs[0] as Tensor)) < 2e-6)
})

test.skipIf(notEmulated, 'without a gradient the numbers are the same', async () => {
  const one = await crossEntropy(9, 48)
  const [loss, correct] = await emulating(() => partsOf(one, FLOAT32))
  const [alone, hits] = await emulating(() => partsOf({ ...one, weights: [] }, FLOAT32))
  is(await bitsOf([alone as Tensor, hits as Tensor]), await bitsOf([loss as Tensor, correct as Tensor]))
})

test.skipIf(notEmulated, 'of equal logits the first counts as the likeliest', async () => {
  const row = Float32Array.from({ length: 32 }, (_, i) => (i % 8 === 5 ? 2 : 0))
  const hits = async (target: number) => {
    const { outputs } = await emulated(row, [target])
    return integers(outputs[1] as Tensor)
  }
  equal([await hits(5), await hits(13), await hits(29), await hits(0)], [[1], [0], [0], [0]])
})

test.skipIf(notEmulated, 'logits far apart have weights of one and zero', async () => {
  const row = Float32Array.from({ length: 32 }, (_, i) => (i === 9 ? 1000 : i === 3 ? -1000 : 0))
  const { outputs, gradients } = await emulated(row, [3], [Tensor.from(Float32Array.of(1), [])])
  equal([...(await (outputs[0] as Tensor).toFloat32())], [2000])
  const gradient = await (gradients[0] as Tensor).toFloat32()
  equal([...gradient], [...row.map((_, i) => (i === 9 ? 1 : i === 3 ? -1 : 0))])
})

test.skipIf(
  notEmulated,
  'no loss: a NaN among the logits, a target that is no class, no target',
  async () => {
    const numbers = new Float32Array(64)
    const broken = numbers.with(40, Number.NaN)
    for (const [logits, targets] of [
      [broken, [1, 2]],
      [numbers, [1, 32]],
      [numbers, [1, -2]],
      [numbers, [-1, -1]],
    ] as const) {
      const { outputs } = await emulated(logits, targets)
      ok(Number.isNaN((await (outputs[0] as Tensor).toFloat32())[0]), `targets ${targets}`)
    }
    // What stands in a row that is left out does not matter.
    const { outputs } = await emulated(broken, [1, -1])
    ok(Math.abs(((await (outputs[0] as Tensor).toFloat32())[0] as number) - Math.log(32)) < 1e-6)
  },
)

test.skipIf(notEmulated, 'equal bits in every run and every order of the threads', async () => {
  const one: RowCase = await crossEntropy(9, 4096, 0.37)
  await sameBits(async () => bitsOf(await partsOf(one, FLOAT32)))
})

/** Of rows of 32 logits. */
function emulated(logits: Float32Array, targets: readonly number[], weights: Tensor[] | null = null) {
  const tensors = [
    Tensor.from(logits, [targets.length, 32]),
    Tensor.from(BigInt64Array.from(targets, BigInt), [targets.length]),
  ]
  return emulating(() => run('cross_entropy', tensors, {}, FLOAT32, weights))
}

test.run()
