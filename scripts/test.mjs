// npm test: set-up, checks, then every test file, one after the other (some of them measure time).
//
//   npm test [-- PATTERN...]     only the test files whose path holds a pattern, without the checks
import { check } from './check.mjs'
import { setup } from './setup.mjs'
import { printFile, printSummary } from './steps/report.mjs'
import { main } from './steps/run.mjs'
import { runTestFile, testFiles } from './steps/test_files.mjs'

await main(async () => {
  const patterns = process.argv.slice(2)
  const libtorch = await setup()
  const reports = patterns.length === 0 ? await checkReports() : []
  // The search was done: the children need not ask Python again.
  const env = { ...process.env, LIBTORCH: libtorch.folder }
  for (const file of testFiles('.', patterns)) {
    const report = await runTestFile(file, env)
    printFile(report)
    reports.push(report)
  }
  printSummary(reports)
})

/** Each check counts as a test. */
async function checkReports() {
  const reports = (await check()).map(({ name, problem, skipped, seconds }) => ({
    file: `check: ${name}`,
    seconds,
    passed: problem === null && !skipped ? 1 : 0,
    failed: problem === null ? 0 : 1,
    skipped: skipped ? [{ name, reason: skipped }] : [],
    output: problem ?? '',
  }))
  for (const report of reports) printFile(report)
  return reports
}
