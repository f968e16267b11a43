/** Images for the kernel that makes them what a network takes: for the emulator and for GPUs. */
import { equal, is } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { run, type Way } from '../ops/compare.js'
import { randomNumbers } from '../support/tensors.js'

const PRECISIONS = ['fp32', 'bf16'] as const

// Images, height, width: less than a tile of a block, whole tiles, what the two views of a batch have, and planes
// that are no multiple of 16 bytes, which libtorch's operations take.
export const PIXEL_SHAPES = [
  [1, 4, 4],
  [3, 48, 64],
  [2, 64, 64],
  [2, 112, 112],
  [1, 224, 224],
  [2, 5, 7],
  [1, 2, 50],
] as const
type Shape = readonly [number, number, number]

const numbers = (values: number[]) => Tensor.from(Float32Array.from(values), [values.length])

const OPERATIONS = {
  standardised_pixels: {
    tensors: [numbers([0.485, 0.456, 0.406]), numbers([0.229, 0.224, 0.225])],
    numbers: {},
  },
  scaled_pixels: { tensors: [], numbers: { scale: 1 - 2 * 0.1, shift: 0.1 } },
  unit_pixels: { tensors: [], numbers: {} },
}

/** Fails unless the kernel gives the numbers of libtorch's operations on the CPU, bit by bit. */
export async function samePixels(
  shape: Shape,
  device: string,
  byKernel: <T>(body: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const images = bytes(shape)
  for (const [name, { tensors, numbers }] of Object.entries(OPERATIONS)) {
    for (const precision of PRECISIONS) {
      const plain: Way = { precision, optimize: 'off' }
      const [expected] = (await run(name, [images, ...tensors], numbers, plain)).outputs
      const given = await images.to({ device })
      const [actual] = (
        await byKernel(() => run(name, [given, ...tensors], numbers, { ...plain, optimize: 'auto' }))
      ).outputs
      equal([actual?.shape, actual?.dtype], [expected?.shape, expected?.dtype], name)
      const [got, wanted] = await Promise.all([actual, expected].map((tensor) => tensor?.toTypedArray()))
      // Not the arrays themselves: what uvu prints of two that differ takes it minutes to make.
      const first = wanted?.findIndex((value, i) => value !== got?.[i])
      is(first, -1, `${name}, ${precision}: number ${first} differs`)
    }
  }
}

/** uint8 (images, 3, height, width), in which every value occurs that has room. */
function bytes([images, height, width]: Shape): Tensor {
  const length = images * 3 * height * width
  const random = randomNumbers(length, 11)
  const values = Uint8Array.from(random, (value, i) => (i < 256 ? i : 256 * value))
  return Tensor.from(values, [images, 3, height, width])
}
