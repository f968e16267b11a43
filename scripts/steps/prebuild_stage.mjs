// What prebuildify finds in the place of node-gyp's output. It takes one .node, which becomes the one that node-gyp-build
// chooses by platform: the opener of libtorch. The addon, of which there is one for each libtorch, goes along as an
// artifact, with its CUDA libraries. In a folder apart, since prebuildify moves what it takes.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CUDA_PRODUCTS } from './native.mjs'
import { must, root } from './run.mjs'
import { compiled } from './typescript.mjs'

const release = join(root, 'build', 'Release')

/** Where prebuildify runs. */
export const staging = join(root, 'build', 'prebuild')
/** Its artifacts: a folder for each flavour. */
export const flavours = join(staging, 'flavours')

/** Copies the addon of build/Release, and what belongs to it. */
export async function stage({ version }) {
  const output = join(staging, 'build', 'Release')
  const { minorVersion } = await compiled('libtorch.js')
  const flavour = join(flavours, `libtorch-${minorVersion(version)}`)
  for (const folder of [output, flavour]) mkdirSync(folder, { recursive: true })
  copyFileSync(join(release, 'preload', 'preload.node'), join(output, 'preload.node'))
  for (const name of ['beit.node', ...CUDA_PRODUCTS]) {
    if (!existsSync(join(release, name))) continue
    copyFileSync(join(release, name), join(flavour, name))
    // prebuildify strips its own .node only.
    const flag = process.platform === 'darwin' ? '-Sx' : '--strip-all'
    await must('strip', 'strip', [flag, join(flavour, name)])
  }
  // The folder of libtorch on this machine is nobody else's business.
  writeFileSync(join(flavour, 'libtorch.json'), `${JSON.stringify({ version })}\n`)
}
