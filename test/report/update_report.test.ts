import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { writeMetrics } from '../../lib/log/metrics_file.js'
import { updateReport } from '../../lib/report/update_report.js'
import type { RunEvent } from '../../lib/train/events.js'
import { start, step, stream } from '../log/events.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { dataIn, done } from './runs.js'

const test = suite('report of a run that goes on')

const epochs = (from: number, to: number): RunEvent[] =>
  Array.from({ length: to - from }, (_, i): RunEvent[] => {
    const last = 10 * (from + i + 1)
    const steps = Array.from({ length: 10 }, (_, j) => step(last - 9 + j))
    const totals = {
      loss: 1,
      accuracy: 0,
      masked: 1,
      perplexity: 1,
      seconds: 1,
      imagesPerSecond: 1,
      waiting: 0,
    }
    return [...steps, { type: 'epoch', epoch: from + i, step: last, broken: 0, ...totals }]
  }).flat()

/** How far the report in `output` is after each event; 0 without one. */
async function followed(output: string, events: readonly RunEvent[], now: () => number): Promise<number[]> {
  const seen: number[] = []
  for await (const _ of updateReport(writeMetrics(stream(events)), { now })) {
    const html = await readFile(join(output, 'report.html'), 'utf8').catch(() => null)
    seen.push(html === null ? 0 : (dataIn(html).runs[0]?.step ?? 0))
  }
  return seen
}

test('it is written after each epoch, when the epoch has told all, and at the end', async () => {
  const output = temporary()
  const events = [start(output, { steps: 30 }), ...epochs(0, 3), done(30)]
  const seen = await followed(output, events, () => 0)
  const ends = events.flatMap(({ type }, i) => (type === 'epoch' ? [i] : []))
  // The first step of the next epoch stands in it already.
  equal(
    ends.map((i) => [seen[i], seen[i + 1]]),
    [
      [0, 11],
      [11, 21],
      [21, 30],
    ],
  )
})

test('epochs that come too fast are left out, the end is not', async () => {
  const output = temporary()
  let time = 0
  // Every look at the clock takes 10 ms, and so a report: 2 seconds of a run.
  const seen = await followed(output, [start(output), ...epochs(0, 40), done(400)], () => (time += 10))
  is(seen.at(-1), 400)
  const writes = new Set(seen).size - 1
  ok(writes < 12, `${writes} reports of 40 epochs`)
})

test('a run that fails or is left has its report, and one that cannot be written ends nothing', async () => {
  const output = temporary()
  async function* failing() {
    yield start(output) as RunEvent
    yield* epochs(0, 1)
    throw new Error('a run that failed')
  }
  let caught: unknown
  try {
    for await (const _ of updateReport(writeMetrics(failing()))) {
    }
  } catch (error) {
    caught = error
  }
  match(String(caught), 'a run that failed')
  is(dataIn(await readFile(join(output, 'report.html'), 'utf8')).runs[0]?.step, 10)

  const blocked = temporary()
  await mkdir(join(blocked, 'report.html', 'in the way'), { recursive: true })
  const problems: string[] = []
  let count = 0
  const events = [start(blocked), ...epochs(0, 2), done(20)]
  const onProblem = ({ message }: Error) => problems.push(message)
  for await (const _ of updateReport(writeMetrics(stream(events)), { onProblem })) count++
  is(count, events.length)
  match(problems[0] as string, /cannot write .*report\.html/)
  ok((await stat(join(blocked, 'report.html'))).isDirectory())
})

test.run()
