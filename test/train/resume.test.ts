import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { newestRunCheckpoint } from '../../lib/checkpoint/run_checkpoint.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { MOST_THREADS, threads } from '../../lib/device.js'
import type { PretrainEvent } from '../../lib/train/events.js'
import { pretrain } from '../../lib/train/pretrain.js'
import type { PretrainOptions } from '../../lib/train/pretrain_options.js'
import type { RunState } from '../../lib/train/run_state.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, digests, microImages, microModel, microRun, microTokenizer, timeless } from './micro.js'

const test = suite('resume')

// Steps 3, 6, 9, ... end an epoch; the others lie inside one.
const STOPS = [1, 2, 3, 7, 10, 15, 17, 22, 29, 30]

for (const loaderThreads of [1, 2, 4]) {
  test(`30 steps stopped at any of 10 end with the same bits, ${loaderThreads} loader threads`, async () => {
    const data = await microImages()
    const whole = temporary()
    const more = { loaderThreads, validation: data, evaluateEveryEpochs: 5, saveEveryEpochs: 5 }
    const events = await run(whole, data, more)
    const expected = await digests(whole)
    const steps = timeless(events.filter(isProgress))
    is(steps.length, 30 + 10 + 2)
    for (const stop of STOPS) {
      const output = temporary()
      const before = await runUntil(stop, output, data, more)
      // Fresh objects, as in a new process; the weights of another seed must not matter.
      const model = await microModel({ seed: 9 })
      const after = await run(output, data, { ...more, model, resume: 'auto' })
      equal(await digests(output), expected, `stopped at ${stop}`)
      equal(timeless([...before, ...after].filter(isProgress)), steps, `stopped at ${stop}`)
      ok(after[0]?.type === 'start' && after[0].resumedStep === stop)
    }
  })
}

test('the number of loader threads may change between, and so may what decides nothing', async () => {
  const data = await microImages()
  const [whole, stopped] = [temporary(), temporary()]
  await run(whole, data)
  await runUntil(11, stopped, data, { loaderThreads: 4, prefetch: 1 })
  await runUntil(13, stopped, data, { loaderThreads: 1, keepCheckpoints: 1, resume: 'auto' })
  await run(stopped, data, { loaderThreads: 2, prefetch: 9, saveEverySteps: 4, resume: 'auto' })
  equal(await digests(stopped), await digests(whole))
})

const alone = MOST_THREADS < 2 ? 'there is one processor' : null
test.skipIf(alone, 'the threads in effect are recorded; with others, a resumed run warns', async () => {
  const [output, data] = [temporary(), await microImages()]
  const settingsOf = async () => JSON.parse(await fs.readFile(join(output, 'settings.json'), 'utf8')).settings
  await native().setThreads(2)
  const unset = { threads: null, maxSteps: 30 }
  await runUntil(2, output, data, unset)
  is((await settingsOf()).threads, 2)

  const warningsOf = (events: PretrainEvent[]) =>
    events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
  equal(warningsOf(await runUntil(3, output, data, { ...unset, resume: 'auto' })), [])
  const [warning, ...more] = warningsOf(await runUntil(4, output, data, { maxSteps: 30, resume: 'auto' }))
  match(warning as string, /^settings\.threads: 2 in the checkpoint, 1 now: the last bits will differ/)
  equal(more, [])
  is((await settingsOf()).threads, 1)
})

test.skipIf(alone, 'a run leaves the number of threads as it was, however it ends', async () => {
  const data = await microImages()
  await native().setThreads(2)
  for await (const event of pretrain({ ...(await microRun(temporary(), data)), threads: 1 })) {
    is(await threads(), 1)
    if (event.type === 'step') break
  }
  is(await threads(), 2)
})

test('a finished run has nothing left to do', async () => {
  const [output, data] = [temporary(), await microImages()]
  const done = (await run(output, data)).at(-1)
  const again = await run(output, data, { resume: 'auto' })
  equal(
    again.map(({ type }) => type),
    ['start', 'done'],
  )
  equal(timeless(again.slice(-1)), timeless([done as PretrainEvent]))
})

test("resume: 'auto' begins where there is nothing to go on from", async () => {
  const data = await microImages()
  const [first] = await run(join(temporary(), 'new'), data, { resume: 'auto', maxSteps: 3 })
  ok(first?.type === 'start' && first.resumedFrom === null && first.resumedStep === 0)
})

test('a damaged checkpoint is passed over with a warning, and the bits are the same', async () => {
  const data = await microImages()
  const [whole, output] = [temporary(), temporary()]
  await run(whole, data)
  await runUntil(7, output, data)
  const checkpoints = join(output, 'checkpoints')
  await fs.truncate(join(checkpoints, 'step-00000007', 'state.safetensors'), 100)
  const events = await run(output, data, { resume: 'auto' })
  const [start, warning] = events
  ok(start?.type === 'start' && start.resumedFrom === join(checkpoints, 'step-00000006'))
  ok(warning?.type === 'warning')
  const pattern = /damaged checkpoint, now .*step-00000007\.damaged: .*state\.safetensors has 100 bytes/
  ok(pattern.test(warning.message), warning.message)
  equal(await digests(output), await digests(whole))
})

