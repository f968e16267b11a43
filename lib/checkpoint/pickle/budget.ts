/**
 * How much the values of a pickle may take in memory, in proportion to the file they come from: a few bytes
 * of a hostile pickle can ask for a copy of everything before them. Everything that makes values asks here
 * first, so time is bounded as well.
 */

/** Bytes that a value takes, roughly: V8's in 64 bit, and those of the plain data that is made of it. */
export const Cost = {
  /** A slot of a list or of the stack. */
  slot: 16,
  number: 24,
  string: 32,
  list: 192,
  tuple: 224,
  dict: 320,
  /** An entry of a dict or set, and the map behind it. */
  entry: 128,
  object: 320,
  bytes: 480,
  memo: 64,
} as const

/** Beside twice the file; plain data is made of the values a second time. */
const BASE = 18 * 2 ** 20

export class Budget {
  #left: number
  readonly #refuse: (why: string) => never

  /**
   * @param fileSize of the whole file that the pickle is in
   * @param refuse called when it is used up
   */
  constructor(fileSize: number, refuse: (why: string) => never) {
    this.#left = BASE + fileSize
    this.#refuse = refuse
  }

  take(bytes: number): void {
    this.#left -= bytes
    if (this.#left < 0) this.#refuse('its values would take far more memory than the file has bytes')
  }
}
