// Makes a fresh clone ready: npm packages, TypeScript, libtorch, the addon. Does only what is missing or
// stale; a second run takes a second. In an installed package (npx beit setup): libtorch, and the addon where none of
// those that came prebuilt fits.
//
//   npm run setup [-- --cuda] [--nvcc] [--build]
//     --cuda    with the CUDA libraries of libtorch, for a machine with an NVIDIA GPU, and all that --nvcc does
//     --nvcc    with the CUDA compiler where the machine has none: the CUDA kernels are compiled, though no GPU runs them
//     --build   compiles the addon even where a prebuilt one fits
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { provideLibtorch } from './steps/libtorch.mjs'
import { buildNative } from './steps/native.mjs'
import { provideNvcc } from './steps/nvcc.mjs'
import { installPackages } from './steps/packages.mjs'
import { checkPrerequisites } from './steps/prerequisites.mjs'
import { isMain, main, root, seconds } from './steps/run.mjs'
import { compiled, compileTypeScript } from './steps/typescript.mjs'

/** @returns the libtorch that the addon was built with */
export async function setup({ cuda = false, nvcc = false, build = false } = {}) {
  const prebuilt = build ? [] : await prebuiltAddons()
  // Before anything is downloaded. Where there is an addon already, each step checks what it needs itself.
  if (prebuilt.length === 0 && !existsSync(join(root, 'build', 'Release', 'beit.node'))) {
    await checkPrerequisites({ python: !process.env.LIBTORCH })
  }
  await installPackages()
  await compileTypeScript()
  const libtorch = await provideLibtorch({ cuda, prebuilt })
  if (await fits(prebuilt, libtorch)) return libtorch
  if (cuda || nvcc) await provideNvcc()
  await buildNative(libtorch, { cuda: cuda || nvcc })
  return libtorch
}

/** Those of an installed package in which nothing was built; a clone, which has no compiled TypeScript first, builds. */
async function prebuiltAddons() {
  if (existsSync(join(root, 'tsconfig.json'))) return []
  const { findAddons } = await compiled('addons.js')
  return findAddons().filter((addon) => addon.prebuilt)
}

async function fits(prebuilt, { version }) {
  const { minorVersion } = await compiled('libtorch.js')
  return prebuilt.some((one) => minorVersion(one.libtorch.version) === minorVersion(version))
}

if (isMain(import.meta.url)) {
  await main(async () => {
    const { values } = parseArgs({
      options: {
        cuda: { type: 'boolean', default: false },
        nvcc: { type: 'boolean', default: false },
        build: { type: 'boolean', default: false },
      },
    })
    const began = performance.now()
    const libtorch = await setup(values)
    console.log(
      `Ready (${seconds(began)}): libtorch ${libtorch.version} in ${libtorch.folder}, found by ${libtorch.foundBy}`,
    )
  })
}
