/** Keeps report.html of a run up to date while it goes on: one more consumer of its events. */
import { join } from 'node:path'
import type { RunEvent } from '../train/events.js'
import { RunReader } from './collect.js'
import { REPORT_FILE, writeReportOf } from './write_report.js'

/** Writing takes at most this share of a run's time; what comes too soon is left to a later epoch, and to the end. */
const SHARE = 0.005

/** How a report is kept up to date. */
export interface UpdateReportOptions {
  /** Told when a report cannot be written, which never ends the run; a process warning unless given. */
  onProblem?: (error: Error) => void
  /** A clock in milliseconds. */
  now?: () => number
}

/**
 * Writes report.html into the run folder after epochs and at the end, and hands the events on. It reads what
 * `writeMetrics` wrote, and so stands around it.
 *
 * @example
 * for await (const event of updateReport(writeMetrics(pretrain(options)))) console.log(event.type)
 */
export async function* updateReport<E extends RunEvent>(
  events: AsyncIterable<E>,
  { onProblem = warn, now = () => performance.now() }: UpdateReportOptions = {},
): AsyncGenerator<E, void, undefined> {
  let reader: RunReader | null = null
  let due = -Infinity
  let epochEnded = false
  let isNew = false
  const write = async () => {
    if (reader === null || !isNew) return
    const began = now()
    try {
      await reader.read()
      await writeReportOf([reader], join(reader.folder, REPORT_FILE))
    } catch (error) {
      onProblem(error as Error)
    }
    isNew = false
    epochEnded = false
    due = now() + (now() - began) / SHARE
  }
  try {
    for await (const event of events) {
      if (event.type === 'start') reader = new RunReader(event.output)
      // The next step comes after all that an epoch has to tell: evaluation, images, checkpoint.
      if (event.type === 'step' && epochEnded && now() >= due) await write()
      if (event.type === 'epoch') epochEnded = true
      isNew = true
      if (event.type === 'done') await write()
      yield event
    }
  } finally {
    // However the run ended.
    await write()
  }
}

const warn = ({ message }: Error) =>
  process.emitWarning(`${REPORT_FILE} is not written: ${message}`, { code: 'BEIT_REPORT' })
