/** Blockwise masks on a GPU: those of the CPU, bit by bit. */
import { native } from '../../lib/binding.js'
import { MASK_CASES, sameMasks } from '../cuda/mask_cases.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'

const test = suite('blockwise masks on a GPU')
const reason = noGpu ?? (await native().cudaKernelsProblem())

for (const one of MASK_CASES) {
  test.skipIf(reason, `${one.grid.join(' x ')}, ${JSON.stringify(one.options)}`, () =>
    sameMasks(one, 20_000, 'cuda', (body) => body()),
  )
}

test.run()
