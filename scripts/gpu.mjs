// npm run gpu: the tests under test/gpu on a CUDA device. Builds against the libtorch that the machine has (its Python's
// torch, or LIBTORCH); with --cuda a local copy with CUDA libraries is installed where there is none. Without a GPU every
// test is skipped and the exit status is 0.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setup } from './setup.mjs'
import { printFile, printSummary } from './steps/report.mjs'
import { main, root } from './steps/run.mjs'
import { runTestFile, testFiles } from './steps/test_files.mjs'

await main(async () => {
  const [install, ...patterns] =
    process.argv[2] === '--cuda' ? process.argv.slice(2) : [null, ...process.argv.slice(2)]
  const libtorch = await setup({ cuda: install !== null })
  const { devices } = await import(pathToFileURL(join(root, 'dist', 'lib', 'device.js')).href)
  const { cuda, problem } = await devices()
  console.log(
    cuda.length > 0 ? `GPUs: ${cuda.map((gpu) => gpu.name).join(', ')}` : `No GPU to test on: ${problem}`,
  )
  const reports = []
  for (const file of testFiles('gpu', patterns)) {
    const report = await runTestFile(file, { ...process.env, LIBTORCH: libtorch.folder })
    printFile(report)
    reports.push(report)
  }
  printSummary(reports)
})
