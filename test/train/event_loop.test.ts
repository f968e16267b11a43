import { is, ok } from 'uvu/assert'
import { runProgram } from '../support/child.js'
import { suite } from '../support/suite.js'

const test = suite('event loop')

test('stays free while a run computes, loads images and saves', async () => {
  const { status, output } = await runProgram('train/programs/timer_beside_a_run.js')
  is(status, 0, output)
  const { ticks, saves, p99 } = JSON.parse(output)
  ok(ticks > 100, `only ${ticks} ticks`)
  ok(saves >= 8, `only ${saves} checkpoints`)
  ok(p99 <= 50, `a 10 ms timer was ${p99.toFixed(1)} ms late at the 99th percentile`)
})

test.run()
