/**
 * Ends its process in the way that its argument names while the engine computes; prints 'running' when it
 * does.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { native } from '../../../lib/binding.js'
import { preparedJob } from './job.js'

const start = await preparedJob()
// The first job runs, the others wait in the queue.
const jobs = [start(), start(), start()]
await delay(20)
console.log('running')

const ends: Record<string, () => unknown> = {
  exit: () => process.exit(7),
  'exit in a timer': () => setTimeout(() => process.exit(7), 30),
  throw: () => {
    throw new Error('on purpose')
  },
  reject: () => void Promise.reject(new Error('on purpose')),
  'call at exit': () => {
    process.on('exit', () => void start())
    process.exit(7)
  },
  'call after the engine ended': async () => {
    native().cancelAndJoin()
    const code = await start().catch((error) => error.code)
    process.exit(code === 'ERR_CANCELLED' ? 7 : 1)
  },
  // Nothing but the pending work keeps the process alive, until all of it is done.
  'natural end': () => Promise.all(jobs).then(() => console.log('done')),
  wait: () => delay(60_000),
}
await ends[process.argv[2] as string]?.()
