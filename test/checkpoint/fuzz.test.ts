/** A short run of scripts/fuzz_checkpoints.mjs, so that it stays able to run; the long ones are run by hand. */
import { equal, is, ok } from 'uvu/assert'
import { fuzz } from '../support/fuzz/fuzz.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('fuzzed checkpoints')

test('thousands of mutated files are read or refused, the same for the same seed', async () => {
  const lines: string[] = []
  const run = (seed: number) =>
    fuzz({ executions: 4000, seed, folder: temporary(), log: (line) => lines.push(line) })
  const first = await run(1)
  is(first.offenders, 0, lines.join('\n'))
  is(first.read + first.refused, 4000)
  ok(first.read > 200 && first.byAddon > 0 && first.ways > 200, JSON.stringify(first))
  equal(await run(1), first)
  ok(JSON.stringify(await run(2)) !== JSON.stringify(first), 'another seed is another run')
})

test.run()
