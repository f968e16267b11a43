// Addons for machines without a compiler: prebuildify makes prebuilds/PLATFORM-ARCH, as lib/addons.ts reads it, of what
// CMakeLists.txt builds. Each run adds the flavour of one minor version of libtorch: of the one found, or of LIBTORCH.
//
//   npm run prebuild-addon [-- --nvcc] [--local] [--output DIR]
//     --nvcc     with the CUDA compiler where the machine has none: a prebuild to be published has the CUDA kernels
//     --local    for this machine: what another lacks, or has too old for it, is not looked at
//     --output   the folder of prebuilds/; the project unless told
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { provideLibtorch } from './steps/libtorch.mjs'
import { buildNative } from './steps/native.mjs'
import { provideNvcc } from './steps/nvcc.mjs'
import { installPackages } from './steps/packages.mjs'
import { binaryNeeds, portabilityProblems } from './steps/portability.mjs'
import { flavours, staging } from './steps/prebuild_stage.mjs'
import { main, root, StepError } from './steps/run.mjs'
import { compiled, compileTypeScript } from './steps/typescript.mjs'

await main(async () => {
  const { values } = parseArgs({
    options: {
      nvcc: { type: 'boolean', default: false },
      local: { type: 'boolean', default: false },
      output: { type: 'string', default: root },
    },
  })
  await installPackages()
  await compileTypeScript()
  const libtorch = await provideLibtorch()
  if (values.nvcc) await provideNvcc()
  await buildNative(libtorch, { cuda: values.nvcc })
  rmSync(staging, { recursive: true, force: true })
  mkdirSync(flavours, { recursive: true })
  const { default: prebuildify } = await import('prebuildify')
  await promisify(prebuildify)({
    cwd: staging,
    out: resolve(values.output),
    name: 'preload',
    napi: true,
    tagLibc: process.platform === 'linux',
    targets: [process.versions.node],
    strip: true,
    nodeGyp: join(root, 'scripts', 'steps', 'prebuild_gyp.mjs'),
    artifacts: flavours,
  })
  rmSync(staging, { recursive: true })
  const folder = join(resolve(values.output), 'prebuilds', `${process.platform}-${process.arch}`)
  const { flavoursIn } = await compiled('addons.js')
  console.log(`${folder} has addons for ${flavoursIn(folder).join(', ')}`)
  if (process.platform === 'linux') await checkBinaries(folder, values.local)
})

/** Names what each needs of a machine; unless it stays on this one, that must be no more than the documents promise. */
async function checkBinaries(folder, local) {
  const problems = []
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(node|so)$/.test(file)) continue
    const needs = await binaryNeeds(join(folder, file))
    console.log(`  ${file}: glibc ${needs.glibc}, GLIBCXX ${needs.glibcxx}, ${needs.libraries.join(' ')}`)
    problems.push(...portabilityProblems(file, needs))
  }
  if (problems.length > 0 && !local) {
    throw new StepError(`These prebuilds would not load everywhere:\n  ${problems.join('\n  ')}`)
  }
}
