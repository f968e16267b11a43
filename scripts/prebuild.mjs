// An addon for machines without a compiler: prebuilds/PLATFORM-ARCH/, made by prebuildify from what
// CMakeLists.txt builds. lib/binding.ts loads it where nothing was built.
//
//   node scripts/prebuild.mjs
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { provideLibtorch } from './steps/libtorch.mjs'
import { buildNative } from './steps/native.mjs'
import { installPackages } from './steps/packages.mjs'
import { main, root } from './steps/run.mjs'

const release = join(root, 'build', 'Release')

/** What the addon needs beside it: the opener of libtorch, and for which version it was compiled. */
function collectArtifacts() {
  const folder = mkdtempSync(join(tmpdir(), 'beit-prebuild-'))
  mkdirSync(join(folder, 'preload'))
  copyFileSync(join(release, 'preload', 'preload.node'), join(folder, 'preload', 'preload.node'))
  // The folder of libtorch on this machine is nobody else's business.
  const { version } = JSON.parse(readFileSync(join(release, 'libtorch.json'), 'utf8'))
  writeFileSync(join(folder, 'libtorch.json'), `${JSON.stringify({ version })}\n`)
  return folder
}

await main(async () => {
  await installPackages()
  const libtorch = await provideLibtorch()
  await buildNative(libtorch)
  const artifacts = collectArtifacts()
  try {
    const { default: prebuildify } = await import('prebuildify')
    await promisify(prebuildify)({
      cwd: root,
      name: 'beit',
      napi: true,
      targets: [process.versions.node],
      strip: true,
      nodeGyp: join(root, 'scripts', 'steps', 'prebuild_gyp.mjs'),
      artifacts,
    })
  } finally {
    rmSync(artifacts, { recursive: true })
    // prebuildify moves the addon out of build/Release.
    await buildNative(libtorch)
  }
  console.log(`prebuilds/${process.platform}-${process.arch} is for libtorch ${libtorch.version}`)
})
