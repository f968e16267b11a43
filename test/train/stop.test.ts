import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { BeitError } from '../../lib/errors.js'
import type { PretrainEvent } from '../../lib/train/events.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, microImages, microRun } from './micro.js'

const test = suite('stop')

test('an aborted signal finishes the step, saves, and ends the run', async () => {
  const output = temporary()
  const controller = new AbortController()
  const options = { ...(await microRun(output, await microImages())), signal: controller.signal }
  const events: PretrainEvent[] = []
  for await (const event of pretrain(options)) {
    events.push(event)
    if (event.type === 'step' && event.step === 5) controller.abort()
  }
  equal(
    events.slice(-4).map(({ type }) => type),
    ['step', 'step', 'checkpoint', 'done'],
  )
  const done = events.at(-1)
  ok(done?.type === 'done')
  equal([done.reason, done.step, done.epoch], ['stopped', 5, 1])
  is(done.checkpoint, join(output, 'checkpoints', 'step-00000005'))
  const state = JSON.parse(await fs.readFile(join(done.checkpoint, 'state.json'), 'utf8'))
  equal(state.position, { epoch: 1, batch: 4 })
  equal((await fs.readdir(output)).sort(), ['checkpoints', 'settings.json'])
})

test('aborted while a step is computed, the step is finished', async () => {
  const controller = new AbortController()
  const options = { ...(await microRun(temporary(), await microImages())), signal: controller.signal }
  const run = pretrain(options)
  is((await run.next()).value?.type, 'start')
  is((await run.next()).value?.type, 'step')
  const second = run.next()
  setImmediate(() => controller.abort())
  const event = (await second).value
  const rest = await collect(run)
  const done = rest.at(-1)
  ok(done?.type === 'done' && done.reason === 'stopped')
  // The abort fell before the step began or while it ran: what was told is what was saved.
  is(done.step, event?.type === 'step' ? 2 : 1)
})

test('aborted before it begins, a run saves where it stands', async () => {
  const options = { ...(await microRun(temporary(), await microImages())), signal: AbortSignal.abort() }
  const events = await collect(pretrain(options))
  equal(
    events.map(({ type }) => type),
    ['start', 'checkpoint', 'done'],
  )
})

test('break leaves nothing behind: no lock, no native memory, no new checkpoint', async () => {
  const output = temporary()
  const data = await microImages()
  const options = { ...(await microRun(output, data)), resume: 'auto' }
  const handles = await handlesInUse()
  for (const last of ['start', 'step', 'epoch', 'checkpoint'] as const) {
    for await (const event of pretrain(options)) if (event.type === last) break
    ok(native().memory().handles <= handles, `after ${last}`)
    const files = await fs.readdir(output)
    equal(files.sort(), ['checkpoints', 'settings.json'])
  }
  equal(await fs.readdir(join(output, 'checkpoints')), ['step-00000003'])
})

test('an error of the consumer does the same', async () => {
  const output = temporary()
  const options = await microRun(output, await microImages())
  const handles = await handlesInUse()
  const failure = new Error('of the consumer')
  try {
    for await (const event of pretrain(options)) if (event.type === 'step') throw failure
    ok(false, 'not reached')
  } catch (error) {
    is(error, failure)
  }
  ok(native().memory().handles <= handles)
  equal((await fs.readdir(output)).sort(), ['checkpoints', 'settings.json'])
})

test('three steps in a row that are not finite end the run, with a checkpoint', async () => {
  const output = temporary()
  const options = await microRun(output, await microImages())
  const events: PretrainEvent[] = []
  const run = async () => {
    // The first step makes weights whose products overflow.
    const hot = {
      learningRate: 1e30,
      warmupEpochs: 0,
      clipGradient: null,
      weightDecay: 0,
      weightDecayEnd: null,
    }
    for await (const event of pretrain({ ...options, ...hot })) events.push(event)
  }
  const error = await rejects(
    run,
    'ERR_NON_FINITE',
    /3 steps up to 4; the weights from before them are saved in/,
  )
  match(error.message, /step-00000004\. Try a lower learningRate/)
  const steps = events.flatMap((event) => (event.type === 'step' ? [event] : []))
  equal(
    steps.map(({ skipped }) => skipped),
    [0, 1, 2, 3],
  )
  ok(Number.isFinite(steps[0]?.loss))
  is(events.at(-1)?.type, 'checkpoint')
  equal((await fs.readdir(join(output, 'checkpoints'))).sort(), ['step-00000003', 'step-00000004'])
})

test('a save that fails ends the run with ERR_IO and leaves the checkpoint before it', async () => {
  const output = temporary()
  const options = await microRun(output, await microImages())
  const failing = { saves: 0 }
  const save = options.model.save.bind(options.model)
  options.model.save = async (path: string) => {
    if (++failing.saves < 2) return save(path)
    await fs.writeFile(path, 'half')
    throw new BeitError('ERR_IO', `cannot write ${path}: No space left on device`)
  }
  await rejects(collect(pretrain(options)), 'ERR_IO', /model\.safetensors: No space left/)
  equal(await fs.readdir(join(output, 'checkpoints')), ['step-00000003'])
})

test.run()

/** Handles that are referred to: what earlier tests left to their finalizers is out of the way. */
async function handlesInUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return native().memory().handles
}
