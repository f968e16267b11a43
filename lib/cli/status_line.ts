/** The progress of a long call: one line that is rewritten on a terminal, a few plain lines elsewhere. */
import { isLiveTerminal } from '../log/progress.js'

const CLEAR = '\r\x1b[2K'
/** Milliseconds between two lines, rewritten and plain. */
const REDRAW = 100
const INTERVAL = 10_000

export class StatusLine<P> {
  readonly #inWords: (progress: P) => string
  readonly #live = isLiveTerminal(process.stderr)
  #drawn = performance.now()

  /** @param inWords what the line says */
  constructor(inWords: (progress: P) => string) {
    this.#inWords = inWords
  }

  /** Shows how far the call is. Bound, to be handed on. */
  readonly update = (progress: P): void => {
    const now = performance.now()
    if (now - this.#drawn < (this.#live ? REDRAW : INTERVAL)) return
    this.#drawn = now
    const words = this.#inWords(progress)
    process.stderr.write(this.#live ? `${CLEAR}${words}` : `${words}\n`)
  }

  /** Takes the line away before something else is printed. */
  clear(): void {
    if (this.#live) process.stderr.write(CLEAR)
  }

  [Symbol.dispose](): void {
    this.clear()
  }
}
