/** The benchmark works, at the smallest sizes: nothing here says what is fast. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { intoDocument } from '../../bench/performance/document.js'
import type { GrowthResult } from '../../bench/performance/growth.js'
import type { LoadingResult } from '../../bench/performance/loading.js'
import type { OperationResult } from '../../bench/performance/operations.js'
import type { PieceResult } from '../../bench/performance/pieces.js'
import type { PretrainingResult } from '../../bench/performance/pretraining.js'
import { data, missing } from '../support/golden.js'
import { packageRoot } from '../support/paths.js'
import { pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('npm run bench', { timeout: 180_000 })
const python = process.env.BEIT_TEST_PYTHON ?? process.env.BEIT_PYTHON ?? 'python3'

/** Runs a part at its smallest; gives the folder it wrote. */
function bench(part: string): string {
  const output = temporary()
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(packageRoot, 'dist', 'bench', 'performance', 'main.js'),
      ...[part, '--smoke', '--rounds', '1', '--output', output],
    ],
    { encoding: 'utf8', env: { ...process.env, BEIT_PYTHON: python } },
  )
  is(status, 0, `${stdout}${stderr}`)
  return output
}

const resultOf = <Result>(folder: string, part: string): Result =>
  JSON.parse(readFileSync(join(folder, `${part}.json`), 'utf8'))

test.skipIf(
  pythonLacks('torch', 'transformers', 'safetensors'),
  'the step of PyTorch has the same losses and tokens',
  () => {
    const folder = bench('pretraining')
    const { groups, equality } = resultOf<PretrainingResult>(folder, 'pretraining')
    equal(
      groups.map(({ outcomes, failed }) => [outcomes.length, failed.length]),
      [
        [4, 0],
        [4, 0],
      ],
    )
    const [ours, peer] = equality?.outcomes ?? []
    ok(ours && peer)
    is(peer.losses.length, 3)
    for (const [step, loss] of peer.losses.entries()) {
      const relative = Math.abs((ours.losses[step] as number) / loss - 1)
      ok(relative <= 1e-5, `step ${step}: loss ${ours.losses[step]}, of PyTorch ${loss}`)
    }
    const [exact, half, plainPeer] = groups[0]?.outcomes ?? []
    equal(exact?.tokens, plainPeer?.tokens)
    ok(new Set(plainPeer?.tokens).size > 1)
    ok(Math.abs((half?.losses[0] as number) / (exact?.losses[0] as number) - 1) <= 1e-2)
    for (const { outcomes } of groups) {
      for (const { seconds, peak } of outcomes) ok(seconds.every((one) => one > 0) && peak.resident > 10)
    }
    match(readFileSync(join(folder, 'pretraining.md'), 'utf8'), /\| PyTorch fp32 eager \|/)
  },
)

test('without a peer our side is measured, and what is missing is named', () => {
  const output = temporary()
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      join(packageRoot, 'dist', 'bench', 'performance', 'main.js'),
      ...['pretraining', '--smoke', '--rounds', '1', '--output', output],
    ],
    { encoding: 'utf8', env: { ...process.env, BEIT_PYTHON: join(output, 'no-python') } },
  )
  is(status, 0, stdout)
  const { groups } = resultOf<PretrainingResult>(output, 'pretraining')
  equal(
    groups[0]?.failed.map(({ name }) => name),
    ['PyTorch fp32 eager', 'PyTorch bf16 autocast'],
  )
  match(readFileSync(join(output, 'pretraining.md'), 'utf8'), /PyTorch fp32 eager is missing/)
})

test('operations, pieces, loading and growth', () => {
  const operations = resultOf<OperationResult[]>(bench('operations'), 'operations')
  ok(operations.length > 0 && operations.every(({ plain, fast }) => plain > 0 && fast > 0))
  const pieces = resultOf<PieceResult[]>(bench('pieces'), 'pieces')
  ok(pieces.length === 4 && pieces.every((piece) => piece.without > 0 && piece.with > 0))
  const { rates, late, steps } = resultOf<LoadingResult>(bench('loading'), 'loading')
  ok(rates.one.length === 1 && late.length > 0)
  ok([rates.two, ...steps.flatMap(({ disk, memory }) => [disk, memory])].every(([first = 0]) => first > 0))
  const folder = bench('growth')
  const { points } = resultOf<GrowthResult>(folder, 'growth')
  equal(
    points.map(({ threads, batchSize }) => [threads, batchSize]),
    [
      [2, 1],
      [2, 2],
      [1, 1],
      [1, 2],
    ],
  )
  ok(existsSync(join(folder, 'growth.svg')))
})

test.skipIf(missing(data('photos')), 'the loss of a few steps in fp32 and bf16', () => {
  const losses = resultOf<Record<string, number[]>>(bench('loss'), 'loss')
  equal(
    Object.values(losses).map(({ length }) => length),
    [3, 3, 3],
  )
})

test('a table goes between its lines of a document', async () => {
  const path = join(temporary(), 'document.md')
  await writeFile(path, 'before\n<!-- bench: a -->\n\nold\n\n<!-- end of a -->\nafter\n')
  await intoDocument(path, 'a', 'new')
  is(readFileSync(path, 'utf8'), 'before\n<!-- bench: a -->\n\nnew\n\n<!-- end of a -->\nafter\n')
  const failure = await intoDocument(path, 'b', 'new').catch((error) => error)
  match(failure.message, /has no lines '<!-- bench: b -->'/)
})

test.run()
