import { ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { microImages, microRun } from './micro.js'

const test = suite('pretrain memory')

test('500 steps with checkpoints and evaluations do not grow the process', { timeout: 120_000 }, async () => {
  const data = await microImages()
  const options = { ...(await microRun(temporary(), data)), accumulate: 1, warmupEpochs: 0 }
  // 6 steps an epoch: what is allocated once, and the heap's own ups and downs, settle in the first 200.
  const run = pretrain({
    ...options,
    epochs: 117,
    saveEveryEpochs: 10,
    evaluateEveryEpochs: 10,
    validation: data,
  })
  const samples: { step: number; rss: number; handles: number }[] = []
  for await (const event of run) {
    if (event.type !== 'epoch') continue
    if (event.epoch % 5 === 0) globalThis.gc?.()
    samples.push({ step: event.step, rss: process.memoryUsage.rss(), handles: native().memory().handles })
  }
  const [early, late] = [samples.filter(({ step }) => step > 200 && step <= 260), samples.slice(-10)]
  const growth = Math.min(...late.map(({ rss }) => rss)) - Math.min(...early.map(({ rss }) => rss))
  // A leak of one micro-batch (12 kB) or of one step's gradients (80 kB) a step would be 5 to 35 MB.
  ok(growth < 4e6, `grew by ${(growth / 1e6).toFixed(1)} MB in ${(late.at(-1)?.step ?? 0) - 200} steps`)
  const handles = (of: typeof samples) => Math.max(...of.map((sample) => sample.handles))
  ok(handles(late) <= handles(early) + 2, `${handles(early)} handles, later ${handles(late)}`)
})

test.run()
