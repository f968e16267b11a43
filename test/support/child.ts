/** Programs under test/…/programs in child processes of their own, where ends and crashes can be seen. */
import { spawn } from 'node:child_process'
import { program } from './paths.js'

export interface ChildEnd {
  status: number | null
  signal: NodeJS.Signals | null
  output: string
}

export interface RunOptions {
  /** A signal to send as soon as the program prints 'running'. */
  kill?: NodeJS.Signals
  /** CPU threads of one operation. */
  threads?: number
  /** Options of Node itself. */
  flags?: string[]
  /** A command that runs Node, such as ['strace', '-f']. */
  under?: string[]
}

/**
 * Runs a compiled program to its end, with one thread an operation unless told: several of them then run side
 * by side without the threads of one spinning in the way of the other.
 */
export function runProgram(
  path: string,
  args: string[] = [],
  { kill, threads = 1, flags = [], under = [] }: RunOptions = {},
): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const [command, ...rest] = [...under, process.execPath, ...flags, program(path), ...args]
    const child = spawn(command as string, rest, {
      env: { ...process.env, OMP_NUM_THREADS: String(threads) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const take = (chunk: string) => {
      output += chunk
      if (kill !== undefined && output.includes('running')) child.kill(kill)
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', reject)
    child.on('close', (status, signal) => resolve({ status, signal, output }))
  })
}

/** `count` runs, a few at a time. */
export async function repeat<T>(count: number, atOnce: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  const lane = async () => {
    while (count-- > 0) results.push(await run())
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return results
}
