/** Ctrl-C: the first one asks the run to finish its step and save, the second one ends the process. */
import { EXIT } from './command.js'

/** Watches the signals of the process until disposed. */
export class Interrupt {
  readonly #controller = new AbortController()
  readonly #message: string
  #code: number = EXIT.ok
  readonly #onSigint = () => this.#stop(EXIT.interrupted)
  readonly #onSigterm = () => this.#stop(EXIT.terminated)

  /** @param message what the first signal is answered with */
  constructor(message = 'stopping: this step is finished and saved first; Ctrl-C again ends at once') {
    this.#message = message
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
    process.stderr.write(`\n${this.#message}\n`)
    this.#controller.abort()
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSigint)
    process.off('SIGTERM', this.#onSigterm)
  }
}
