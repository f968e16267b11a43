/**
 * Loads the addon: opens libtorch from the folder that lib/libtorch.ts finds, then the addon of lib/addons.ts
 * that was compiled against its version. Errors of native calls become {@link BeitError}s here.
 *
 * Each worker_threads worker loads it for itself and gets an engine thread of its own; libtorch is in a
 * process once.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Addon, findAddons } from './addons.js'
import { BeitError, type BeitErrorCode } from './errors.js'
import { setupCommands } from './installation.js'
import {
  cudaRemedy,
  findLibtorch,
  inspectLibtorch,
  type Libtorch,
  minorVersion,
  minorVersions,
} from './libtorch.js'
import type { NativeBindings } from './native.js'

const require = createRequire(import.meta.url)

/** native/preload.c */
interface Preload {
  open(path: string, global: boolean): string | null
  loaded(name: string): string | null
}

interface Loaded {
  bindings: NativeBindings
  addon: Addon
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

/** Which addon was loaded, which libtorch it runs on, and why not with CUDA. */
export function libtorchInUse(): Pick<Loaded, 'addon' | 'libtorch' | 'cudaProblem'> {
  native()
  return loaded as Loaded
}

function load(): Loaded {
  const addons = findAddons()
  const [first] = addons
  if (first === undefined) {
    throw new BeitError(
      'ERR_ADDON_NOT_LOADED',
      `there is no addon for ${process.platform}-${process.arch}: none was built here, and none came prebuilt with the ` +
        `package. Run ${setupCommands.setup}.`,
    )
  }
  const preload = open(first.preload) as Preload
  const builtWith = addons.map((addon) => addon.libtorch)
  const libtorch = libtorchOfProcess(preload) ?? findLibtorch(builtWith)
  const addon = addons.find((one) => minorVersion(one.libtorch.version) === minorVersion(libtorch.version))
  if (addon === undefined) throw versionProblem(minorVersions(builtWith), libtorch)
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
  const bindings = open(join(addon.folder, 'beit.node')) as NativeBindings
  const { compiled } = bindings.version()
  if (minorVersion(compiled) !== minorVersion(libtorch.version)) throw versionProblem(compiled, libtorch)
  // A thread inside libtorch while the process tears down static objects crashes it. 'exit' is emitted at the
  // natural end, by process.exit() and after an uncaught exception; a terminated worker is joined by the
  // addon's cleanup hook.
  process.on('exit', () => bindings.cancelAndJoin())
  return { bindings: withBeitErrors(bindings), addon, libtorch, cudaProblem }
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
function openCuda(preload: Preload, libtorch: Libtorch): string | null {
  const { cudaLibrary, folder } = libtorch
  if (!DRIVER_FILES.some((file) => existsSync(file))) return NO_NVIDIA_DRIVER
  if (cudaLibrary === null) return `the libtorch in ${folder} is a CPU build`
  const problem = preload.open(cudaLibrary, true)
  if (problem === null) return null
  return `${cudaLibrary} cannot be opened: ${problem} (${cudaRemedy(libtorch)})`
}

/** Why there is no GPU on a machine that is not meant to have one: no fault of the installation. */
export const NO_NVIDIA_DRIVER = 'this machine has no NVIDIA driver'

/** Present while the kernel has the NVIDIA driver loaded; the last one under WSL. */
const DRIVER_FILES = ['/dev/nvidiactl', '/proc/driver/nvidia/version', '/dev/dxg']

function versionProblem(compiled: string, { version, folder, foundBy }: Libtorch): BeitError {
  return new BeitError(
    'ERR_LIBTORCH',
    `the addon was compiled against libtorch ${compiled}, but ${folder} (found by ${foundBy}) is ${version}: libtorch ` +
      `promises no binary compatibility between minor versions. Run ${setupCommands.build}, or set LIBTORCH to a ` +
      `libtorch ${compiled}.`,
  )
}

function open(path: string): unknown {
  try {
    return require(path)
  } catch (cause) {
    throw new BeitError(
      'ERR_ADDON_NOT_LOADED',
      `cannot load ${path}: ${(cause as Error).message}. Run 'npx beit doctor' to see why, ${setupCommands.build} to ` +
        'build it anew.',
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
