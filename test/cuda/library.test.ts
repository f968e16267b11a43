/** beit_cuda.so: compiled and linked where there is an nvcc (npm run setup -- --nvcc), opened without a GPU. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { is } from 'uvu/assert'
import { libtorchInUse, native } from '../../lib/binding.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('library of CUDA kernels')
const built = existsSync(join(libtorchInUse().addon.folder, 'beit_cuda.so'))

test.skipIf(built ? null : 'no nvcc when the addon was built', 'the addon opens it', async () => {
  is(await native().cudaKernelsProblem(), null)
})

test('what is no library of kernels is refused', async () => {
  await rejects(() => native().emulateCudaKernels('/dev/null'), 'ERR_NATIVE', /emulated kernels/)
})

test.run()
