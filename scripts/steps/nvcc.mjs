// The CUDA compiler from wheels, for machines without a CUDA toolkit: it compiles the kernels of native/cuda, also
// where no GPU can run them. Into .nvcc, where CMakeLists.txt looks.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { python } from './prerequisites.mjs'
import { capture, must, root, seconds } from './run.mjs'

/** Of the CUDA version that libtorch 2.13 is built with; one call, since pip does not merge nvidia/ folders. */
const WHEELS = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-cuda-runtime~=13.0.0',
  'nvidia-cuda-cccl~=13.0.0',
]

const target = join(root, '.nvcc')

/** Installs nvcc unless the machine has one. Linux x64 only, as the wheels are. */
export async function provideNvcc() {
  if (existsSync(target) || (await capture('nvcc', ['--version'])).status === 0) return
  const began = performance.now()
  const partial = join(root, '.nvcc.partial')
  rmSync(partial, { recursive: true, force: true })
  const flags = [
    '--no-deps',
    '--no-input',
    '--no-compile',
    '--progress-bar',
    'off',
    '--disable-pip-version-check',
  ]
  await must('Installing nvcc', python(), ['-m', 'pip', 'install', '--target', partial, ...flags, ...WHEELS])
  // Only a whole copy ever has the name that the build looks at.
  renameSync(partial, target)
  console.log(`nvcc installed into .nvcc in ${seconds(began)}`)
}
