/**
 * Every byte of small checkpoints of each kind changed four ways, and every length they can be cut off at: the
 * same tensors or a typed error, in bounded time and memory. Where a checksum or a second copy covers every byte,
 * what is read is what was written.
 */
import { equal, ok } from 'uvu/assert'
import { runProgram } from '../support/child.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import type { MutationReport } from './programs/mutate_seeds.js'

const test = suite('mutated checkpoints')

async function mutateAll(): Promise<MutationReport[]> {
  const { status, signal, output } = await runProgram('checkpoint/programs/mutate_seeds.js', [temporary()], {
    flags: ['--expose-gc'],
  })
  equal([status, signal], [0, null], output)
  return JSON.parse(output.split('\n').find((line) => line.startsWith('[{"seed"')) ?? 'null')
}

let run: Promise<MutationReport[]> | undefined
const reports = () => {
  run ??= mutateAll()
  return run
}

test('the same tensors or a typed error', { timeout: 120_000 }, async () => {
  for (const { seed, problems, read, refused, bytes } of await reports()) {
    equal(problems.slice(0, 5), [], `${seed}: ${problems.length} problems`)
    equal(read + refused, 5 * bytes, seed)
    ok(refused > bytes, `${seed}: ${refused} refused, ${read} read`)
  }
})

test('most of what is read is refused where every byte is covered', async () => {
  const covered = (await reports()).filter((report) => report.covered)
  ok(covered.length >= 3)
  // What is read has a change in a field without meaning here: versions of the zip format, attributes, disks.
  for (const { seed, read, bytes } of covered) ok(read < bytes, `${seed}: ${read} of ${5 * bytes} were read`)
})

test('none takes more than a second of the processor', async () => {
  for (const { seed, milliseconds } of await reports()) ok(milliseconds < 1000, `${seed}: ${milliseconds} ms`)
})

test('all together take no more memory than twice the file and 64 MB', async () => {
  for (const { seed, memory, bytes } of await reports()) {
    ok(memory === null || memory < 2 * bytes + 64 * 2 ** 20, `${seed}: ${memory} bytes`)
  }
})

test.run()
