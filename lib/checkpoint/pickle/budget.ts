/**
 * How much the values of a pickle may take in memory, in proportion to the file they come from: a few bytes
 * of a hostile pickle can ask for a copy of everything before them. Everything that makes values asks here
 * first, so time is bounded as well.
 */

/** Bytes that a value takes, roughly; of V8 in 64 bit. */
export const Cost = {
  /** A slot of a list or of the stack. */
  slot: 16,
  number: 16,
  string: 32,
  list: 64,
  tuple: 96,
  dict: 64,
  /** An entry of a dict or set, and the map behind it. */
  entry: 128,
  object: 160,
  memo: 64,
} as const

/** Beside twice the file; plain data is made of the values a second time. */
const BASE = 24 * 2 ** 20

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
