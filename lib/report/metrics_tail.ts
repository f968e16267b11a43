/** Reads a metrics.jsonl that may still grow: each time only what is new. */
import { type FileHandle, open } from 'node:fs/promises'
import { parseMetricsLine } from '../log/metrics_file.js'
import { RunHistory } from './run_history.js'

/** Bytes of what was read last that must still be there. */
const FINGERPRINT = 256
const CHUNK = 1 << 20

/**
 * The history of a run, kept up to date by {@link MetricsTail.read}. When the file was cut, as by a run that goes on from
 * an earlier checkpoint, or replaced, everything is read anew.
 */
export class MetricsTail {
  readonly path: string
  history = new RunHistory()
  /** Bytes read: up to the end of a line. */
  #read = 0
  /** The last of them. */
  #last: Buffer = Buffer.alloc(0)

  constructor(path: string) {
    this.path = path
  }

  /** Takes in what the file has now; no file is an empty one. */
  async read(): Promise<void> {
    let file: FileHandle
    try {
      file = await open(this.path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return this.#forget()
    }
    try {
      if (!(await this.#isTheSame(file))) this.#forget()
      await this.#readOn(file)
    } finally {
      await file.close()
    }
  }

  /** Whether the file still begins with what was read. */
  async #isTheSame(file: FileHandle): Promise<boolean> {
    const { length } = this.#last
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, this.#read - length)
    return bytesRead === length && buffer.equals(this.#last)
  }

  #forget(): void {
    this.history = new RunHistory()
    this.#read = 0
    this.#last = Buffer.alloc(0)
  }

  async #readOn(file: FileHandle): Promise<void> {
    let rest: Buffer = Buffer.alloc(0)
    const chunk = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, this.#read + rest.length)
      if (bytesRead === 0) return
      const content = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
      const end = content.lastIndexOf('\n') + 1
      if (end > 0) this.#take(content.subarray(0, end))
      rest = content.subarray(end)
    }
  }

  /** Whole lines. */
  #take(lines: Buffer): void {
    for (const line of lines.toString('utf8').split('\n')) {
      const event = parseMetricsLine(line)
      if (event !== null) this.history.add(event)
    }
    this.#read += lines.length
    this.#last = Buffer.concat([this.#last, lines.subarray(-FINGERPRINT)]).subarray(-FINGERPRINT)
  }
}
