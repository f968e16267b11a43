/**
 * uvu with the guards it lacks. uvu swallows what a hook throws and exits 0, knows no time limit and hides
 * skips. Here every test has a time limit, skips name their reason, and a file fails unless it registered
 * tests and each of them passed or was skipped. Hooks are left out on purpose: set-up belongs inside the
 * tests.
 *
 * At the end of the process the file prints one line for scripts/test.mjs: `#result {json}` ({@link
 * FileResult}).
 */
import { suite as uvuSuite } from 'uvu'

/** What a test file did, as scripts/test.mjs reads it. */
export interface FileResult {
  passed: number
  failed: number
  skipped: { name: string; reason: string }[]
  /** Why the file as a whole is wrong, beside the tests that failed. */
  problems: string[]
}

export interface Suite {
  (name: string, body: () => unknown): void
  (name: string, options: TestOptions, body: () => unknown): void
  /** Skips the test, loudly, when `reason` is a string. */
  skipIf(reason: string | null, name: string, body: () => unknown): void
  skipIf(reason: string | null, name: string, options: TestOptions, body: () => unknown): void
  /** The last line of a group of tests. */
  run(): void
}

export interface TestOptions {
  /** Time limit in milliseconds; 60,000 unless told. */
  timeout?: number
}

const result: FileResult = { passed: 0, failed: 0, skipped: [], problems: [] }
let registered = 0
let suites = 0
let timedOut = false

/** `node dist/test/….test.js TEXT` runs only the tests whose name holds TEXT. */
const filter = process.argv[2] ?? ''

/**
 * A group of tests; a file may have several.
 *
 * @example
 * const test = suite('blockwise mask')
 * test('never masks more than asked', async () => { ... })
 * test.skipIf(golden('x.safetensors') ? null : 'no golden data', 'equals the original', async () => { ... })
 * test.run()
 */
export function suite(name: string, defaults: TestOptions = {}): Suite {
  suites++
  const underlying = uvuSuite(name)

  const register = (reason: string | null, title: string, rest: [TestOptions | Body, Body?]) => {
    const [options, body] = typeof rest[0] === 'function' ? [{}, rest[0]] : [rest[0], rest[1] as Body]
    registered++
    const skipped = reason ?? (title.includes(filter) ? null : `name does not hold '${filter}'`)
    if (skipped !== null) {
      result.skipped.push({ name: `${name}: ${title}`, reason: skipped })
      return
    }
    const limit = options.timeout ?? defaults.timeout ?? 60_000
    underlying(title, () => counted(body, limit))
  }

  const test = (title: string, ...rest: [TestOptions | Body, Body?]) => register(null, title, rest)
  test.skipIf = (reason: string | null, title: string, ...rest: [TestOptions | Body, Body?]) =>
    register(reason, title, rest)
  test.run = () => underlying.run()
  return test as Suite
}

type Body = () => unknown

async function counted(body: Body, limit: number): Promise<void> {
  try {
    await withTimeLimit(body, limit)
    result.passed++
  } catch (error) {
    result.failed++
    // uvu itself fails, silently, on what is not an Error.
    throw error instanceof Error ? error : new Error(`thrown: ${String(error)}`)
  }
}

async function withTimeLimit(body: Body, limit: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      timedOut = true
      reject(new Error(`took longer than its time limit of ${limit} ms`))
    }, limit)
  })
  try {
    await Promise.race([body(), late])
  } finally {
    clearTimeout(timer)
    // What hangs still holds the event loop; once every test has reported, nothing is worth waiting for.
    if (timedOut && result.passed + result.failed + 1 >= registered - result.skipped.length) {
      setTimeout(() => process.exit(1), 200)
    }
  }
}

process.on('exit', () => {
  const unfinished = registered - result.passed - result.failed - result.skipped.length
  if (suites === 0 || registered === 0) result.problems.push('the file registers no test')
  if (unfinished > 0) {
    result.problems.push(`${unfinished} of ${registered} tests did not finish (is test.run() the last line?)`)
    result.failed += unfinished
  }
  for (const { name, reason } of result.skipped) console.log(`  skipped: ${name} (${reason})`)
  for (const problem of result.problems) console.log(`  problem: ${problem}`)
  console.log(`#result ${JSON.stringify(result)}`)
  if (result.failed > 0 || result.problems.length > 0) process.exitCode ||= 1
})
