/**
 * Loads the addon: opens libtorch from the folder that lib/libtorch.ts finds, then the addon, and compares the
 * version it was compiled against with the one found. Errors of native calls become {@link BeitError}s here.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BeitError, type BeitErrorCode } from './errors.js'
import { findLibtorch, type Libtorch } from './libtorch.js'
import type { NativeBindings } from './native.js'

const require = createRequire(import.meta.url)

/** The folder of the package (this file is dist/lib/binding.js). */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

let loaded: { bindings: NativeBindings; libtorch: Libtorch } | undefined

/** The addon, loaded on first use. */
export function native(): NativeBindings {
  loaded ??= load()
  return loaded.bindings
}

/** Which libtorch the addon runs on. */
export function libtorchInUse(): Libtorch {
  native()
  return (loaded as { libtorch: Libtorch }).libtorch
}

function load() {
  const folder = join(packageRoot, 'build', 'Release')
  const libtorch = findLibtorch(packageRoot)
  const preload = open(join(folder, 'preload', 'preload.node')) as {
    open(path: string, global: boolean): string | null
  }
  for (const library of libtorch.libraries) {
    const problem = preload.open(library, false)
    if (problem !== null) {
      throw new BeitError(
        'ERR_LIBTORCH',
        `cannot open ${library} (found by ${libtorch.foundBy}): ${problem}. Run 'npx beit doctor' for the whole search.`,
      )
    }
  }
  const bindings = open(join(folder, 'beit.node')) as NativeBindings
  const compiled = bindings.version().compiled
  if (minor(compiled) !== minor(libtorch.version)) {
    throw new BeitError(
      'ERR_LIBTORCH',
      `the addon was compiled against libtorch ${compiled}, but ${libtorch.folder} (found by ${libtorch.foundBy}) is ` +
        `${libtorch.version}: libtorch promises no binary compatibility between minor versions. Run 'npm run build', or ` +
        `set LIBTORCH to a libtorch ${minor(compiled)}.`,
    )
  }
  // A thread inside libtorch while the process tears down static objects crashes it.
  process.on('exit', () => bindings.cancelAndJoin())
  return { bindings: withBeitErrors(bindings), libtorch }
}

function open(path: string): unknown {
  try {
    return require(path)
  } catch (cause) {
    throw new BeitError(
      'ERR_ADDON_NOT_LOADED',
      `cannot load ${path}: ${(cause as Error).message}. Run 'npm run setup' in ${packageRoot} to build it.`,
      { cause },
    )
  }
}

const minor = (version: string) => version.split('.', 2).join('.')

type AnyFunction = (...args: unknown[]) => unknown

/** The same functions, whose errors (thrown or rejected) are BeitErrors. */
function withBeitErrors(bindings: NativeBindings): NativeBindings {
  const wrapped: Record<string, AnyFunction> = {}
  for (const [name, call] of Object.entries(bindings as unknown as Record<string, AnyFunction>)) {
    wrapped[name] = (...args) => {
      try {
        const result = call(...args)
        return result instanceof Promise
          ? result.catch((error) => Promise.reject(toBeitError(error)))
          : result
      } catch (error) {
        throw toBeitError(error)
      }
    }
  }
  return wrapped as unknown as NativeBindings
}

function toBeitError(error: unknown): unknown {
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_')) {
    return new BeitError(error.code as BeitErrorCode, error.message, { cause: error })
  }
  return error
}
