// The addon: cmake-js configures and builds in build/cmake, then the products are copied to where they are
// loaded from. Not `cmake-js compile`: that answers a failed build by deleting everything and building again.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, totalmem } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { checkPrerequisites } from './prerequisites.mjs'
import { capture, must, mustBeWritable, root, StepError, seconds } from './run.mjs'
import { isStale, markBuilt } from './stale.mjs'

const work = join(root, 'build', 'cmake')
const PRODUCTS = ['beit.node', join('preload', 'preload.node')]
/** Built where there is an nvcc. */
const CUDA_PRODUCT = 'beit_cuda.so'
/** Built where there is one, and the libtorch is a CUDA build. */
const GRAPH_PRODUCT = 'beit_cuda_graph.so'
/** What may lie beside the addon. */
export const CUDA_PRODUCTS = [CUDA_PRODUCT, GRAPH_PRODUCT]

/**
 * libtorch.json beside the addon says which libtorch it was built with: lib/binding.ts prefers the same.
 * @param output folder of the addon
 */
const product = ({ folder, version }, output) => ({
  stamp: join(output, 'libtorch.json'),
  sources: ['native', 'test/cuda/emulator', 'CMakeLists.txt', 'package-lock.json'],
  content: `${JSON.stringify({ folder, version })}\n`,
})

/** Is the addon in `output` whole, of this libtorch, and newer than its sources? */
export const isBuilt = (libtorch, output) =>
  PRODUCTS.every((name) => existsSync(join(output, name))) && !isStale(product(libtorch, output))

/** Builds the addon against `libtorch` when a source is newer or the libtorch another. */
export async function buildNative(
  libtorch,
  { output = join('build', 'Release'), force = false, cuda = false } = {},
) {
  const folder = resolve(root, output)
  // With `cuda`, an addon built before there was an nvcc lacks its kernels.
  const whole = isBuilt(libtorch, folder) && !(cuda && !existsSync(join(folder, CUDA_PRODUCT)))
  if (!force && whole) return
  mustBeWritable(root, 'The addon')
  await checkPrerequisites({ python: false })
  const began = performance.now()
  const beganAt = Date.now()
  console.log(`Building the addon against libtorch ${libtorch.version} in ${libtorch.folder}`)
  await configure(libtorch, { cuda })
  await compile()
  for (const name of PRODUCTS) install(join(work, 'Release', name), join(folder, name))
  for (const name of CUDA_PRODUCTS) {
    const library = join(work, 'Release', name)
    if (existsSync(library)) install(library, join(folder, name))
    else rmSync(join(folder, name), { force: true })
  }
  markBuilt(product(libtorch, folder), beganAt)
  console.log(`Addon built in ${seconds(began)}`)
}

/** A process may be running the old addon: the new one gets a new inode. */
function install(from, to) {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, `${to}.new`)
  renameSync(`${to}.new`, to)
}

async function configure(libtorch, { cuda }) {
  const cache = join(work, 'CMakeCache.txt')
  if (existsSync(cache)) {
    const text = readFileSync(cache, 'utf8')
    const same =
      text.includes(`BEIT_LIBTORCH:UNINITIALIZED=${libtorch.folder}\n`) &&
      text.includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${resolve(root)}\n`)
    // CMake itself notices a changed CMakeLists.txt. Another libtorch or a moved project needs a new cache.
    const whole = same && ['build.ninja', 'Makefile'].some((name) => existsSync(join(work, name)))
    // Configured again, CMake looks anew for what it has not found.
    if (whole && !(cuda && text.includes('BEIT_NVCC:FILEPATH=BEIT_NVCC-NOTFOUND\n'))) return
    if (!whole) rmSync(work, { recursive: true })
  }
  const output = await must(
    'Configuring the build',
    process.execPath,
    [...cmakeJs('configure'), `--CDBEIT_LIBTORCH=${libtorch.folder}`],
    { env: childEnvironment() },
  )
  for (const line of output.split('\n'))
    if (line.includes('libjpeg-turbo headers')) console.log(`  ${line.replace(/^-- /, '')}`)
}

async function compile() {
  // A file of libtorch code takes 1.3 GB at its worst to compile.
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 1.5e9)))
  let lastReport = Date.now()
  let afterFailed = false
  const onLine = (line) => {
    const progress = /^\[\s*(\d+%|\d+\/\d+)\] (Building \S+ \S+ .*\/)?(.*)/.exec(line)
    if (progress !== null) {
      if (Date.now() - lastReport < 10_000) return
      lastReport = Date.now()
      console.log(`  ${progress[1]} ${basename(progress[3] ?? '')}`)
    } else if (!afterFailed && !/^(-- |ninja: |g?make|ERROR OMG)/.test(line)) {
      console.log(line)
    }
    // Ninja prints the whole command of a failed step; the errors follow it.
    afterFailed = line.startsWith('FAILED: ')
  }
  const { status } = await capture(process.execPath, [...cmakeJs('build'), '-p', String(jobs)], {
    env: childEnvironment(),
    onLine,
  })
  if (status !== 0) throw new StepError('The addon does not compile: the errors are above.')
}

function cmakeJs(command) {
  const packageFile = createRequire(import.meta.url).resolve('cmake-js/package.json')
  return [join(dirname(packageFile), 'bin', 'cmake-js'), command, '-d', root, '-O', work, '-l', 'error']
}

/** A make above us (node-gyp runs one) must not hand its flags and job slots down. */
function childEnvironment() {
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...rest } = process.env
  return rest
}
