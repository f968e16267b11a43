// npm start: set-up, then the main job on images that it makes itself (examples/03_pretrain_on_a_folder.ts).
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setup } from './setup.mjs'
import { main, root } from './steps/run.mjs'

await main(async () => {
  await setup()
  // In this process, so that Ctrl-C reaches it as it would anywhere.
  await import(pathToFileURL(join(root, 'dist', 'examples', '03_pretrain_on_a_folder.js')).href)
})
