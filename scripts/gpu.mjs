// npm run gpu: the tests under test/gpu on a CUDA device. Builds against the libtorch that the machine has
// (LIBTORCH, or the torch of its Python). Without a GPU every test is skipped and the exit status is 0.
//
//   npm run gpu [-- --cuda] [PATTERN...]    --cuda: install a libtorch with its CUDA libraries where there is none
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { setup } from './setup.mjs'
import { printFile, printSummary } from './steps/report.mjs'
import { main, root } from './steps/run.mjs'
import { runTestFile, testFiles } from './steps/test_files.mjs'

await main(async () => {
  const { values, positionals } = parseArgs({
    options: { cuda: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  // The kernels of native/cuda need an nvcc, which is worth a download only where there is a GPU.
  const libtorch = await setup({ ...values, nvcc: existsSync('/dev/nvidiactl') })
  const { cudaProblem, devices } = await import(pathToFileURL(join(root, 'dist', 'lib', 'device.js')).href)
  const problem = await cudaProblem()
  if (problem !== null) console.log(`No GPU to test on: ${problem}`)
  else for (const { name, model } of await devices()) console.log(`${name}: ${model}`)
  const reports = []
  for (const file of testFiles('gpu', positionals)) {
    const report = await runTestFile(file, { ...process.env, LIBTORCH: libtorch.folder })
    printFile(report)
    reports.push(report)
  }
  printSummary(reports)
})
