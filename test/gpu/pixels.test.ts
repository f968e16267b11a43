/** Images made what a network takes by the CUDA kernel on a GPU: the bits of libtorch's operations on the CPU. */
import { native } from '../../lib/binding.js'
import { PIXEL_SHAPES, samePixels } from '../cuda/pixel_cases.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'

const test = suite('pixels on a GPU')
const reason = noGpu ?? (await native().cudaKernelsProblem())

for (const shape of [...PIXEL_SHAPES, [300, 64, 64]] as const) {
  test.skipIf(reason, shape.join(' x '), () => samePixels(shape, 'cuda', (body) => body()))
}

test.run()
