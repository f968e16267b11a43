#!/usr/bin/env node
// What prebuildify runs in place of node-gyp: the same build that npm run build makes.
import { provideLibtorch } from './libtorch.mjs'
import { buildNative } from './native.mjs'
import { stage } from './prebuild_stage.mjs'
import { main } from './run.mjs'

await main(async () => {
  const libtorch = await provideLibtorch()
  await buildNative(libtorch)
  await stage(libtorch)
})
