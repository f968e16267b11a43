// npm run bench: times the library beside PyTorch (bench/performance). Needs a Python with torch, transformers and
// safetensors for the peer (BEIT_PYTHON); without one the comparison has our side alone.
//
//   npm run bench [-- ARGUMENTS]      arguments of bench/performance/main.ts
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setup } from './setup.mjs'
import { main, root } from './steps/run.mjs'

await main(async () => {
  const libtorch = await setup()
  const { status } = spawnSync(
    process.execPath,
    [join(root, 'dist', 'bench', 'performance', 'main.js'), ...process.argv.slice(2)],
    { stdio: 'inherit', env: { ...process.env, LIBTORCH: libtorch.folder } },
  )
  process.exitCode = status ?? 1
})
