/** Steps as a CUDA graph: those of a GPU without one, to the bit. */
import { equal, is } from 'uvu/assert'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'
import { BEFORE, course } from '../train/graph_steps.js'

const test = suite('CUDA graphs on a GPU', { timeout: 120_000 })
const STEPS = 20 + BEFORE

for (const precision of ['fp32', 'bf16'] as const) {
  test.skipIf(noGpu, `${precision}: 20 replayed steps are 20 others, to the bit`, async () => {
    const steps = (cudaGraphs: boolean) =>
      course({ device: 'cuda', steps: STEPS, options: { precision, cudaGraphs } })
    const eager = await steps(false)
    // Else the comparison would say nothing.
    equal(await steps(false), eager)
    const { replayed, notices, ...graphed } = await steps(true)
    equal(notices, [])
    is(replayed.length, STEPS - BEFORE)
    equal({ ...graphed, replayed: [], notices: [] }, eager)
  })
}

test.skipIf(noGpu, 'steps of other shapes in between run without the graph', async () => {
  const steps = { device: 'cuda', steps: 9, smaller: [0, 6], fuller: [7] }
  const eager = await course(steps)
  const { replayed, ...graphed } = await course({ ...steps, options: { cudaGraphs: true } })
  equal(replayed, [5, 8])
  equal({ ...graphed, replayed: [] }, eager)
})

test.run()
