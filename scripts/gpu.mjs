// npm run gpu: the tests under test/gpu on a CUDA device, then the benchmark there, and one table of both. Builds
// against the libtorch that the machine has (LIBTORCH, or the torch of its Python), and benchmarks beside the
// PyTorch of BEIT_PYTHON. Without a GPU every test is skipped, nothing is measured and the exit status is 0.
//
//   npm run gpu [-- --cuda] [PATTERN...]
//     --cuda    install a libtorch with its CUDA libraries where there is none
//     PATTERN   only the test files whose path holds it, without the benchmark
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { setup } from './setup.mjs'
import { printFile, printSummary } from './steps/report.mjs'
import { main, root } from './steps/run.mjs'
import { runTestFile, testFiles } from './steps/test_files.mjs'

const compiled = (...path) => join(root, 'dist', ...path)

await main(async () => {
  const { values, positionals } = parseArgs({
    options: { cuda: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  // The kernels of native/cuda need an nvcc, which is worth a download only where there is a GPU.
  const libtorch = await setup({ ...values, nvcc: existsSync('/dev/nvidiactl') })
  const env = { ...process.env, LIBTORCH: libtorch.folder }
  const { cudaProblem, devices } = await import(pathToFileURL(compiled('lib', 'device.js')).href)
  const problem = await cudaProblem()
  const [, ...gpus] = problem === null ? await devices() : [null]
  for (const { name, model } of gpus) console.log(`${name}: ${model}`)
  if (problem !== null) console.log(`No GPU to test on: ${problem}`)
  const reports = []
  for (const file of testFiles('gpu', positionals)) {
    const report = await runTestFile(file, env)
    printFile(report)
    reports.push(report)
  }
  const tests = printSummary(reports)
  if (gpus.length === 0) console.log('\nThe benchmark is left out: there is no GPU.')
  else if (positionals.length === 0) await benchmark(gpus[0], tests, env)
})

/** Leaves its results, and the table as gpu.md, in runs/gpu. */
async function benchmark({ name, memoryBytes }, tests, env) {
  const output = join(root, 'runs', 'gpu')
  const { gpuResult, gpuRuns, gpuTable } = await import(
    pathToFileURL(compiled('bench', 'performance', 'gpu.js')).href
  )
  // What an earlier run has left is not taken for a result of this one.
  await rm(output, { recursive: true, force: true })
  await mkdir(output, { recursive: true })
  const runs = gpuRuns(name, memoryBytes, output)
  for (const run of runs) {
    console.log(`\nBenchmark of ${run.preset}, ${run.batchSize} images a batch`)
    const program = compiled('bench', 'performance', 'main.js')
    const { status } = spawnSync(process.execPath, [program, ...run.arguments], { stdio: 'inherit', env })
    if (status !== 0) process.exitCode = 1
  }
  const table = gpuTable(tests, runs.map(gpuResult))
  await writeFile(join(output, 'gpu.md'), `${table}\n`)
  console.log(`\n${table}`)
}
