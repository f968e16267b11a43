/** The CUDA kernels as plain C++ (test/cuda/emulator), on tensors of the CPU: no GPU is needed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { packageRoot } from '../support/paths.js'

const library = join(packageRoot, 'build', 'cmake', 'Release', 'beit_cuda_emulated.so')

/** Why the emulated kernels are not there, or null. */
export const notEmulated: string | null = existsSync(library)
  ? null
  : `${library} was not built: the addon is a prebuilt one, or the platform has no emulator`

/** Runs `body` with the emulated kernels; in `reversed` order the last thread of a block goes first. */
export async function emulating<T>(
  body: () => Promise<T>,
  order: 'forward' | 'reversed' = 'forward',
): Promise<T> {
  process.env.BEIT_EMULATOR_ORDER = order
  await native().emulateCudaKernels(library)
  try {
    return await body()
  } finally {
    await native().emulateCudaKernels(null)
  }
}

/** The bits that `run` gives with the emulated kernels: the same in every run and every order of the threads. */
export async function sameBits(run: () => Promise<string>): Promise<string> {
  const first = await emulating(run)
  ok(first.length > 1000)
  is(await emulating(run), first)
  is(await emulating(run, 'reversed'), first)
  return first
}
