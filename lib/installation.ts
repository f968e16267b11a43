/** Where this copy of the package is, and the commands that put it right: a clone has other ones than an installed package. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the package (this file is dist/lib/installation.js). */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Quoted, as messages name them after "run". */
export interface SetupCommands {
  /** libtorch, and an addon for it. */
  setup: string
  /** An addon compiled for the libtorch of this machine. */
  build: string
  /** The CUDA libraries of libtorch. */
  cuda: string
}

// A package is published without its compiler settings.
export const setupCommands: SetupCommands = existsSync(join(packageRoot, 'tsconfig.json'))
  ? {
      setup: `'npm run setup' in ${packageRoot}`,
      build: `'npm run build' in ${packageRoot}`,
      cuda: `'npm run setup -- --cuda' in ${packageRoot}`,
    }
  : { setup: "'npx beit setup'", build: "'npx beit setup --build'", cuda: "'npx beit setup --cuda'" }
