/** The progress of a probe: one line that is rewritten on a terminal, a few plain lines elsewhere. */
import type { ProbeProgress } from '../evaluate/probe_progress.js'
import { grouped, percent } from '../log/format.js'
import { isLiveTerminal } from '../log/progress.js'

const CLEAR = '\r\x1b[2K'
/** Milliseconds between two lines, rewritten and plain. */
const REDRAW = 100
const INTERVAL = 10_000

export class ProbeStatus {
  readonly #live = isLiveTerminal(process.stderr)
  #drawn = performance.now()

  /** Shows where the probe is. Bound, to be handed on. */
  readonly update = (progress: ProbeProgress): void => {
    const now = performance.now()
    if (now - this.#drawn < (this.#live ? REDRAW : INTERVAL)) return
    this.#drawn = now
    process.stderr.write(this.#live ? `${CLEAR}${inWords(progress)}` : `${inWords(progress)}\n`)
  }

  /** Takes the line away before something else is printed. */
  clear(): void {
    if (this.#live) process.stderr.write(CLEAR)
  }

  [Symbol.dispose](): void {
    this.clear()
  }
}

/** "epoch 12/100  accuracy 41.3 % (block 6)" */
export function inWords(progress: ProbeProgress): string {
  switch (progress.type) {
    case 'features':
      return `features of ${progress.set} images ${grouped(progress.images)}/${grouped(progress.of)}`
    case 'epoch': {
      const best = progress.validation.reduce((a, b) => (b.accuracy > a.accuracy ? b : a))
      return `epoch ${progress.epoch + 1}/${progress.epochs}  accuracy ${percent(best.accuracy)} (block ${best.block})`
    }
    case 'block': {
      const best = progress.accuracies.reduce((a, b) => (b.accuracy > a.accuracy ? b : a))
      return `block ${progress.block}  accuracy ${percent(best.accuracy)} (${best.neighbours} neighbours)`
    }
  }
}
