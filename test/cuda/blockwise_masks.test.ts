/** Blockwise masks by their CUDA kernel in the emulator: those of the CPU. */
import { suite } from '../support/suite.js'
import { emulating, notEmulated } from './emulated.js'
import { MASK_CASES, sameMasks } from './mask_cases.js'

const test = suite('CUDA blockwise masks, emulated')

for (const one of MASK_CASES) {
  test.skipIf(notEmulated, `${one.grid.join(' x ')}, ${JSON.stringify(one.options)}`, async () => {
    for (const count of [1, 32, 1001]) await sameMasks(one, count, 'cpu', emulating)
  })
}

test.run()
