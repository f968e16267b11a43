/** A file that grows record by record, without anyone waiting for the disk. */
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { makeFolder } from '../../checkpoint/make_folder.js'
import { BeitError } from '../../errors.js'
import { tfRecord } from './tf_record.js'

/** What is waiting is written when it has so many bytes, or after so many milliseconds. */
const FULL = 1 << 16
const PATIENCE = 1000

/** Files of event files, and the second they were begun in. */
const NAME = /^events\.out\.tfevents\.(\d+)\./

/** An event file of this process alone. After an error of the disk, which `error` keeps, it takes no more. */
export class EventFile {
  readonly path: string
  readonly #file: FileHandle
  #waiting: Uint8Array[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | null = null
  #error: BeitError | null = null
  #closed = false

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  /**
   * A new file in `folder`, which is made. TensorBoard reads the files of a folder in the order of their names, so the
   * second in the name is later than in those that are there: a file torn by a crash is left as it is.
   * @throws BeitError ERR_IO
   */
  static async open(folder: string): Promise<EventFile> {
    const path = resolve(folder)
    try {
      await makeFolder(path)
      const begun = (await readdir(path)).map((name) => Number(NAME.exec(name)?.[1] ?? 0))
      const second = Math.max(Math.floor(Date.now() / 1000), ...begun.map((before) => before + 1))
      const name = `events.out.tfevents.${second}.${hostname()}.${process.pid}`
      return new EventFile(join(path, name), await open(join(path, name), 'wx'))
    } catch (cause) {
      throw cannotWrite(path, cause)
    }
  }

  /** What the disk refused; null while all is well. */
  get error(): BeitError | null {
    return this.#error
  }

  /**
   * Takes a record, to be written soon.
   * @throws BeitError ERR_DISPOSED after close()
   */
  append(data: Uint8Array): void {
    if (this.#closed) throw new BeitError('ERR_DISPOSED', `${this.path} was closed`)
    if (this.#error !== null) return
    const record = tfRecord(data)
    this.#waiting.push(record)
    this.#bytes += record.length
    if (this.#bytes >= FULL) this.#write()
    else this.#timer ??= setTimeout(() => this.#write(), PATIENCE).unref()
  }

  /**
   * Waits until all that was taken is in the file.
   * @throws BeitError ERR_IO, of any write until now
   */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#writing !== null) await this.#write()
    if (this.#error !== null) throw this.#error
  }

  /** Flushes, and closes the file even when that fails. Calling it again does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.flush()
    } finally {
      await this.#file.close()
    }
  }

  /** One write at a time, until nothing waits. Never rejects. */
  #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
    })
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = Buffer.concat(this.#waiting)
      this.#waiting = []
      this.#bytes = 0
      try {
        await this.#file.appendFile(bytes)
      } catch (cause) {
        this.#error = cannotWrite(this.path, cause)
        this.#waiting = []
      }
    }
  }
}

const cannotWrite = (path: string, cause: unknown) =>
  new BeitError('ERR_IO', `cannot write TensorBoard events to ${path}: ${(cause as Error).message}`, {
    cause,
  })
