import { equal, is, match, ok } from 'uvu/assert'
import { type RunOptions, repeat, runProgram } from '../support/child.js'
import { suite } from '../support/suite.js'

const test = suite('the end of a process while the engine computes', { timeout: 120_000 })
const end = (how: string, options?: RunOptions) =>
  runProgram('native/programs/end_during_job.js', [how], options)

test('process.exit() 20 times: the status is the given one, no signal', async () => {
  const ends = [
    ...(await repeat(14, 2, () => end('exit'))),
    // With a team of OpenMP threads beside the engine's.
    ...(await repeat(6, 1, () => end('exit', { threads: 2 }))),
  ]
  equal(
    ends.map(({ status, signal }) => [status, signal]),
    Array(20).fill([7, null]),
  )
})

for (const job of ['forward', 'step', 'encode']) {
  test(`process.exit() in the middle of one long ${job} waits for a layer, not for all of it`, async () => {
    const { status, output } = await runProgram('native/programs/end_inside_a_job.js', [job])
    is(status, 7, output)
    const { whole, waited } = JSON.parse(output)
    ok(whole > 60, `a whole ${job} takes ${whole} ms: too short to tell`)
    ok(waited < whole / 4, `waited ${waited.toFixed(0)} ms; a whole ${job} takes ${whole.toFixed(0)} ms`)
  })
}

test('process.exit() in a timer', async () => {
  const { status, signal } = await end('exit in a timer')
  equal([status, signal], [7, null])
})

test('an uncaught exception', async () => {
  const { status, signal, output } = await end('throw')
  equal([status, signal], [1, null])
  match(output, 'on purpose')
})

test('an unhandled rejection', async () => {
  const { status, signal } = await end('reject')
  equal([status, signal], [1, null])
})

test('a call in an exit handler does no harm', async () => {
  const { status, signal } = await end('call at exit')
  equal([status, signal], [7, null])
})

test('a call after the engine ended is refused with ERR_CANCELLED', async () => {
  const { status, signal } = await end('call after the engine ended')
  equal([status, signal], [7, null])
})

test('pending work keeps the process alive until it is done', async () => {
  const { status, signal, output } = await end('natural end')
  equal([status, signal], [0, null])
  match(output, 'done')
})

test('SIGINT and SIGTERM end it as they end any process', async () => {
  is((await end('wait', { kill: 'SIGINT' })).signal, 'SIGINT')
  is((await end('wait', { kill: 'SIGTERM' })).signal, 'SIGTERM')
})

test.run()
