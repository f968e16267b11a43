/**
 * metrics.jsonl: one event of a run a line, as JSON. Plots and reports read it; so can anything else.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder } from '../checkpoint/make_folder.js'
import { BeitError } from '../errors.js'
import type { RunEvent } from '../train/events.js'

/** Name of the file in a run folder. */
export const METRICS_FILE = 'metrics.jsonl'

/**
 * Appends every event to metrics.jsonl in the run folder and hands it on. When the run goes on from a checkpoint, the
 * lines of later steps, and a line torn by a crash, are cut off first, so that no step stands in the file twice.
 *
 * @throws BeitError ERR_IO when the file cannot be written, as on a full disk: a run whose numbers are lost ends
 * @example
 * for await (const event of writeMetrics(pretrain(options))) console.log(event.type)
 */
export async function* writeMetrics<E extends RunEvent>(
  events: AsyncIterable<E>,
): AsyncGenerator<E, void, undefined> {
  let file: FileHandle | null = null
  let path = ''
  try {
    for await (const event of events) {
      try {
        if (event.type === 'start') {
          await file?.close()
          path = join(event.output, METRICS_FILE)
          file = await openFor(path, event.resumedFrom === null ? null : event.resumedStep)
        }
        await file?.appendFile(`${JSON.stringify(event)}\n`)
      } catch (cause) {
        const hint = 'Mend that and resume the run: it goes on from its newest checkpoint'
        throw new BeitError('ERR_IO', `cannot write ${path}: ${(cause as Error).message}. ${hint}`, { cause })
      }
      yield event
    }
  } finally {
    await file?.close()
  }
}

/** @param lastStep the step the run goes on from, or null when it begins anew */
async function openFor(path: string, lastStep: number | null): Promise<FileHandle> {
  await makeFolder(dirname(path))
  const file = await open(path, lastStep === null ? 'w' : 'a+')
  if (lastStep !== null) await file.truncate(wholeLinesUpTo(await file.readFile(), lastStep))
  return file
}

/**
 * Length in bytes of what the run had written when it saved the checkpoint of `lastStep`: what came after, even of the
 * same step, it will tell again. Without that checkpoint's line: of the leading whole lines of no later step.
 */
function wholeLinesUpTo(content: Buffer, lastStep: number): number {
  let kept = 0
  let saved: number | null = null
  for (let end = content.indexOf('\n'); end !== -1; end = content.indexOf('\n', kept)) {
    const event = parse(content.toString('utf8', kept, end))
    if (event === null || (event.step ?? 0) > lastStep) break
    kept = end + 1
    if (event.type === 'checkpoint' && event.step === lastStep) saved = kept
  }
  return saved ?? kept
}

function parse(line: string): { type: string; step?: number } | null {
  try {
    const event = JSON.parse(line)
    return typeof event === 'object' ? event : null
  } catch {
    return null
  }
}

/**
 * The event of one line of a metrics.jsonl, or null where it is none. Numbers that were not finite are null there, and
 * NaN here.
 */
export function parseMetricsLine(line: string): RunEvent | null {
  const event = parse(line) as RunEvent | null
  if (event === null) return null
  if ('loss' in event) event.loss ??= Number.NaN
  if (event.type === 'step') event.gradientNorm ??= Number.NaN
  return event
}

/**
 * The events of a metrics.jsonl, in order. A last line that a crash or a run still writing left unfinished is left out.
 * Numbers that were not finite are null there, and NaN here.
 *
 * @throws BeitError ERR_IO when the file cannot be read
 * @example
 * const events = await readMetrics('runs/first/metrics.jsonl')
 * const losses = events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))
 */
export async function readMetrics(path: string): Promise<RunEvent[]> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new BeitError('ERR_IO', `cannot read ${path}: ${cause.message}`, { cause })
  })
  const lines = text.split('\n').slice(0, -1)
  return lines.flatMap((line) => parseMetricsLine(line) ?? [])
}
