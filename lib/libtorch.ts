/**
 * Where libtorch is. Searched in order: the LIBTORCH directory, the `torch` package of BEIT_PYTHON, the folder
 * that the addon was built with, the `torch` package of the Python on PATH, the local copy that the set-up step
 * made. Where LIBTORCH is set, nothing else is looked at. The set-up step (scripts/steps/libtorch.mjs) and
 * `beit doctor` use the same search.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { BeitError } from './errors.js'
import { packageRoot, setupCommands } from './installation.js'

/** A libtorch that can be used. */
export interface Libtorch {
  /** The folder that holds include/ and lib/. */
  folder: string
  /** As its headers say: '2.13.0'. */
  version: string
  /** What led to it. */
  foundBy: 'LIBTORCH' | 'python' | 'build' | 'local copy' | 'this process'
  /** Shared libraries in the order to open them. */
  libraries: string[]
  /** libtorch_cuda of the same folder; null in a CPU build. */
  cudaLibrary: string | null
}

/** One place that was looked at. */
export interface SearchEntry {
  /** What led there. */
  foundBy: Libtorch['foundBy']
  /** The folder. */
  place: string
  /** Why it was not taken; null for the one that was. */
  problem: string | null
}

/** The libtorch that the addon was built with, as the build noted it. */
export interface BuiltWith {
  /** Absent from an addon that was built on another machine. */
  folder?: string
  version: string
}

/** "2.13" of "2.13.0+cpu": libtorch promises binary compatibility within it only. */
export const minorVersion = (version: string) => version.split('.', 2).join('.')

/** "2.12, 2.13": for which versions there is an addon. */
export const minorVersions = (builtWith: readonly BuiltWith[]) =>
  [...new Set(builtWith.map(({ version }) => minorVersion(version)))].join(', ')

/**
 * The first usable libtorch, or an error with every place that was looked at.
 * @param builtWith what addons were compiled against: a libtorch of another minor version is passed over; empty: any
 * supported version will do
 */
export function findLibtorch(builtWith: readonly BuiltWith[], root = packageRoot): Libtorch {
  const search: SearchEntry[] = []
  const found = searchLibtorch(root, search, builtWith)
  if (found !== null) return found
  const trace = search.map((entry) => `  ${entry.foundBy}: ${entry.place}: ${entry.problem}`).join('\n')
  throw new BeitError(
    'ERR_LIBTORCH',
    `no libtorch ${minorVersions(builtWith) || '2.11 to 2.15'} was found. Looked at:\n${trace}\n` +
      `What to do: ${libtorchRemedy()}.`,
  )
}

/** What to do where none was found. LIBTORCH keeps the set-up step, too, from looking elsewhere. */
export const libtorchRemedy = () =>
  process.env.LIBTORCH
    ? `set LIBTORCH to the folder that holds include/ and lib/, or unset it and run ${setupCommands.setup}`
    : `run ${setupCommands.setup}, or set LIBTORCH to its folder, or BEIT_PYTHON to a Python that has torch`

/** What brings the CUDA libraries of one: the set-up step leaves as it is what somebody else installed. */
export const cudaRemedy = ({ foundBy }: Pick<Libtorch, 'foundBy'>) =>
  foundBy === 'LIBTORCH' || foundBy === 'python'
    ? 'install a CUDA build of torch there, with its dependencies, or name another by LIBTORCH or BEIT_PYTHON'
    : `run ${setupCommands.cuda}`

/** The same search, recording each place into `search`. */
export function searchLibtorch(
  root: string,
  search: SearchEntry[],
  builtWith: readonly BuiltWith[] = [],
): Libtorch | null {
  for (const { foundBy, place } of candidates(root, builtWith)) {
    if (typeof place !== 'string') {
      search.push({ foundBy, place: place.tried, problem: place.problem })
      continue
    }
    const result = inspectLibtorch(place, foundBy)
    const problem = typeof result === 'string' ? result : mismatch(result.version, builtWith)
    search.push({ foundBy, place, problem })
    if (typeof result !== 'string' && problem === null) return result
    // What the user chose explicitly is not replaced by something else in silence.
    if (foundBy === 'LIBTORCH') return null
  }
  return null
}

