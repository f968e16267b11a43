// Runs test files, one child process each: a native crash is told from a failed assertion and stays with its
// file.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

/** A file that takes longer is killed. Each test has a limit of its own (test/support/suite.ts). */
const FILE_LIMIT_MS = 300_000

/**
 * @typedef {object} FileReport
 * @property {string} file
 * @property {number} seconds
 * @property {number} passed
 * @property {number} failed
 * @property {{ name: string, reason: string }[]} skipped
 * @property {string} output shown where something failed
 */

/**
 * Test files under test/FOLDER whose path holds one of the patterns. Listed from the sources: dist may hold
 * more.
 */
export function testFiles(folder, patterns = []) {
  return readdirSync(join(root, 'test', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join('test', folder, file))
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
    .sort()
}

/** @returns {Promise<FileReport>} */
export function runTestFile(file, env) {
  const began = performance.now()
  const compiled = join(root, 'dist', file.replace(/\.ts$/, '.js'))
  return new Promise((resolve) => {
    // A process group of its own: what the test started ends with it at the time limit.
    const child = spawn(process.execPath, ['--expose-gc', '--enable-source-maps', compiled], {
      cwd: root,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let late = false
    child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    const timer = setTimeout(() => {
      late = true
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, FILE_LIMIT_MS)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve(judge(file, (performance.now() - began) / 1000, output, late, status, signal))
    })
  })
}

/** What the file reported, made worse where its process did not end as it should. */
function judge(file, seconds, output, late, status, signal) {
  const line = output.split('\n').findLast((text) => text.startsWith('#result '))
  const { passed = 0, failed = 0, skipped = [] } = line ? JSON.parse(line.slice('#result '.length)) : {}
  const problem = late
    ? `took longer than ${FILE_LIMIT_MS / 1000} s and was killed`
    : signal
      ? `its process was killed by ${signal}`
      : !line
        ? 'reported no result: does it use test/support/suite.ts?'
        : status !== 0 && failed === 0
          ? `its process ended with status ${status}`
          : null
  const shown = output.replace(/^#result .*\n?/gm, '').trim()
  return {
    file,
    seconds,
    passed,
    failed: failed + (problem === null ? 0 : 1),
    skipped,
    output: problem === null ? shown : `${shown}\n  problem: ${problem}`,
  }
}
