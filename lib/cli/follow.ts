/** What `beit pretrain` and `beit tokenizer train` do alike: show a run, and tell at its end what it made. */
import { join, relative } from 'node:path'
import { writeBrokenImages } from '../log/broken_images_file.js'
import { counted, duration } from '../log/format.js'
import { METRICS_FILE, readMetrics, writeMetrics } from '../log/metrics_file.js'
import { showProgress } from '../log/progress.js'
import { StepProfile } from '../log/step_profile.js'
import { columns } from '../log/table.js'
import { updateReport } from '../report/update_report.js'
import { REPORT_FILE, writeReport } from '../report/write_report.js'
import type { RunEvent } from '../train/events.js'
import { type Call, EXIT } from './command.js'
import { Interrupt } from './interrupt.js'
import { tell } from './tell.js'

type Done<E extends RunEvent> = Extract<E, { type: 'done' }>
type Evaluation<E extends RunEvent> = Extract<E, { type: 'evaluation' }>

/** How a followed run ended. */
export interface Ending<E extends RunEvent> {
  done: Done<E>
  /** The last one; null without validation images. */
  evaluation: Evaluation<E> | null
  /** The run folder. */
  output: string
}

/**
 * Runs `train` with progress line, metrics.jsonl and report.html until it is finished or Ctrl-C stops it. A finished run
 * goes on to `finish`, which gives the lines that tell of its results.
 * @returns the exit code
 */
export async function follow<E extends RunEvent>(
  call: Call,
  train: (signal: AbortSignal) => AsyncIterable<E>,
  finish: (ending: Ending<E>) => Promise<[name: string, value: string][]>,
): Promise<number> {
  const { ending, profile, code } = await untilInterrupted(train)
  if (ending === null) return code
  const { done, output } = ending
  await tellProfile(profile, output)
  const broken = await writeBrokenImages(output, done.broken)
  if (done.reason === 'stopped') {
    await finishReport(output)
    console.log(`stopped after step ${done.step}, saved as ${shown(done.checkpoint)}. To go on:`)
    console.log(`  ${resumeCommand(call)}`)
    return code
  }
  const rows: [string, string][] = [
    ['finished', `after ${counted(done.step, 'step')} in ${duration(done.seconds)}`],
    ...(await finish(ending)),
    ...(await finishReport(output)),
    ['checkpoint', shown(done.checkpoint)],
    ['metrics', shown(join(output, METRICS_FILE))],
    ...tensorboardRow(call.values.tensorboard, output),
  ]
  if (broken !== null)
    rows.push(['left out', `${counted(done.broken.length, 'broken image')}: ${shown(broken)}`])
  console.log(columns(rows).join('\n'))
  return EXIT.ok
}

/** How to look at it. @param option that of the run */
function tensorboardRow(option: unknown, output: string): [string, string][] {
  if (option === undefined || option === false) return []
  return [['tensorboard', `tensorboard --logdir ${quoted(shown(option === true ? output : String(option)))}`]]
}

/** Runs `train`. After it Ctrl-C is no longer a request to stop: there is no step left to finish. */
async function untilInterrupted<E extends RunEvent>(
  train: (signal: AbortSignal) => AsyncIterable<E>,
): Promise<{ ending: Ending<E> | null; profile: StepProfile; code: number }> {
  using interrupt = new Interrupt()
  let done: Done<E> | null = null
  let evaluation: Evaluation<E> | null = null
  let output = ''
  const profile = new StepProfile()
  for await (const event of showProgress(updateReport(writeMetrics(train(interrupt.signal))))) {
    profile.update(event)
    if (event.type === 'start') output = event.output
    else if (event.type === 'evaluation') evaluation = event as Evaluation<E>
    else if (event.type === 'done') done = event as Done<E>
  }
  return { ending: done && { done, evaluation, output }, profile, code: interrupt.code }
}

/** Writes the report once more, with what was written after the run's last event. */
async function finishReport(output: string): Promise<[string, string][]> {
  try {
    return [['report', shown(await writeReport(output))]]
  } catch (error) {
    tell(`${REPORT_FILE} is not written: ${(error as Error).message}`)
    return []
  }
}

/** Prints where the time went and keeps it as profile.json, if the run was asked to. */
async function tellProfile(profile: StepProfile, output: string): Promise<void> {
  const path = await profile.save(output)
  if (path === null) return
  console.log([...profile.table(), `  kept in ${shown(path)}`].join('\n'))
}

/** Draws curves.svg and curves.png of a run folder. */
export async function saveCurves(output: string): Promise<[string, string]> {
  // Drawing needs sharp, which takes a moment to load: not at the start of every command.
  const { trainingCurves } = await import('../visualize/curves.js')
  const picture = await trainingCurves(await readMetrics(join(output, METRICS_FILE)))
  await picture.save(join(output, 'curves.svg'))
  await picture.save(join(output, 'curves.png'))
  return ['curves', `${shown(join(output, 'curves.png'))}, .svg`]
}

/** The command line that goes on with the run: as it was typed, with `--resume auto`. */
export function resumeCommand({ command, argv }: Pick<Call, 'command' | 'argv'>): string {
  const kept = argv.filter(
    (argument, i) =>
      argument !== '--resume' && argv[i - 1] !== '--resume' && !argument.startsWith('--resume='),
  )
  return ['beit', command.name, ...[...kept, '--resume', 'auto'].map(quoted)].join(' ')
}

/** As a POSIX shell reads it back. */
const quoted = (argument: string) =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`

/** A path as short as it can be typed from here. */
export function shown(path: string): string {
  const fromHere = relative('', path)
  return fromHere === '' || fromHere.startsWith('..') ? path : fromHere
}
