/** Images made what a network takes by the CUDA kernel in the emulator: the bits of libtorch's operations. */
import { suite } from '../support/suite.js'
import { emulating, notEmulated } from './emulated.js'
import { PIXEL_SHAPES, samePixels } from './pixel_cases.js'

const test = suite('CUDA pixels, emulated')

for (const shape of PIXEL_SHAPES) {
  test.skipIf(notEmulated, shape.join(' x '), () => samePixels(shape, 'cpu', emulating))
}

test.skipIf(notEmulated, 'every order of the threads', () =>
  samePixels([2, 64, 80], 'cpu', (body) => emulating(body, 'reversed')),
)

test.run()
