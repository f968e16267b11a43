import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { MetricsTail } from '../../lib/report/metrics_tail.js'
import { evaluation, start, step } from '../log/events.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { lines } from './runs.js'

const test = suite('tail of metrics.jsonl')

const fresh = () => join(temporary(), 'metrics.jsonl')

test('a file that grows is read on, and half a line is left until it is whole', async () => {
  const path = fresh()
  const tail = new MetricsTail(path)
  await tail.read()
  equal(tail.history.steps, [], 'no file yet')
  await writeFile(path, lines([start('run'), step(1)]))
  await tail.read()
  equal(tail.history.steps, [1])
  const [half, rest] = [lines([step(2)]).slice(0, 30), lines([step(2)]).slice(30)]
  await appendFile(path, half)
  await tail.read()
  equal(tail.history.steps, [1], 'half a line is no news')
  await appendFile(path, rest + lines([step(3)]))
  await tail.read()
  equal(tail.history.steps, [1, 2, 3])
  const { history } = tail
  await tail.read()
  is(tail.history, history, 'nothing is read twice')
  equal(history.steps, [1, 2, 3])
})

test('a run that goes on from an earlier checkpoint is read anew, also when it is already longer than before', async () => {
  const path = fresh()
  const tail = new MetricsTail(path)
  const before = [
    start('run'),
    step(1),
    step(2),
    step(3, { loss: 100 }),
    step(4, { loss: 100 }),
    evaluation(10),
  ]
  await writeFile(path, lines(before))
  await tail.read()
  const resumed = [start('run', { resumedFrom: 'x', resumedStep: 2 }), ...[3, 4, 5, 6, 7].map((n) => step(n))]
  await writeFile(path, lines([...before.slice(0, 3), ...resumed]))
  await tail.read()
  equal(tail.history.steps, [1, 2, 3, 4, 5, 6, 7])
  is(Math.max(...(tail.history.columns.get('loss') ?? [])), 4.9)
  is(tail.history.evaluations.length, 0)
})

test('a file that is gone is an empty run, and one that is no longer JSON is passed over', async () => {
  const path = fresh()
  const tail = new MetricsTail(path)
  await writeFile(path, `${lines([start('run'), step(1)])}not json\nnull\n7\n${lines([step(2)])}`)
  await tail.read()
  equal(tail.history.steps, [1, 2])
  await rm(path)
  await tail.read()
  equal(tail.history.steps, [])
})

test('lines longer than what is read at a time', async () => {
  const path = fresh()
  const tail = new MetricsTail(path)
  const long = start('run', { config: { settings: { note: 'ä'.repeat(1_500_000) } } })
  await writeFile(path, lines([long, step(1), step(2)]))
  await tail.read()
  equal(tail.history.steps, [1, 2])
  const settings = tail.history.start?.config.settings as { note: string } | undefined
  is(settings?.note.length, 1_500_000)
})

test.run()
