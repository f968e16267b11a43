/** One of examples/ as people run it, in a child process of its own. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from './paths.js'

/** @returns what it prints @throws when it fails */
export const runExample = (name: string, flags: readonly string[], cwd?: string) =>
  promisify(execFile)(
    process.execPath,
    [join(packageRoot, 'dist', 'examples', `${name}.js`), ...flags],
    // Two threads that wait for each other are slow where other tests take their cores.
    { cwd, env: { ...process.env, OMP_NUM_THREADS: '1' } },
  )
