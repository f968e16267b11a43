/** The command `beit` in a child process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../support/paths.js'

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/**
 * @param watch sees the process and everything it has written to standard error so far, whenever it writes
 */
export function runBeit(
  args: readonly string[],
  watch: (child: ChildProcess, stderr: string) => void = () => {},
  environment: Record<string, string> = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(packageRoot, 'scripts', 'beit.mjs'), ...args], {
      env: { ...process.env, ...environment },
    })
    const ran: Ran = { code: null, stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => {
      ran.stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      ran.stderr += chunk
      watch(child, ran.stderr)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ ...ran, code }))
  })
}
