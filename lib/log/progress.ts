/** The progress of a run on a terminal, or as plain lines in a log. */
import type { RunEvent } from '../train/events.js'
import { RunStatus } from './run_status.js'

/** How progress is shown. */
export interface ProgressOptions {
  /** Where to write; standard error unless told, so that results on standard output can be piped. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  /** Seconds between lines where the stream is no terminal; 10 unless told. */
  interval?: number
  /** Rewrite one line; unless told, where the stream is a terminal and CI is not set. */
  rewrite?: boolean
  /** A clock in milliseconds. */
  now?: () => number
}

/** Milliseconds between two drawings of the line. */
const REDRAW = 100
const CLEAR = '\r\x1b[2K'

/**
 * Shows the progress of a run and hands its events on. On a terminal one line is rewritten, with the bar, the step,
 * the time left, loss, masked-token accuracy, speed, and the share of time spent waiting for images; epochs,
 * evaluations and warnings stay above it. Elsewhere the same comes as a plain line now and then.
 *
 * @example
 * for await (const event of showProgress(writeMetrics(pretrain(options)))) {
 *   if (event.type === 'done') console.log(event.checkpoint)
 * }
 */
export async function* showProgress<E extends RunEvent>(
  events: AsyncIterable<E>,
  options: ProgressOptions = {},
): AsyncGenerator<E, void, undefined> {
  const stream = options.stream ?? process.stderr
  const now = options.now ?? (() => performance.now())
  const rewrite = options.rewrite ?? isLiveTerminal(stream)
  const interval = rewrite ? REDRAW : 1000 * (options.interval ?? 10)
  const status = new RunStatus(now)
  let drawn = -Infinity
  try {
    for await (const event of events) {
      status.update(event)
      const lasting = status.lastingLine(event)
      if (lasting !== null) stream.write(`${rewrite ? CLEAR : ''}${lasting}\n`)
      const due = event.type === 'step' && now() - drawn >= interval
      if (due || (rewrite && lasting !== null)) {
        const parts = status.parts()
        if (rewrite) stream.write(CLEAR + liveLine(parts, status.share, stream.columns ?? 80))
        else stream.write(`step ${parts.join('  ')}\n`)
        drawn = now()
      }
      yield event
    }
  } finally {
    if (rewrite) stream.write(CLEAR)
  }
}

/** A bar and as many parts as fit the terminal: a line that wraps could not be rewritten. */
export function liveLine(parts: readonly string[], share: number, columns: number): string {
  const width = columns < 100 ? 8 : 20
  const filled = Math.round(share * width)
  let line = `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.floor(100 * share)} %`
  for (const part of parts) {
    if (line.length + 2 + part.length >= columns) break
    line += `  ${part}`
  }
  return line.slice(0, Math.max(0, columns - 1))
}

/** Whether `stream` can rewrite a line: a terminal, and not the log of a build machine. */
export function isLiveTerminal(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb'
}
