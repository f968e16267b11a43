import { spawnSync } from 'node:child_process'
import { equal, is, match } from 'uvu/assert'
import { program } from './paths.js'
import { type FileResult, suite } from './suite.js'

const test = suite('suite')

test('a file without tests fails', () => {
  const { status, problems } = run('empty')
  is(status, 1)
  match(problems.join(), 'registers no test')
})

test('a file that forgets run() fails', () => {
  const { status, failed, problems } = run('not run')
  is(status, 1)
  is(failed, 1)
  match(problems.join(), '1 of 1 tests did not finish')
})

test('failures are counted, whatever was thrown', () => {
  const { status, passed, failed } = run('failing')
  equal([status, passed, failed], [1, 1, 2])
})

test('a test that hangs fails at its time limit, and the process ends', () => {
  const { status, failed } = run('hanging')
  equal([status, failed], [1, 1])
})

test('a test that ends the process fails with all that come after it', () => {
  const { status, failed } = run('exiting')
  equal([status, failed], [1, 2])
})

test('skips are counted and name their reason', () => {
  const { status, passed, skipped } = run('skipping')
  equal([status, passed], [0, 1])
  equal(skipped, [{ name: 'skipping: howls', reason: 'no moon' }])
})

test.run()

function run(name: string): FileResult & { status: number | null } {
  const { status, stdout } = spawnSync(process.execPath, [program('support/programs/suite_cases.js')], {
    encoding: 'utf8',
    env: { ...process.env, SUITE_CASE: name },
    timeout: 20_000,
  })
  const line = stdout.split('\n').find((text) => text.startsWith('#result ')) ?? '#result {}'
  return { status, ...JSON.parse(line.slice('#result '.length)) }
}
