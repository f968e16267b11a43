import { setImmediate as turn } from 'node:timers/promises'
import { equal, is } from 'uvu/assert'
import { Limiter } from '../../lib/data/limiter.js'
import { BeitError } from '../../lib/errors.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('limiter')

test('runs so many at once, in the order of the calls, and goes on after a failure', async () => {
  const limiter = new Limiter(2)
  const started: number[] = []
  let active = 0
  let most = 0
  const work = (i: number) =>
    limiter.run(async () => {
      started.push(i)
      most = Math.max(most, ++active)
      for (let turns = 0; turns < 1 + (i % 3); turns++) await turn()
      active--
      if (i === 3) throw new BeitError('ERR_DATA', 'third')
      return i * 10
    })
  const results = Array.from({ length: 8 }, (_, i) => work(i))
  await rejects(results[3] as Promise<number>, 'ERR_DATA', /third/)
  equal(await Promise.all(results.filter((_, i) => i !== 3)), [0, 10, 20, 40, 50, 60, 70])
  equal(started, [0, 1, 2, 3, 4, 5, 6, 7])
  is(most, 2)
})

test.run()
