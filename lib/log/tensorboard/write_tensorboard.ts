/** TensorBoard as one more consumer of a run's events. */
import { readFile } from 'node:fs/promises'
import { BeitError } from '../../errors.js'
import type { Histogram } from '../../histogram.js'
import type { RunEvent, StartEvent, WarningEvent } from '../../train/events.js'
import { markdownTable } from './markdown_table.js'
import { scalarsOf } from './run_scalars.js'
import { TensorBoardWriter } from './tensorboard_writer.js'

/** Where the event files go, and what is in them. */
export interface TensorBoardOptions {
  /** Of the event files; the run folder unless told. */
  folder?: string
  /** What to show as histograms after an epoch, by their tags. */
  histograms?: () => Promise<ReadonlyMap<string, Histogram>>
}

/**
 * Writes the numbers of every event, the sheets of samples and the settings for TensorBoard, and hands the events on. The
 * option `tensorboard` of a run does this from within, with histograms of its weights, gradients and tokens. When the
 * run goes on from a checkpoint, TensorBoard forgets what was told of later steps, so that its curves are one line. What
 * the disk refuses later on ends the writing with a 'warning' event, not the run.
 *
 * @throws BeitError ERR_IO when the folder cannot be written to at the start
 * @example
 * for await (const event of writeTensorBoard(pretrain(options), { folder: 'boards/first' })) {
 *   if (event.type === 'epoch') console.log(event.loss)
 * }
 */
export async function* writeTensorBoard<E extends RunEvent>(
  events: AsyncIterable<E>,
  options: TensorBoardOptions = {},
): AsyncGenerator<E | WarningEvent, void, undefined> {
  let board: TensorBoardWriter | null = null
  try {
    for await (const event of events) {
      if (event.type === 'start') board = await begin(event, options.folder ?? event.output)
      const problem = board === null ? null : await problemOf(write(board, event, options))
      if (problem !== null) {
        await problemOf(board?.close())
        board = null
        yield {
          type: 'warning',
          message: `${problem.message}; the run goes on, and TensorBoard learns no more of it`,
        }
      }
      yield event
    }
  } finally {
    await problemOf(board?.close())
  }
}

async function begin(
  { resumedFrom, resumedStep, config }: StartEvent,
  folder: string,
): Promise<TensorBoardWriter> {
  const board = await TensorBoardWriter.open(folder, { fromStep: resumedFrom === null ? 0 : resumedStep + 1 })
  board.text('run/settings', markdownTable(config), resumedStep)
  return board
}

async function write(board: TensorBoardWriter, event: RunEvent, { histograms }: TensorBoardOptions) {
  if (board.error !== null) throw board.error
  if ('step' in event) board.scalars(scalarsOf(event), event.step)
  if (event.type === 'samples') board.image('samples', await readFile(event.path), event.step)
  if (event.type === 'epoch' && histograms !== undefined) {
    for (const [tag, histogram] of await histograms()) board.histogram(tag, histogram, event.step)
  }
  // What a run that goes on from this checkpoint keeps must not be lost with this process.
  if (event.type === 'checkpoint' || event.type === 'done') await board.flush()
}

/** What a promise rejects with, if it is an error of ours or of the system. */
async function problemOf(work: Promise<void> | undefined): Promise<Error | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof BeitError || (error instanceof Error && 'syscall' in error)) return error
    throw error
  }
}
