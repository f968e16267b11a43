/** Ctrl-C: the first one asks the run to finish its step and save, the second one ends the process. */
import { EXIT } from './command.js'

/** Watches the signals of the process until disposed. */
export class Interrupt {
  readonly #controller = new AbortController()
  #code: number = EXIT.ok
  readonly #onSigint = () => this.#stop(EXIT.interrupted)
  readonly #onSigterm = () => this.#stop(EXIT.terminated)

  constructor() {
    process.on('SIGINT', this.#onSigint)
    process.on('SIGTERM', this.#onSigterm)
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The exit code of the signal that came; 0 when none did. */
  get code(): number {
    return this.#code
  }

  #stop(code: number): void {
    if (this.#controller.signal.aborted) process.exit(code)
    this.#code = code
    process.stderr.write('\nstopping: this step is finished and saved first; Ctrl-C again ends at once\n')
    this.#controller.abort()
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSigint)
    process.off('SIGTERM', this.#onSigterm)
  }
}
