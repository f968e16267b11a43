/** Folders the tests read. This file is dist/test/support/paths.js. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** Small data kept with the project. */
export const fixtures = join(packageRoot, 'test', 'fixtures')

/**
 * A compiled program under test/, to run in a child process: program('native/programs/exit_during_job.js').
 */
export const program = (path: string) => join(packageRoot, 'dist', 'test', path)
