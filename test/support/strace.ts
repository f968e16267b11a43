/** What a program asks of the system, where strace can be used. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporary } from './temporary.js'

/** Processes, the network, and every call that names a file. */
const CALLS = 'trace=%process,%network,%file'

/** The command that writes the calls of what follows it to `log`. */
export const strace = (log: string) => ['strace', '-f', '-qq', '-e', 'signal=none', '-e', CALLS, '-o', log]

/** Why there is no strace; null when it works. */
export function straceLacks(): string | null {
  const log = join(temporary(), 'strace')
  const { error, status } = spawnSync('strace', [...strace(log).slice(1), 'true'])
  return error === undefined && status === 0 ? null : 'strace is absent or may not trace'
}

/** The calls of a log from the one that names `begin` to the one that names `end`, without either. */
export function callsBetween(log: string, begin: string, end: string): string[] {
  const lines = readFileSync(log, 'utf8').split('\n')
  const place = (path: string) => lines.findIndex((line) => line.includes(`"${path}"`))
  const [first, last] = [place(begin), place(end)]
  if (first < 0 || last < first) throw new Error(`${log} does not show where ${begin} and ${end} are`)
  return lines.slice(first + 1, last)
}
