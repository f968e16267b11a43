import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { follow } from '../../lib/cli/follow.js'
import { commands } from '../../lib/cli/run.js'
import type { PretrainEvent } from '../../lib/train/events.js'
import { start } from '../log/events.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('follow')

const call = { command: commands[0] as (typeof commands)[number], values: {}, arguments: [], argv: [] }
const image = { path: 'a.jpg', offset: 0, key: 'a', message: 'is empty' }
const done = (reason: 'finished' | 'stopped'): PretrainEvent => ({
  type: 'done',
  step: 40,
  epoch: 3,
  reason,
  best: null,
  loss: 1,
  accuracy: 0.5,
  masked: 9,
  perplexity: 3,
  checkpoint: 'checkpoints/step-00000040',
  seconds: 1,
  broken: [image],
})

/** Listeners of Ctrl-C that this library added. */
const before = process.listenerCount('SIGINT')
const listening = () => process.listenerCount('SIGINT') - before

test('Ctrl-C asks the run to stop while it runs, and ends the process while results are drawn', async () => {
  const output = temporary()
  const heard: number[] = []
  async function* train(): AsyncGenerator<PretrainEvent> {
    yield start(output)
    heard.push(listening())
    yield done('finished')
  }
  const code = await follow<PretrainEvent>(call, train, async () => {
    heard.push(listening())
    return []
  })
  is(code, 0)
  equal(heard, [1, 0])
  is(await readFile(join(output, 'broken-images.txt'), 'utf8'), 'a.jpg\t0\ta\tis empty\n')
})

test('a stopped run names its broken images too, and draws nothing', async () => {
  const output = temporary()
  async function* train(): AsyncGenerator<PretrainEvent> {
    yield start(output)
    process.emit('SIGINT')
    yield done('stopped')
  }
  const code = await follow<PretrainEvent>(call, train, () => {
    throw new Error('not finished')
  })
  equal([code, listening()], [130, 0])
  is(await readFile(join(output, 'broken-images.txt'), 'utf8'), 'a.jpg\t0\ta\tis empty\n')
})

test.run()
