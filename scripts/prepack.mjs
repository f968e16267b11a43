// Before npm packs the package: TypeScript is compiled, and which prebuilt addons go along is said.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './steps/packages.mjs'
import { main, root } from './steps/run.mjs'
import { compiled, compileTypeScript } from './steps/typescript.mjs'

await main(async () => {
  await installPackages()
  await compileTypeScript()
  const prebuilds = join(root, 'prebuilds')
  const found = existsSync(prebuilds) ? readdirSync(prebuilds) : []
  const { flavoursIn } = await compiled('addons.js')
  const flavours = found.map(
    (platform) => `${platform} (${flavoursIn(join(prebuilds, platform)).join(', ')})`,
  )
  // Standard output belongs to npm pack --json.
  console.error(`Prebuilt addons: ${flavours.join('; ') || "none ('npm run prebuild-addon' makes one)"}`)
})
