/** Tests that need a GPU: `test.skipIf(noGpu, ...)`. npm run gpu runs them where there is one. */
import { cudaProblem } from '../../lib/device.js'

/** Why no GPU can be used here, or null. */
export const noGpu: string | null = await cudaProblem().then((problem) => problem && `no GPU: ${problem}`)
