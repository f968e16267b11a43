// Builds what is stale: TypeScript, then the addon. What is missing is installed first, as by setup.mjs.
//
//   node scripts/build.mjs [--output DIR]     DIR: where the addon goes, build/Release unless told (binding.gyp)
import { parseArgs } from 'node:util'
import { provideLibtorch } from './steps/libtorch.mjs'
import { buildNative } from './steps/native.mjs'
import { installPackages } from './steps/packages.mjs'
import { main } from './steps/run.mjs'
import { compileTypeScript } from './steps/typescript.mjs'

await main(async () => {
  const { values } = parseArgs({ options: { output: { type: 'string' } } })
  await installPackages()
  await compileTypeScript()
  await buildNative(await provideLibtorch(), { output: values.output })
})