function mismatch(version: string, builtWith: readonly BuiltWith[]): string | null {
  const versions = builtWith.map((one) => one.version)
  if (versions.length === 0 || versions.some((one) => minorVersion(one) === minorVersion(version)))
    return null
  const addons = versions.length === 1 ? 'the addon was' : 'the addons were'
  return `version ${version}, but ${addons} built with ${versions.join(', ')} (${setupCommands.build} builds one anew)`
}

function* candidates(
  root: string,
  builtWith: readonly BuiltWith[],
): Generator<{
  foundBy: Libtorch['foundBy']
  place: string | { tried: string; problem: string }
}> {
  const variable = process.env.LIBTORCH
  yield {
    foundBy: 'LIBTORCH',
    place: variable ? resolve(variable) : { tried: 'environment variable LIBTORCH', problem: 'not set' },
  }
  const chosen = process.env.BEIT_PYTHON
  if (chosen) yield { foundBy: 'python', place: pythonTorch(chosen) }
  // Before any other Python: asking one takes a process, in every process that loads the addon.
  for (const { folder } of builtWith) if (folder !== undefined) yield { foundBy: 'build', place: folder }
  if (!chosen) yield { foundBy: 'python', place: pythonTorch('python3') }
  yield { foundBy: 'local copy', place: join(root, '.libtorch', 'torch') }
}

/** The folder of Python's torch package, found without importing it. */
function pythonTorch(python: string): string | { tried: string; problem: string } {
  // Not from the working directory: a folder called torch there would be taken for a package.
  const code = `import sys; sys.path = [p for p in sys.path if p]
import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")`
  const result = spawnSync(python, ['-c', code], { encoding: 'utf8', timeout: 10_000 })
  if (result.error) return { tried: python, problem: result.error.message }
  const folder = result.stdout.trim()
  return folder || { tried: python, problem: 'has no torch package' }
}

/** The libtorch in `folder`, or why it cannot be used. */
export function inspectLibtorch(folder: string, foundBy: Libtorch['foundBy']): Libtorch | string {
  const version = versionOf(folder)
  if (version === null) return withoutVersion(folder)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major !== 2 || minor < 11 || minor > 15) return `version ${version}; 2.11 to 2.15 are supported`
  const suffix = process.platform === 'darwin' ? 'dylib' : 'so'
  const libraries = ['c10', 'torch_cpu'].map((name) => join(folder, 'lib', `lib${name}.${suffix}`))
  const missing = libraries.find((library) => !existsSync(library))
  if (missing !== undefined) return `${missing} is missing`
  const cuda = join(folder, 'lib', `libtorch_cuda.${suffix}`)
  return { folder, version, foundBy, libraries, cudaLibrary: existsSync(cuda) ? cuda : null }
}

/** The header that tells the version, and where older ones have it. */
const VERSION_HEADERS = [
  join('include', 'torch', 'headeronly', 'version.h'),
  join('include', 'torch', 'csrc', 'api', 'include', 'torch', 'version.h'),
] as const

/** As the headers in `folder` say; null where there are none. */
function versionOf(folder: string): string | null {
  for (const header of VERSION_HEADERS.map((name) => join(folder, name))) {
    const text = existsSync(header) ? readFileSync(header, 'utf8') : ''
    const version = /#define TORCH_VERSION[\s\\]+"([^"]+)"/.exec(text)?.[1]
    if (version !== undefined) return version
  }
  return null
}

/** Why there is no version: most often the folder above was named, or the one below. */
function withoutVersion(folder: string): string {
  if (!existsSync(folder)) return 'no such folder'
  if (!statSync(folder).isDirectory()) return 'not a folder'
  const near = [join(folder, 'torch'), dirname(folder)].find((one) => versionOf(one) !== null)
  return `${join(folder, VERSION_HEADERS[0])} is missing${near === undefined ? '' : `; ${near} has it`}`
}
