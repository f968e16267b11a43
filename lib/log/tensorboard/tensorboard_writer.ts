/** What a program has to say to TensorBoard, in its event files. */
import { type BeitError, invalidArgument } from '../../errors.js'
import type { Histogram } from '../../histogram.js'
import type { Picture } from '../../visualize/picture.js'
import { pngSize } from '../../visualize/png_size.js'
import { EventFile } from './event_file.js'
import {
  fileVersionEvent,
  histogramValue,
  imageValue,
  scalarValue,
  sessionStartEvent,
  summaryEvent,
  textValue,
} from './event_messages.js'

/**
 * Writes an event file that `tensorboard --logdir` shows. Values are taken at once and written in the background;
 * {@link close} waits for the rest. Training runs have the option `tensorboard`, which uses this; it is for everything else.
 *
 * @example
 * await using board = await TensorBoardWriter.open('runs/probe')
 * await linearProbe({
 *   model,
 *   data,
 *   validation,
 *   onProgress: (progress) => {
 *     if (progress.type !== 'epoch') return
 *     for (const { block, accuracy } of progress.validation)
 *       board.scalar(`validation/accuracy/block_${block}`, accuracy, progress.epoch)
 *   },
 * })
 */
export class TensorBoardWriter {
  readonly #file: EventFile
  /** Tags whose metadata are in the file. */
  readonly #described = new Set<string>()

  private constructor(file: EventFile) {
    this.#file = file
  }

  /**
   * Begins a new file in `folder`; TensorBoard shows the files of a folder as one run.
   * @param options.fromStep what earlier files of the folder say of this step and later ones is no longer shown: where a
   * resumed run goes on, or 0 for one that begins anew; unset: all is kept
   * @throws BeitError ERR_IO when the folder cannot be written to, ERR_INVALID_ARGUMENT
   */
  static async open(folder: string, options: { fromStep?: number } = {}): Promise<TensorBoardWriter> {
    if (typeof folder !== 'string' || folder === '') throw invalidArgument('folder', 'a path', folder)
    const { fromStep } = options
    if (fromStep !== undefined) checkStep('fromStep', fromStep)
    const file = await EventFile.open(folder)
    file.append(fileVersionEvent(now()))
    if (fromStep !== undefined) file.append(sessionStartEvent(now(), fromStep))
    return new TensorBoardWriter(file)
  }

  /** The event file. */
  get path(): string {
    return this.#file.path
  }

  /** Why the file could not be written, after which nothing more is; null while all is well. */
  get error(): BeitError | null {
    return this.#file.error
  }

  /**
   * A point of a curve, kept as float32.
   * @param tag name of the curve; the part before the first '/' is the group it is shown in
   * @param step the place on the x axis, a whole number from 0 on
   * @throws BeitError ERR_INVALID_ARGUMENT; ERR_DISPOSED after close()
   */
  scalar(tag: string, value: number, step: number): void {
    this.scalars({ [tag]: value }, step)
  }

  /** Points of several curves, by their tags, in one record. @throws BeitError as {@link scalar} */
  scalars(values: Readonly<Record<string, number>>, step: number): void {
    const points = Object.entries(values)
    for (const [tag, value] of points) {
      if (typeof value !== 'number') throw invalidArgument(`the scalar '${tag}'`, 'a number', value)
    }
    if (points.length === 0) return
    this.#append(
      step,
      points.map(([tag]) => tag),
      (isDescribed) => points.map(([tag, value]) => scalarValue(tag, value, isDescribed(tag))),
    )
  }

  /**
   * A picture.
   * @param png what a drawing function gives, or the bytes of a PNG file
   * @throws BeitError as {@link scalar}
   */
  image(tag: string, png: Picture | Uint8Array, step: number): void {
    const bytes = png instanceof Uint8Array ? png : png.png
    const size = pngSize(`the image '${tag}'`, bytes)
    this.#append(step, [tag], () => [imageValue(tag, bytes, size)])
  }

  /**
   * How values are spread, as `await tensor.histogram()` tells.
   * @throws BeitError as {@link scalar}
   */
  histogram(tag: string, histogram: Histogram, step: number): void {
    const { counts, edges } = histogram
    if (counts.length === 0 || edges.length !== counts.length + 1)
      throw invalidArgument(
        `the histogram '${tag}'`,
        'counts, and edges of which there is one more',
        `${counts.length} and ${edges.length}`,
      )
    this.#append(step, [tag], (isDescribed) => [histogramValue(tag, histogram, isDescribed(tag))])
  }

  /** A text in Markdown. @throws BeitError as {@link scalar} */
  text(tag: string, markdown: string, step: number): void {
    if (typeof markdown !== 'string') throw invalidArgument(`the text '${tag}'`, 'a string', markdown)
    this.#append(step, [tag], (isDescribed) => [textValue(tag, markdown, isDescribed(tag))])
  }

  /** Waits until everything is in the file. @throws BeitError ERR_IO when it could not be written */
  flush(): Promise<void> {
    return this.#file.flush()
  }

  /** {@link flush}, and closes the file. Calling it again does nothing. @throws BeitError ERR_IO */
  close(): Promise<void> {
    return this.#file.close()
  }

  /** For `await using`: closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Checks what all values have before a tag counts as described. */
  #append(
    step: number,
    tags: readonly string[],
    values: (isDescribed: (tag: string) => boolean) => readonly Uint8Array[],
  ): void {
    if (tags.includes('')) throw invalidArgument('tag', 'a string that is not empty', '')
    checkStep('step', step)
    this.#file.append(
      summaryEvent(
        now(),
        step,
        values((tag) => this.#described.has(tag)),
      ),
    )
    for (const tag of tags) this.#described.add(tag)
  }
}

/** Seconds since 1970. */
const now = () => Date.now() / 1000

function checkStep(name: string, step: number): void {
  if (!Number.isSafeInteger(step) || step < 0) throw invalidArgument(name, 'a whole number from 0 on', step)
}
