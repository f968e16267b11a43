// What a test run prints: a line a file as it goes, then the slowest files, skips by their reason, and the
// totals.

/** @param {import('./test_files.mjs').FileReport} report */
export function printFile({ file, seconds, passed, failed, skipped, output }) {
  const counts = [`${passed} passed`]
  if (failed > 0) counts.push(`${failed} failed`)
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`)
  console.log(`${failed > 0 ? 'FAILED' : 'ok    '}  ${file}  ${counts.join(', ')}  ${seconds.toFixed(1)} s`)
  if (failed > 0) console.log(`${output}\n`)
}

/**
 * The last line is `N passed, N failed, N skipped`; the exit status is 1 when something failed or nothing
 * ran.
 * @returns {{ passed: number, failed: number, skipped: number }}
 */
export function printSummary(reports) {
  printSlowest(reports)
  printSkips(reports.flatMap((report) => report.skipped))
  const bad = reports.filter((report) => report.failed > 0).map((report) => report.file)
  if (bad.length > 0) console.log(`\nFailed: ${bad.join(', ')}`)
  const sum = (count) => reports.reduce((total, report) => total + count(report), 0)
  if (bad.length > 0 || reports.length === 0) process.exitCode = 1
  const totals = {
    passed: sum((report) => report.passed),
    failed: sum((report) => report.failed),
    skipped: sum((report) => report.skipped.length),
  }
  console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  return totals
}

function printSlowest(reports) {
  if (reports.length <= 5) return
  const total = reports.reduce((time, report) => time + report.seconds, 0)
  console.log(`\nSlowest of ${reports.length} files, ${total.toFixed(0)} s in all`)
  for (const { file, seconds } of reports.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5)) {
    console.log(`${seconds.toFixed(1).padStart(8)} s  ${file}`)
  }
}

function printSkips(skips) {
  for (const reason of new Set(skips.map((skip) => skip.reason))) {
    const names = skips.filter((skip) => skip.reason === reason).map((skip) => skip.name)
    console.log(`\nSkipped ${names.length}: ${reason}\n  ${names.join('\n  ')}`)
  }
}
