// libtorch: taken where lib/libtorch.ts finds it, else installed with pip from the `torch` wheel, without its
// Python dependencies, into .libtorch. No Python code of it is used.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { checkPrerequisites, python } from './prerequisites.mjs'
import { capture, mustBeWritable, root, StepError, seconds } from './run.mjs'
import { compiled } from './typescript.mjs'

const VERSION = '2.13.0'
/**
 * libtorch_cpu.so of the standard Linux x64 wheel, a CUDA build, needs these two and no other CUDA library.
 */
const CUDA_BUILD_NEEDS = ['nvidia-cuda-runtime~=13.0.0', 'nvidia-cuda-cupti~=13.0.0']
/** All CUDA libraries of that version, as its metadata lists them. */
const CUDA_LIBRARIES = [
  'cuda-toolkit[cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.0.3',
  'nvidia-cudnn-cu13==9.20.0.48',
  'nvidia-cusparselt-cu13==0.8.1',
  'nvidia-nccl-cu13==2.29.7',
  'nvidia-nvshmem-cu13==3.4.5',
]

const target = join(root, '.libtorch')
const partial = join(root, '.libtorch.partial')

/**
 * The libtorch to build and run with. With `cuda`, a local copy that lacks the CUDA libraries is made anew.
 * @param prebuilt addons that came with the package: one of their versions is preferred, and installed rather than
 * that another is used which nothing fits
 */
export async function provideLibtorch({ cuda = false, prebuilt = [] } = {}) {
  const { minorVersion } = await compiled('libtorch.js')
  const installable = prebuilt.some((one) => minorVersion(one.libtorch.version) === minorVersion(VERSION))
  let found = await search(prebuilt)
  if (found === null && (process.env.LIBTORCH || !installable)) found = await search()
  if (found === null && process.env.LIBTORCH) throw new StepError(await libtorchProblem())
  if (cuda && found?.cudaLibrary === null && found.foundBy !== 'local copy')
    throw new StepError(
      `--cuda: the libtorch in ${found.folder} (found by ${found.foundBy}) is a CPU build, and comes before what ` +
        'would be installed here. Name a CUDA build by LIBTORCH or BEIT_PYTHON.',
    )
  if (found !== null && !(cuda && found.foundBy === 'local copy' && !hasCudaLibraries())) return found
  mustBeWritable(root, 'libtorch')
  await checkPrerequisites({ compiler: !installable })
  await install(cuda)
  const installed = await search(prebuilt)
  if (installed === null)
    throw new StepError(`libtorch was installed into ${target}, but cannot be used there`)
  return installed
}

async function search(addons = [], trace = []) {
  const { searchLibtorch } = await compiled('libtorch.js')
  return searchLibtorch(
    root,
    trace,
    addons.map((addon) => addon.libtorch),
  )
}

/** Why the folder in LIBTORCH is not taken: then nothing is installed in its place. */
async function libtorchProblem() {
  const trace = []
  await search([], trace)
  return `LIBTORCH is set to ${trace[0].place}, which cannot be used: ${trace[0].problem}`
}

const hasCudaLibraries = () => existsSync(join(target, 'nvidia', 'cudnn'))

async function install(cuda) {
  const began = performance.now()
  rmSync(partial, { recursive: true, force: true })
  const standardLinux = process.platform === 'linux' && process.arch === 'x64'
  if (cuda && !standardLinux) throw new StepError('--cuda: CUDA libraries exist for Linux x64 only')
  if (cuda) {
    console.log(
      `Installing libtorch ${VERSION} with its CUDA libraries into .libtorch (about 4 GB on disk, minutes)`,
    )
    await pip(['--no-deps', `torch==${VERSION}`])
    await pip(CUDA_LIBRARIES)
  } else if (!standardLinux) {
    console.log(`Installing libtorch ${VERSION} into .libtorch`)
    await pip(['--no-deps', `torch==${VERSION}`])
  } else if (!(await installCpuBuild())) {
    console.log(`Installing libtorch ${VERSION} into .libtorch (about 530 MB to download, 1.2 GB on disk)`)
    // One call: pip does not merge a second wheel into an existing nvidia/ folder.
    await pip(['--no-deps', `torch==${VERSION}`, ...CUDA_BUILD_NEEDS])
  }
  // Only a whole copy ever has the name that the search looks at.
  rmSync(target, { recursive: true, force: true })
  renameSync(partial, target)
  console.log(`libtorch installed in ${seconds(began)}`)
}

/** The smaller CPU build, which only an index that the user configured can offer. */
async function installCpuBuild() {
  const { output } = await capture(python(), ['-m', 'pip', 'config', 'list'])
  if (!/extra[-_]index[-_]url|find[-_]links/.test(output) && !process.env.PIP_EXTRA_INDEX_URL) return false
  const quick = ['--retries', '0', '--timeout', '10']
  const { status } = await capture(python(), pipArguments(['--no-deps', ...quick, `torch==${VERSION}+cpu`]))
  if (status === 0) console.log(`Took the CPU build of libtorch ${VERSION} from the index configured for pip`)
  else rmSync(partial, { recursive: true, force: true })
  return status === 0
}

const pipArguments = (rest) => [
  ...['-m', 'pip', 'install', '--target', partial, '--no-input', '--no-compile'],
  ...['--progress-bar', 'off', '--disable-pip-version-check', ...rest],
]

async function pip(rest) {
  const began = performance.now()
  const alive = setInterval(() => console.log(`  still installing after ${seconds(began)}`), 15_000)
  const onLine = (line) =>
    /^\s*(Downloading|Using cached|Installing)/.test(line) && console.log(`  ${line.trim()}`)
  const { status, output } = await capture(python(), pipArguments(rest), { onLine })
  clearInterval(alive)
  if (status === 0) return
  rmSync(partial, { recursive: true, force: true })
  throw new StepError(
    `pip could not install libtorch:\n${output.trim()}\n` +
      'Or set LIBTORCH to the folder of a libtorch 2.11 to 2.15 (the torch folder of a PyTorch installation), or ' +
      'BEIT_PYTHON to a Python that has torch.',
  )
}
