/** The loop with a step in flight, as on a GPU: on the CPU by a switch. */
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { BeitError } from '../../lib/errors.js'
import type { PretrainEvent } from '../../lib/train/events.js'
import { readLateEverywhere, readsLate } from '../../lib/train/late_results.js'
import { pretrain } from '../../lib/train/pretrain.js'
import type { PretrainOptions } from '../../lib/train/pretrain_options.js'
import { PendingStep, Trainer } from '../../lib/train/trainer.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, digests, microImages, microRun, timeless } from './micro.js'

const test = suite('late results')

test('a GPU is not waited for, a CPU and a profile are', () => {
  equal(
    [readsLate('cuda:0', false), readsLate('cuda:0', true), readsLate('cpu', false)],
    [true, false, false],
  )
})

test('the next step begins before a result is read, but for those that a checkpoint or an epoch follows', async () => {
  const order: string[] = []
  await late(() => recording(order, () => run({ epochs: 2, saveEverySteps: 5 })))
  // Three steps an epoch; step 5 is saved.
  equal(order, ['+1', '+2', '-1', '+3', '-2', '-3', '+4', '+5', '-4', '-5', '+6', '-6'])
  const atOnce: string[] = []
  await recording(atOnce, () => run({ epochs: 1 }))
  equal(atOnce, ['+1', '-1', '+2', '-2', '+3', '-3'])
})

test('events, weights, moments and generator are those of a run that waits', async () => {
  const data = await microImages()
  const options = { epochs: 3, saveEverySteps: 2, resume: 'never' as const }
  const folders = [join(temporary(), 'run'), join(temporary(), 'run')] as const
  const expected = await collect(pretrain({ ...(await microRun(folders[0], data)), ...options }))
  const micro = await microRun(folders[1], data)
  const actual = await late(() => collect(pretrain({ ...micro, ...options })))
  const common = (events: PretrainEvent[]) =>
    timeless(events.filter(({ type }) => type === 'step' || type === 'epoch' || type === 'evaluation'))
  equal(common(actual), common(expected))
  equal(
    actual.map(({ type }) => type),
    expected.map(({ type }) => type),
  )
  equal(await digests(folders[1]), await digests(folders[0]))
})

test('the times of the steps are those between their results, and what they waited is in them', async () => {
  const began = performance.now()
  const steps = (await late(() => run({ epochs: 2 }))).filter((event) => event.type === 'step')
  const all = (performance.now() - began) / 1000
  const sum = steps.reduce((total, { seconds }) => total + seconds, 0)
  ok(sum > 0 && sum <= all, `${sum} of ${all}`)
  for (const { seconds, waiting } of steps) ok(seconds > 0 && waiting >= 0 && waiting <= 1, `${waiting}`)
})

test('aborted, the step in flight is told about and saved', async () => {
  const controller = new AbortController()
  const events: PretrainEvent[] = []
  await late(async () => {
    const options = { ...(await microRun(temporary(), await microImages())), signal: controller.signal }
    for await (const event of pretrain(options)) {
      events.push(event)
      if (event.type === 'step' && event.step === 4) controller.abort()
    }
  })
  equal(
    events.slice(-4).map(({ type }) => type),
    ['step', 'step', 'checkpoint', 'done'],
  )
  const done = events.at(-1)
  ok(done?.type === 'done')
  equal([done.reason, done.step], ['stopped', 5])
})

test('three steps without a finite loss end the run before a fourth begins', async () => {
  const order: string[] = []
  const output = temporary()
  const options = { ...(await microRun(output, await microImages())), learningRate: 1e30, warmupEpochs: 0 }
  const events: PretrainEvent[] = []
  const problem = await late(() =>
    recording(order, async () => {
      try {
        for await (const event of pretrain({ ...options, clipGradient: null })) events.push(event)
      } catch (error) {
        return error
      }
      return null
    }),
  )
  ok(problem instanceof BeitError && problem.code === 'ERR_NON_FINITE', `${problem}`)
  const steps = events.filter((event) => event.type === 'step')
  is(steps.at(-1)?.skipped, 3)
  is(order.filter((entry) => entry.startsWith('+')).length, steps.length)
  match(problem.message, /in the 3 steps up to/)
})

test('where a step cannot begin, the one before is told about first', async () => {
  const events: PretrainEvent[] = []
  const original = Trainer.prototype.beginStep
  let begun = 0
  Trainer.prototype.beginStep = function (...given) {
    begun++
    if (begun === 2) return Promise.reject(new BeitError('ERR_NATIVE', 'out of memory'))
    return original.apply(this, given)
  }
  try {
    const options = await microRun(temporary(), await microImages())
    await late(() =>
      rejects(
        async () => {
          for await (const event of pretrain(options)) events.push(event)
        },
        'ERR_NATIVE',
        /out of memory/,
      ),
    )
  } finally {
    Trainer.prototype.beginStep = original
  }
  equal(
    events.map(({ type }) => type),
    ['start', 'step'],
  )
})

test.run()

async function late<T>(body: () => Promise<T>): Promise<T> {
  readLateEverywhere(true)
  try {
    return await body()
  } finally {
    readLateEverywhere(false)
  }
}

async function run(options: Partial<PretrainOptions>): Promise<PretrainEvent[]> {
  return collect(pretrain({ ...(await microRun(temporary(), await microImages())), ...options }))
}

/** Notes +N where step N begins and -N where its result is asked for. */
async function recording<T>(order: string[], body: () => Promise<T>): Promise<T> {
  const [beginStep, result] = [Trainer.prototype.beginStep, PendingStep.prototype.result]
  let [begun, read] = [0, 0]
  Trainer.prototype.beginStep = function (...given) {
    order.push(`+${++begun}`)
    return beginStep.apply(this, given)
  }
  PendingStep.prototype.result = function () {
    order.push(`-${++read}`)
    return result.apply(this)
  }
  try {
    return await body()
  } finally {
    Trainer.prototype.beginStep = beginStep
    PendingStep.prototype.result = result
  }
}
