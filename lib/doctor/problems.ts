/** What is wrong on a machine, and what to do about it. */
import { NO_NVIDIA_DRIVER } from '../binding.js'
import type { DoctorReport } from '../doctor.js'
import { setupCommands } from '../installation.js'
import { cudaRemedy, libtorchRemedy } from '../libtorch.js'

/** Something that is wrong with a machine or an installation. */
export interface Problem {
  /** What is wrong. */
  what: string
  /** What to do about it. */
  remedy: string
  /** Nothing works until it is put right; otherwise something is slower or missing. */
  fatal: boolean
}

export function problemsOf({
  node,
  addon,
  libtorch,
  memory,
  cpu,
}: Omit<DoctorReport, 'problems'>): Problem[] {
  const problems: Problem[] = []
  const add = (fatal: boolean, what: string, remedy: string) => problems.push({ what, remedy, fatal })
  const [major = 0, minor = 0] = node.version.slice(1).split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    add(true, `Node.js ${node.version} is too old`, 'install Node.js 20.19 or newer')
  }
  if (libtorch.found === null) {
    add(true, 'no libtorch can be used', libtorchRemedy())
  }
  if (addon.kind === null) add(true, 'the addon is not built', `run ${setupCommands.setup}`)
  if (addon.problem !== null)
    add(true, `the addon does not load: ${addon.problem}`, `run ${setupCommands.build}`)

  const { loaded } = addon
  if (loaded === null) return problems
  if (!loaded.nativeJpeg) {
    add(
      false,
      'JPEG files are decoded by sharp, at about a third of the speed',
      "install libjpeg-turbo's headers (libjpeg-dev, libjpeg-turbo-devel or jpeg-turbo), delete build/ and run " +
        setupCommands.build,
    )
  }
  if (loaded.threads < cpu.processors && process.env.OMP_NUM_THREADS) {
    add(
      false,
      `libtorch uses ${loaded.threads} of ${cpu.processors} processors: OMP_NUM_THREADS is ${process.env.OMP_NUM_THREADS}`,
      'unset it, unless that is meant',
    )
  }
  const { cudaProblem } = loaded
  if (cudaProblem !== null && cudaProblem !== NO_NVIDIA_DRIVER && libtorch.found !== null) {
    add(false, `the GPU cannot be used: ${cudaProblem}`, cudaRemedy(libtorch.found))
  }
  if (memory.totalBytes < 4e9) {
    add(false, 'less than 4 GB of memory', 'keep to the tiny presets and small batches')
  }
  return problems
}
