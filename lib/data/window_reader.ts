/**
 * Positioned reads that keep the last stretch read: many small reads close together cost one call to the
 * system, and a jump over a large member costs a small one.
 */
import { type FileHandle, open } from 'node:fs/promises'

const SMALLEST = 8 << 10
const LARGEST = 1 << 20

export class WindowReader {
  readonly size: number
  readonly #file: FileHandle
  #window = Buffer.alloc(0)
  #start = 0
  #ahead = SMALLEST

  private constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  static async open(path: string): Promise<WindowReader> {
    const file = await open(path)
    const info = await file.stat().catch(async (error) => {
      await file.close()
      throw error
    })
    return new WindowReader(file, info.size)
  }

  /**
   * The bytes from `offset`, fewer at the end of the file. They are a view that lives until the next call.
   */
  async bytes(offset: number, length: number): Promise<Buffer> {
    const end = this.#start + this.#window.length
    const wanted = Math.max(0, Math.min(length, this.size - offset))
    if (wanted > 0 && (offset < this.#start || offset + wanted > end)) {
      const near = offset >= this.#start && offset - end < this.#ahead
      this.#ahead = near ? Math.min(LARGEST, this.#ahead * 2) : Math.max(SMALLEST, this.#ahead / 4)
      await this.#fill(offset, Math.min(Math.max(wanted, this.#ahead), this.size - offset))
    }
    const start = offset - this.#start
    return wanted > 0 ? this.#window.subarray(start, start + wanted) : this.#window.subarray(0, 0)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #fill(offset: number, length: number): Promise<void> {
    const window = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#file.read(window, filled, length - filled, offset + filled)
      if (bytesRead === 0) break // the file shrank since it was opened
      filled += bytesRead
    }
    this.#window = window.subarray(0, filled)
    this.#start = offset
  }
}
