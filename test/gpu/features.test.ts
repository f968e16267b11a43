/** Files of features made on a GPU: the numbers of the CPU. */
import { join } from 'node:path'
import { ok } from 'uvu/assert'
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import { scope } from '../../lib/dispose.js'
import { extractFeatures } from '../../lib/evaluate/features/extract_features.js'
import type { Tensor } from '../../lib/tensor.js'
import { probeImages, probeModel } from '../evaluate/probe_images.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named, relativeError } from '../support/tensors.js'

const test = suite('features on a GPU', { timeout: 120_000 })
/** Sums are made in another order there. */
const TOLERANCE = 1e-4

test.skipIf(noGpu, 'features of every block and pooling', () =>
  scope(async () => {
    const model = await probeModel(3)
    const data = await probeImages(3)
    for (const pooling of ['mean', 'concat', 'patches'] as const) {
      const [cpu, gpu] = await Promise.all(
        ['cpu', 'cuda'].map(async (device) => {
          const output = join(temporary(), 'features.safetensors')
          await extractFeatures({ model: await model.to({ device }), data, pooling, output })
          return (await readSafetensors(output)).tensors
        }),
      )
      for (const block of ['block_0', 'block_1', 'block_2']) {
        const error = await relativeError(
          named(gpu as Map<string, Tensor>, block),
          named(cpu as never, block),
        )
        ok(error <= TOLERANCE, `${pooling}, ${block}: relative error ${error}`)
      }
    }
  }),
)

test.run()
