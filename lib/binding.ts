/**
 * Loads the addon: opens libtorch from the folder that lib/libtorch.ts finds, then the addon, and compares
 * the version it was compiled against with the one found. Errors of native calls become {@link BeitError}s
 * here.
 *
 * Each worker_threads worker loads it for itself and gets an engine thread of its own; libtorch is in a
 * process once.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BeitError, type BeitErrorCode } from './errors.js'
import { type BuiltWith, findLibtorch, inspectLibtorch, type Libtorch, minorVersion } from './libtorch.js'
import type { NativeBindings } from './native.js'

const require = createRequire(import.meta.url)

/** The folder of the package (this file is dist/lib/binding.js). */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Where the addon is: built here, or else prebuilt for this platform, as node-gyp-build finds it. */
export const addonFolder = findAddonFolder()

/** native/preload.c */
interface Preload {
  open(path: string, global: boolean): string | null
  loaded(name: string): string | null
}

interface Loaded {
  bindings: NativeBindings
  libtorch: Libtorch
  /** Why the CUDA half of libtorch was not opened; null: it was. */
  cudaProblem: string | null
}

let loaded: Loaded | undefined

/** The addon, loaded on first use. */
export function native(): NativeBindings {
  loaded ??= load()
  return loaded.bindings
}

/** Which libtorch the addon runs on, and why not with CUDA. */
export function libtorchInUse(): Pick<Loaded, 'libtorch' | 'cudaProblem'> {
  native()
  return loaded as Loaded
}

/** The libtorch that the addon was built with, as the build noted it; null where it is not built. */
export function builtWith(): BuiltWith | null {
  const note = join(addonFolder, 'libtorch.json')
  return existsSync(note) ? JSON.parse(readFileSync(note, 'utf8')) : null
}

function findAddonFolder(): string {
  const { resolve } = require('node-gyp-build') as { resolve(folder: string): string }
  try {
    return dirname(resolve(packageRoot))
  } catch {
    // Nowhere yet: messages name the place where a build puts it.
    return join(packageRoot, 'build', 'Release')
  }
}

function load(): Loaded {
  const preload = open(join('preload', 'preload.node')) as Preload
  const libtorch = libtorchOfProcess(preload) ?? findLibtorch(packageRoot, builtWith())
  for (const library of libtorch.libraries) {
    const problem = preload.open(library, false)
    if (problem !== null) {
      throw new BeitError(
        'ERR_LIBTORCH',
        `cannot open ${library} (found by ${libtorch.foundBy}): ${problem}. Run 'npx beit doctor' for the whole search.`,
      )
    }
  }
  const cudaProblem = openCuda(preload, libtorch)
  const compiled = builtWith()?.version
  if (compiled !== undefined) checkVersion(compiled, libtorch)
  const bindings = open('beit.node') as NativeBindings
  checkVersion(bindings.version().compiled, libtorch)
  // A thread inside libtorch while the process tears down static objects crashes it. 'exit' is emitted at the
  // natural end, by process.exit() and after an uncaught exception; a terminated worker is joined by the
  // addon's cleanup hook.
  process.on('exit', () => bindings.cancelAndJoin())
  return { bindings: withBeitErrors(bindings), libtorch, cudaProblem }
}

/**
 * The libtorch that a worker or another copy of this package opened already: a second one would clash with
 * it.
 */
function libtorchOfProcess(preload: Preload): Libtorch | null {
  const library = preload.loaded('libtorch_cpu.so')
  if (library === null) return null
  const found = inspectLibtorch(dirname(dirname(library)), 'this process')
  if (typeof found !== 'string') return found
  throw new BeitError(
    'ERR_LIBTORCH',
    `this process has opened ${library} already, and it cannot be used: ${found}. Load beit-torch in another process.`,
  )
}

/**
 * Opens libtorch_cuda where the machine has an NVIDIA driver, which registers its kernels with libtorch.
 * Before the addon runs anything: libtorch asks once which devices there are, and its autograd starts a
 * thread for each of them then.
 */
function openCuda(preload: Preload, { cudaLibrary, folder }: Libtorch): string | null {
  if (!DRIVER_FILES.some((file) => existsSync(file))) return NO_NVIDIA_DRIVER
  if (cudaLibrary === null) return `the libtorch in ${folder} is a CPU build`
  const problem = preload.open(cudaLibrary, true)
  if (problem === null) return null
  return `${cudaLibrary} cannot be opened: ${problem} ('npm run setup -- --cuda' installs its CUDA libraries)`
}

/** Why there is no GPU on a machine that is not meant to have one: no fault of the installation. */
export const NO_NVIDIA_DRIVER = 'this machine has no NVIDIA driver'

/** Present while the kernel has the NVIDIA driver loaded; the last one under WSL. */
const DRIVER_FILES = ['/dev/nvidiactl', '/proc/driver/nvidia/version', '/dev/dxg']

function checkVersion(compiled: string, { version, folder, foundBy }: Libtorch): void {
  if (minorVersion(compiled) === minorVersion(version)) return
  throw new BeitError(
    'ERR_LIBTORCH',
    `the addon was compiled against libtorch ${compiled}, but ${folder} (found by ${foundBy}) is ${version}: libtorch ` +
      `promises no binary compatibility between minor versions. Run 'npm run build' in ${packageRoot}, or set LIBTORCH ` +
      `to a libtorch ${minorVersion(compiled)}.`,
  )
}

function open(name: string): unknown {
  const path = join(addonFolder, name)
  if (!existsSync(path)) {
    throw new BeitError(
      'ERR_ADDON_NOT_LOADED',
      `the addon is not built: ${path} is missing. Run 'npm run setup' in ${packageRoot}.`,
    )
  }
  try {
    return require(path)
  } catch (cause) {
    throw new BeitError(
      'ERR_ADDON_NOT_LOADED',
      `cannot load ${path}: ${(cause as Error).message}. Run 'npx beit doctor' to see why, 'npm run build' in ` +
        `${packageRoot} to build it anew.`,
      { cause },
    )
  }
}

type AnyFunction = (...args: unknown[]) => unknown

/** The same functions, whose errors (thrown or rejected) are BeitErrors. */
function withBeitErrors(bindings: NativeBindings): NativeBindings {
  const wrapped: Record<string, AnyFunction> = {}
  for (const [name, call] of Object.entries(bindings as unknown as Record<string, AnyFunction>)) {
    wrapped[name] = (...args) => {
      try {
        const result = call(...args)
        return result instanceof Promise ? settled(result) : result
      } catch (error) {
        throw toBeitError(error)
      }
    }
  }
  return wrapped as unknown as NativeBindings
}

/** Async, so that the stack of the error tells who awaited the call. */
async function settled(result: Promise<unknown>): Promise<unknown> {
  try {
    return await result
  } catch (error) {
    throw toBeitError(error)
  }
}

function toBeitError(error: unknown): unknown {
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_')) {
    return new BeitError(error.code as BeitErrorCode, error.message, { cause: error })
  }
  return error
}
