import { equal, match } from 'uvu/assert'
import { repeat, runProgram } from '../support/child.js'
import { copyPackage } from '../support/copy_package.js'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'

const test = suite('worker threads', { timeout: 120_000 })
const run = (how: string) => runProgram('native/programs/workers.js', [how])

test('terminate() during a job', async () => {
  const ends = await repeat(4, 2, () => run('terminate'))
  equal(
    ends.map(({ status, signal }) => [status, signal]),
    Array(4).fill([0, null]),
  )
})

test('process.exit() of the main thread while workers compute', async () => {
  const ends = await repeat(4, 2, () => run('exit beside workers'))
  equal(
    ends.map(({ status, signal }) => [status, signal]),
    Array(4).fill([7, null]),
  )
})

test('each worker has an engine of its own', async () => {
  const { status, output } = await run('compute side by side')
  equal(
    [status, JSON.parse(output)],
    [
      0,
      [
        [4, 64, 64],
        [8, 64, 64],
        [8, 64, 64],
      ],
    ],
  )
})

test('two copies of the package in one process, which do not take each other’s objects', async () => {
  const copy = copyPackage('dist/lib', 'build/Release')
  const { status, output } = await runProgram('native/programs/two_copies.js', [copy])
  equal(status, 0, output)
  const { two, sizes, refused, below } = JSON.parse(output)
  equal([two, sizes], [true, ['1.5,2.5', '1.5,2.5']])
  match(
    refused,
    `pixels must be a Tensor [B, 3, 32, 32], got a Tensor of another copy of beit-torch, the one in ${packageRoot}`,
  )
  match(below, 'dispose was made by another copy of beit-torch')
})

test.run()
