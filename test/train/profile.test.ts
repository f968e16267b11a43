/** Where a step's time goes: the parts of step events, their sum, and profile.json. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { type ProfileSummary, StepProfile } from '../../lib/log/step_profile.js'
import type { RunEvent } from '../../lib/train/events.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, digests, microImages, microRun } from './micro.js'

const test = suite('profile')

test('the parts of a step make up its time, and asking for them changes no weight', async () => {
  const data = await microImages()
  const run = async (name: string, profile: boolean) => {
    const output = join(temporary(), name)
    const options = { ...(await microRun(output, data)), epochs: 2, profile }
    return { output, events: await collect(pretrain(options)) }
  }
  const [plain, profiled] = [await run('plain', false), await run('profiled', true)]
  equal(await digests(profiled.output), await digests(plain.output))
  ok(plain.events.every((event) => !('parts' in event)))
  const steps = profiled.events.filter((event) => event.type === 'step')
  is(steps.length, 6)
  for (const { parts = {}, seconds, waiting } of steps) {
    equal(Object.keys(parts), [
      'data',
      ...['images', 'tokenizer', 'forward', 'backward', 'clip', 'optimizer', 'readBack'],
      'rest',
    ])
    const sum = Object.values(parts).reduce((total, part) => total + part, 0)
    ok(Math.abs(sum - seconds) < 1e-9, `${sum} and ${seconds} s`)
    ok(Object.values(parts).every((part) => part >= 0))
    ok(Math.abs((parts.data as number) - waiting * seconds) < 1e-9)
    ok((parts.backward as number) > 0)
  }
})

test('the summary is a mean without the first step', async () => {
  const profile = new StepProfile()
  const step = (data: number, forward: number) =>
    ({
      type: 'step',
      seconds: data + forward,
      imagesPerSecond: 8 / (data + forward),
      parts: { data, forward },
    }) as unknown as RunEvent
  profile.update(step(10, 10))
  is(profile.summary(), null)
  equal(profile.table(), [])
  is(await profile.save(temporary()), null)
  profile.update({ type: 'warning', message: '' })
  profile.update(step(0.1, 0.5))
  profile.update(step(0.3, 0.7))
  const folder = temporary()
  const path = await profile.save(folder)
  is(path, join(folder, 'profile.json'))
  const { steps, images, secondsPerStep, parts } = JSON.parse(
    readFileSync(path as string, 'utf8'),
  ) as ProfileSummary
  equal([steps, images, Number(secondsPerStep.toFixed(9))], [2, 16, 0.8])
  equal(
    parts.map(({ name, secondsPerStep, share }) => [
      name,
      Number(secondsPerStep.toFixed(9)),
      Number(share.toFixed(9)),
    ]),
    [
      ['data', 0.2, 0.25],
      ['forward', 0.6, 0.75],
    ],
  )
  equal(profile.table(), [
    'time of a step, mean of 2 (10.0 images/s)',
    '  part        ms    share',
    '  data     200.0   25.0 %',
    '  forward  600.0   75.0 %',
    '  all      800.0  100.0 %',
  ])
})

test.run()
