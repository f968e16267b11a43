// Makes a fresh clone ready: npm packages, TypeScript, libtorch, the addon. Does only what is missing or
// stale; a second run takes a second.
//
//   npm run setup [-- --cuda] [--nvcc]
//     --cuda   with the CUDA libraries of libtorch, for a machine with an NVIDIA GPU, and all that --nvcc does
//     --nvcc   with the CUDA compiler where the machine has none: the CUDA kernels are compiled, though no GPU runs them
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { provideLibtorch } from './steps/libtorch.mjs'
import { buildNative } from './steps/native.mjs'
import { provideNvcc } from './steps/nvcc.mjs'
import { installPackages } from './steps/packages.mjs'
import { checkPrerequisites } from './steps/prerequisites.mjs'
import { isMain, main, root, seconds } from './steps/run.mjs'
import { compileTypeScript } from './steps/typescript.mjs'

/** @returns the libtorch that the addon was built with */
export async function setup({ cuda = false, nvcc = false } = {}) {
  // Before anything is downloaded. Where the addon is built already, each step checks what it needs itself.
  if (!existsSync(join(root, 'build', 'Release', 'beit.node'))) {
    await checkPrerequisites({ python: !process.env.LIBTORCH })
  }
  await installPackages()
  await compileTypeScript()
  const libtorch = await provideLibtorch({ cuda })
  if (cuda || nvcc) await provideNvcc()
  await buildNative(libtorch, { cuda: cuda || nvcc })
  return libtorch
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const { values } = parseArgs({
      options: { cuda: { type: 'boolean', default: false }, nvcc: { type: 'boolean', default: false } },
    })
    const began = performance.now()
    const libtorch = await setup(values)
    console.log(
      `Ready (${seconds(began)}): libtorch ${libtorch.version} in ${libtorch.folder}, found by ${libtorch.foundBy}`,
    )
  })
}
