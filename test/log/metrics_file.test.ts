import { existsSync } from 'node:fs'
import { appendFile, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { METRICS_FILE, readMetrics, writeMetrics } from '../../lib/log/metrics_file.js'
import type { PretrainEvent } from '../../lib/train/events.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { evaluation, start, step, stream } from './events.js'

const test = suite('metrics.jsonl')

async function run(events: readonly PretrainEvent[]): Promise<PretrainEvent[]> {
  const seen: PretrainEvent[] = []
  for await (const event of writeMetrics(stream(events))) seen.push(event)
  return seen
}

const stepsIn = async (path: string) =>
  (await readMetrics(path)).flatMap((event) => (event.type === 'step' ? [event.step] : []))

test('writes one event a line and hands every event on', async () => {
  const output = join(temporary(), 'made', 'for', 'it')
  const events = [start(output), step(1), step(2), evaluation(10)]
  assert.equal(await run(events), events)
  const text = await readFile(join(output, METRICS_FILE), 'utf8')
  assert.equal(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    events,
  )
})

test('a resumed run has every step once, in order', async () => {
  const output = temporary()
  const path = join(output, METRICS_FILE)
  await run([start(output), ...[1, 2, 3, 4, 5, 6, 7].map((n) => step(n, { loss: 100 })), evaluation(10)])
  await run([
    start(output, { resumedFrom: 'checkpoints/step-00000004', resumedStep: 4 }),
    ...[5, 6, 7, 8].map((n) => step(n)),
  ])
  assert.equal(await stepsIn(path), [1, 2, 3, 4, 5, 6, 7, 8])
  const losses = (await readMetrics(path)).flatMap((event) => (event.type === 'step' ? [event.loss] : []))
  assert.equal(losses, [100, 100, 100, 100, 4.5, 4.4, 4.3, 4.2])
  assert.is((await readMetrics(path)).filter((event) => event.type === 'evaluation').length, 0)
  assert.is((await readMetrics(path)).filter((event) => event.type === 'start').length, 2)
})

test('what a killed run told after its checkpoint is not told twice', async () => {
  const output = temporary()
  const saved = (at: number): PretrainEvent => ({ type: 'checkpoint', step: at, path: 'p', seconds: 0 })
  await run([start(output), step(9), step(10), saved(10), evaluation(10)])
  await run([start(output, { resumedFrom: 'p', resumedStep: 10 }), evaluation(10), saved(10), step(11)])
  const types = (await readMetrics(join(output, METRICS_FILE))).map(({ type }) => type)
  assert.equal(types, ['start', 'step', 'step', 'checkpoint', 'start', 'evaluation', 'checkpoint', 'step'])
})

test('a line torn by a crash is cut on resume and passed over by readers', async () => {
  const output = temporary()
  const path = join(output, METRICS_FILE)
  await run([start(output), step(1), step(2)])
  await appendFile(path, '{"type":"step","step":3,"lo')
  assert.equal(await stepsIn(path), [1, 2])
  await run([start(output, { resumedFrom: 'step-00000002', resumedStep: 2 }), step(3)])
  assert.equal(await stepsIn(path), [1, 2, 3])
})

test('a run that begins anew empties the file', async () => {
  const output = temporary()
  await writeFile(join(output, METRICS_FILE), `${JSON.stringify(step(1))}\n`)
  await run([start(output), step(1)])
  assert.equal(await stepsIn(join(output, METRICS_FILE)), [1])
})

test('a loss that is not finite is null in the file and NaN for readers', async () => {
  const output = temporary()
  await run([start(output), step(1, { loss: Number.NaN, gradientNorm: Infinity })])
  assert.match(await readFile(join(output, METRICS_FILE), 'utf8'), '"loss":null')
  const [, event] = await readMetrics(join(output, METRICS_FILE))
  assert.ok(event?.type === 'step' && Number.isNaN(event.loss) && Number.isNaN(event.gradientNorm))
})

const noFullDisk = existsSync('/dev/full') ? null : 'no /dev/full here'
test.skipIf(noFullDisk, 'a full disk ends the run with an error that says where and what to do', async () => {
  const output = temporary()
  const path = join(output, METRICS_FILE)
  await symlink('/dev/full', path)
  await rejects(
    run([start(output), step(1)]),
    'ERR_IO',
    /^cannot write .*metrics\.jsonl: ENOSPC.*resume the run: it goes on from its newest checkpoint$/,
  )
})

test('so does a folder that cannot be made, and a file that is not there has a code when it is read', async () => {
  const output = join(temporary(), 'file')
  await writeFile(output, '')
  await rejects(run([start(output)]), 'ERR_IO', /^cannot write .*file.metrics\.jsonl: (EEXIST|ENOTDIR)/)
  await rejects(readMetrics(join(output, METRICS_FILE)), 'ERR_IO', /^cannot read .*metrics\.jsonl: ENOTDIR/)
})

test('a consumer that leaves early ends the run and closes the file', async () => {
  const output = temporary()
  let ended = false
  async function* source() {
    try {
      yield start(output) as PretrainEvent
      yield step(1)
      yield step(2)
    } finally {
      ended = true
    }
  }
  for await (const event of writeMetrics(source())) if (event.type === 'step') break
  assert.ok(ended)
  assert.equal(await stepsIn(join(output, METRICS_FILE)), [1])
})

test.run()
