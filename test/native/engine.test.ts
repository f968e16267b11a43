import { performance } from 'node:perf_hooks'
import { equal, match, not, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { Tensor } from '../../lib/index.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { preparedJob } from './programs/job.js'

const test = suite('engine')

test('the event loop stays free while the engine computes', async () => {
  const start = await preparedJob(64)
  const late: number[] = []
  let expected = performance.now() + 10
  const timer = setInterval(() => {
    late.push(performance.now() - expected)
    expected = performance.now() + 10
  }, 10)
  const began = performance.now()
  while (performance.now() - began < 1500) (await start()).dispose()
  clearInterval(timer)
  late.sort((a, b) => a - b)
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
  const { handle } = Tensor.from([1])
  async function readOnAnotherDevice() {
    await native().tensorTo(handle, 'cuda', 'float32')
  }
  const error = await rejects(
    readOnAnotherDevice,
    'ERR_NATIVE',
    /PyTorch is not linked with support for cuda|CUDA/,
  )
  not.match(error.message, /frame #|\.cpp/)
  match(error.stack as string, 'readOnAnotherDevice')
})

test('a failed job leaves the engine fit for the next', async () => {
  const read = native().tensorsFromFile('/nowhere/file', [[1]], ['float32'], [0], 'cpu')
  await rejects(read, 'ERR_IO', /\/nowhere\/file/)
  equal([...(await Tensor.from([1, 2, 3]).toFloat32())], [1, 2, 3])
})

test.run()
