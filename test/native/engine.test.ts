import { performance } from 'node:perf_hooks'
import { equal, match, not, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { BeitForMaskedImageModeling, Tensor } from '../../lib/index.js'
import { rejects } from '../support/errors.js'
import { startLateTimer } from '../support/late_timer.js'
import { suite } from '../support/suite.js'
import { preparedJob } from './programs/job.js'

const test = suite('engine')

test('the event loop stays free while the engine computes', async () => {
  const start = await preparedJob(64)
  const stop = startLateTimer(10)
  const began = performance.now()
  while (performance.now() - began < 1500) (await start()).dispose()
  const late = stop()
  const p99 = late[Math.floor(late.length * 0.99)] as number
  ok(late.length > 30, `only ${late.length} ticks`)
  ok(p99 <= 50, `a 10 ms timer was ${p99.toFixed(1)} ms late at the 99th percentile`)
})

test('jobs run in the order of the calls', async () => {
  const order: number[] = []
  const tensor = Tensor.from(new Float32Array(1000))
  await Promise.all([1, 2, 3, 4, 5].map((i) => tensor.to({ dtype: 'float64' }).then(() => order.push(i))))
  equal(order, [1, 2, 3, 4, 5])
})

test('an error of libtorch is a BeitError without a C++ backtrace, and names who called', async () => {
  const size = { imageSize: 16, patchSize: 8, hiddenSize: 8, depth: 1, heads: 1, vocabSize: 4 }
  const model = await BeitForMaskedImageModeling.create(size)
  const pixels = Tensor.from(new Float32Array(2 * 16 * 16), [1, 2, 16, 16])
  async function forwardOfTwoChannels() {
    // Past the checks of lib/models, so that the cutting into patches refuses.
    await native().beitForward(model.handle, pixels.handle, null, true)
  }
  const error = await rejects(forwardOfTwoChannels, 'ERR_NATIVE', /shape .* is invalid for input of size 512/)
  not.match(error.message, /frame #|\.cpp/)
  match(error.stack as string, 'forwardOfTwoChannels')
})

test('a failed job leaves the engine fit for the next', async () => {
  const read = native().storagesFromFile('/nowhere/file', [], [], 'cpu')
  await rejects(read, 'ERR_IO', /\/nowhere\/file/)
  equal([...(await Tensor.from([1, 2, 3]).toFloat32())], [1, 2, 3])
})

test.run()