test('when no checkpoint is whole, the run does not begin anew by itself', async () => {
  const [output, data] = [temporary(), await microImages()]
  await runUntil(2, output, data)
  await fs.rm(join(output, 'checkpoints', 'step-00000002', 'manifest.json'))
  const message = /no checkpoint in .* is whole:\n {2}.*manifest\.json cannot be read/
  await rejects(run(output, data, { resume: 'auto' }), 'ERR_NO_CHECKPOINT', message)
})

test('a chosen checkpoint is taken into a new output, and refused in one that has others', async () => {
  const data = await microImages()
  const [whole, first, second] = [temporary(), temporary(), temporary()]
  await run(whole, data)
  await runUntil(8, first, data)
  const resume = join(first, 'checkpoints', 'step-00000006')
  const [start] = await run(second, data, { resume })
  ok(start?.type === 'start' && start.resumedFrom === resume && start.resumedStep === 6)
  equal(await digests(second), await digests(whole))

  await rejects(
    run(first, data, { resume }),
    'ERR_OUTPUT_EXISTS',
    /holds .*step-00000008, which is not the checkpoint/,
  )
  const absent = join(first, 'checkpoints', 'step-00000099')
  await rejects(
    run(temporary(), data, { resume: absent }),
    'ERR_NO_CHECKPOINT',
    /step-00000099 is no whole checkpoint/,
  )
})

test('the best checkpoint is judged anew on other images, and in another folder', async () => {
  const [data, validation] = [await microImages(), await microImages()]
  await fs.rm(validation.sample(0).path)
  const output = temporary()
  // A learning rate this high makes the loss rise, so that no later loss is lower.
  const rising = { learningRate: 1, warmupEpochs: 0, epochs: 4 }
  await runUntil(4, output, data, rising)
  const first = await bestOf(output)
  equal([first?.step, first?.judgedOn], [3, 'training'])
  await runUntil(7, output, data, { ...rising, resume: 'auto' })
  is((await bestOf(output))?.step, 3, 'still that of the first epoch')
  const elsewhere = temporary()
  const resume = join(output, 'checkpoints', 'step-00000007')
  await runUntil(10, elsewhere, data, { ...rising, resume })
  is((await bestOf(elsewhere))?.step, 9, 'the first that lies there')

  const other = await ImageFolder.open(validation.name)
  await runUntil(10, output, data, { ...rising, resume: 'auto', validation: other })
  const judged = await bestOf(output)
  equal([judged?.step, judged?.judgedOn], [9, other.fingerprint])
})

test('a checkpoint of another run is refused, and all that differs is named', async () => {
  const [output, data] = [temporary(), await microImages()]
  await runUntil(4, output, data)
  const refused = (more: Partial<PretrainOptions>, message: RegExp) =>
    rejects(run(output, data, { resume: 'auto', ...more }), 'ERR_CHECKPOINT_MISMATCH', message)

  await refused(
    { learningRate: 1e-3, betas: [0.9, 0.98] },
    /Rate: 0\.002 in the checkpoint, 0\.001 now; settings\.betas: \[0\.9,0\.999\] .*, \[0\.9,0\.98\] now/,
  )
  await refused({ seed: 5 }, /settings\.seed: 0 in the checkpoint, 5 now/)
  await refused({ model: await microModel({ depth: 3 }) }, /model\.depth: 2 in the checkpoint, 3 now/)
  await refused({ tokenizer: await microTokenizer({ seed: 3 }) }, /tokenizer\.weights: "[0-9a-f]{64}" in the/)
  await fs.copyFile(data.sample(0).path, join(data.name, '99.jpg'))
  await refused({ data: await ImageFolder.open(data.name) }, /data\.length: 26 in the checkpoint, 27 now/)
})

test.run()

/** Changes from test to test; model and tokenizer are made anew unless given. */
type More = Partial<PretrainOptions>

async function run(output: string, data: ImageFolder, more: More = {}): Promise<PretrainEvent[]> {
  return collect(pretrain({ ...(await microRun(output, data)), ...more }))
}

/** Aborts a run after step `stop`. */
async function runUntil(
  stop: number,
  output: string,
  data: ImageFolder,
  more: More = {},
): Promise<PretrainEvent[]> {
  const controller = new AbortController()
  const events: PretrainEvent[] = []
  const options = { ...(await microRun(output, data)), ...more, signal: controller.signal }
  for await (const event of pretrain(options)) {
    events.push(event)
    if (event.type === 'step' && event.step === stop) controller.abort()
  }
  return events
}

/** What the newest checkpoint takes for the best one. */
async function bestOf(output: string): Promise<RunState['progress']['best']> {
  const { checkpoint } = await newestRunCheckpoint<RunState>(join(output, 'checkpoints'))
  return checkpoint?.state.progress.best ?? null
}

/** Events that the whole run and a stopped one have in common; checkpoints follow the stops. */
function isProgress(event: PretrainEvent): boolean {
  return event.type === 'step' || event.type === 'epoch' || event.type === 'evaluation'
}
