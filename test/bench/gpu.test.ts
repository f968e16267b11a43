/** What `npm run gpu` runs and says of it, from results that were made up: no GPU is needed. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import type { Outcome } from '../../bench/performance/comparison.js'
import { type GpuResult, gpuResult, gpuRuns, gpuTable } from '../../bench/performance/gpu.js'
import {
  OURS_BF16,
  OURS_GRAPHS,
  PEER_BF16_ALL,
  PEER_COMPILED_BF16,
} from '../../bench/performance/pretraining.js'
import { published } from '../../bench/performance/sizes.js'
import { native } from '../../lib/binding.js'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('npm run gpu')
const GIB = 2 ** 30
const TESTS = { passed: 20, failed: 0, skipped: 1 }
const PRESET = 'beit_base_patch16_224'

const outcome = (name: string, seconds: number): Outcome => ({
  name,
  versions: {},
  firstSeconds: 1,
  seconds: [seconds, seconds, seconds],
  losses: [],
  peak: { resident: 0, device: 0 },
})

/** Batches of 256 at `rate` images a second, on a GPU that does as `rates` says; peers at theirs, null: missing. */
function result(rate: number, eager: number | null, compiled: number | null): GpuResult {
  const ours = { ...outcome(OURS_BF16.name, 256 / rate), rates: { arithmetic: 790e12, memory: 4.3e12 } }
  const facts = {
    size: published(PRESET, 256),
    device: 'cuda:0',
    images: '',
    parameters: 91.97e6,
    equality: null,
  }
  const group = (name: string, other: number | null) => ({
    outcomes: other === null ? [ours] : [ours, outcome(name, 256 / other)],
    failed: other === null ? [{ name, reason: 'there is no torch' }] : [],
  })
  return {
    preset: PRESET,
    batchSize: 256,
    pretraining: { ...facts, groups: [group(PEER_BF16_ALL.name, eager)] },
    compiled: { ...facts, groups: [group(PEER_COMPILED_BF16.name, compiled)] },
  }
}

/** Cells of the lines of a table, its head left out. */
const cells = (table: string) =>
  table
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )

test('the batches fill what two programs may have of the memory', () => {
  const sizes = (memory: number) => gpuRuns('cuda:0', memory * GIB, 'out').map(({ batchSize }) => batchSize)
  equal(sizes(80), [256, 64])
  equal(sizes(140), [512, 128])
  equal(sizes(8), [4, 1])
  const [run] = gpuRuns('cuda:0', 80 * GIB, 'out')
  equal(run?.arguments.slice(0, 9), [
    ...['machine', 'pretraining', 'compiled', '--device', 'cuda:0'],
    ...['--model', PRESET, '--batch-size', '256'],
  ])
})

test('each figure beside its bars', () => {
  const [tests, rate, floor, eager, compiled] = cells(gpuTable(TESTS, [result(2500, 1400, 2400)]))
  equal(tests, ['tests', '', '20 passed, 0 failed, 1 skipped', 'none fails: met', ''])
  equal(rate?.slice(1, 3), ['images/s', '2500'])
  // The floor of docs: 245 us an image less what pooling and ReLU take, so a little above 4,081 images a second.
  const least = Number(/\((\d+) images/.exec(floor?.[1] ?? '')?.[1])
  ok(least > 4081 && least < 4600, `${least}`)
  equal(floor?.slice(2), [`${((100 * 2500) / least).toFixed(1)} %`, '50.0 %: met', '65.0 %: missed'])
  equal(eager?.slice(2), ['1.79 (1.79 to 1.79)', '1.5: met', '2.0: missed'])
  equal(compiled?.slice(2), ['1.04 (1.04 to 1.04)', '1.0: met', '1.2: missed'])
})

test('what CUDA graphs bring is a line without a bar, where they were timed', () => {
  const timed = (outcomes: Outcome[], failed: { name: string; reason: string }[]) => {
    const given = result(2500, 1400, 2400)
    const groups = [...(given.pretraining?.groups ?? []), { outcomes, failed }]
    return cells(gpuTable(TESTS, [{ ...given, pretraining: { ...given.pretraining, groups } as never }]))[5]
  }
  const [plain, graphs] = [outcome(OURS_BF16.name, 0.12), outcome(OURS_GRAPHS.name, 0.1)]
  equal(timed([plain, graphs], [])?.slice(1), ['with CUDA graphs', '1.20 times as fast', '', ''])
  const failed = [{ name: OURS_GRAPHS.name, reason: 'it ended' }]
  is(timed([plain], failed)?.[2], 'missing: it ended')
  is(timed([plain], []), undefined)
})

test('what is reached exactly is met, what is a little below is missed', () => {
  const [, , , eager, compiled] = cells(gpuTable(TESTS, [result(3000, 1500, 3003)]))
  equal(eager?.slice(3), ['1.5: met', '2.0: met'])
  equal(compiled?.slice(3), ['1.0: missed', '1.2: missed'])
})

test('a peer that is not there is named with its reason, and so are failures', () => {
  const lines = cells(gpuTable({ ...TESTS, failed: 2 }, [result(3000, null, null)]))
  equal(lines[0]?.[3], 'none fails: missed')
  for (const line of lines.slice(3)) is(line[2], 'missing: there is no torch')
  equal(lines[3]?.slice(3), ['1.5: not measured', '2.0: not measured'])
  const none = { preset: PRESET, batchSize: 8, pretraining: null, compiled: null }
  match(gpuTable(TESTS, [none]), /the benchmark +\| failed: its message is above/)
  const half = cells(gpuTable(TESTS, [{ ...result(3000, 1500, 3000), compiled: null }]))
  is(half[4]?.[2], 'missing: the benchmark has failed')
})

test('results are read from where the benchmark writes them', () => {
  const output = temporary()
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      join(packageRoot, 'dist', 'bench', 'performance', 'main.js'),
      ...['pretraining', '--smoke', '--rounds', '1', '--output', output],
    ],
    { encoding: 'utf8', env: { ...process.env, BEIT_PYTHON: join(output, 'no-python') } },
  )
  is(status, 0, stderr)
  const { pretraining, compiled } = gpuResult({ preset: 'smoke', batchSize: 2, output, arguments: [] })
  is(compiled, null)
  const table = cells(gpuTable(TESTS, [{ preset: 'smoke', batchSize: 2, pretraining, compiled }]))
  ok(Number(table[1]?.[2]) > 0)
  match(table[2]?.[2] ?? '', /^[\d.]+ %$/)
  match(table[3]?.[2] ?? '', /^missing: /)
})

test('the rates of a device are those of its products and copies', async () => {
  const { arithmetic, memory } = await native().deviceRates('cpu', 64, 1 << 16)
  ok(arithmetic > 1e6 && arithmetic < 1e15, `${arithmetic}`)
  ok(memory > 1e6 && memory < 1e15, `${memory}`)
})

test.run()
