/** One of those that a benchmark compares: a program of its own, which works when it is asked to. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { packageRoot } from '../../test/support/paths.js'
import type { Answers, Work } from './work.js'

const PROGRAMS = {
  ours: [process.execPath, join(packageRoot, 'dist', 'bench', 'performance', 'worker.js')],
  torch: [
    process.env.BEIT_PYTHON ?? 'python3',
    join(packageRoot, 'bench', 'performance', 'pretraining_torch.py'),
  ],
} as const

/** Whose program. */
export type Owner = keyof typeof PROGRAMS

/** A program that holds a model and waits for commands. */
export class Party {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(
    readonly name: string,
    owner: Owner,
  ) {
    const [command, file] = PROGRAMS[owner]
    this.#child = spawn(command, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
    // A program that cannot be started, or ended, takes no more lines: that shows as the end of its answers.
    this.#child.on('error', (error) => console.error(error.message))
    this.#child.stdin?.on('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]()
  }

  /** Starts the program; `versions` is what it says of itself. */
  static async start(
    name: string,
    owner: Owner,
    work: Work,
  ): Promise<{ party: Party; versions: Record<string, string> }> {
    const party = new Party(name, owner)
    return { party, versions: await party.#send(JSON.stringify(work)) }
  }

  ask<Command extends keyof Answers>(command: Command): Promise<Answers[Command]> {
    return this.#send(command)
  }

  /** Lets the program end. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin?.end()
    await ended
  }

  async #send<T>(line: string): Promise<T> {
    this.#child.stdin?.write(`${line}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`'${this.name}' ended before it answered; its message is above`)
    return JSON.parse(value) as T
  }
}
