/** beit verify: one line a problem, and the exit code. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { saveRunCheckpoint } from '../../lib/checkpoint/run_checkpoint.js'
import { writeCheckpoint } from '../../lib/checkpoint/write_checkpoint.js'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit verify')

const verify = (...args: string[]) => runBeit(['verify', ...args])

async function pth(numbers: number[]): Promise<string> {
  const path = join(temporary(), 'weights.pth')
  await writeCheckpoint(path, new Map([['weight', Tensor.from(numbers)]]), { data: { epoch: 1 } })
  return path
}

test('a whole file: 0, and what was read', async () => {
  const path = await pth([1, 2, 3])
  const { code, stdout } = await verify(path)
  assert.is(code, 0)
  assert.match(stdout, /^whole: .*weights\.pth \(1 tensors, 12 B, \d+ checksums\)\n$/)
})

test('a changed bit: 1, the rule, and the tensor', async () => {
  const path = await pth([1, 2, 3])
  const bytes = readFileSync(path)
  const at = bytes.indexOf(Buffer.from(new Float32Array([1, 2, 3]).buffer))
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(path, bytes)
  const { code, stdout } = await verify(path)
  assert.is(code, 1)
  const [problem, summary, end] = stdout.split('\n')
  assert.match(problem as string, /CRC-32 is 0x\w+, expected 0x\w+ \(tensor 'weight'\)$/)
  assert.equal([summary, end], [`failed: ${path}, one problem`, ''])
})

test('NaN and infinity are a problem when they are looked for', async () => {
  const path = await pth([Number.NaN, 1, -Infinity, Number.NaN])
  assert.is((await verify(path)).code, 0)
  const { code, stdout } = await verify(path, '--finite')
  assert.is(code, 1)
  assert.match(stdout, /tensor 'weight' has 2 NaN and 1 infinite numbers\n/)
})

test('a run: every checkpoint against its manifest, all problems of it', async () => {
  const run = temporary()
  const checkpoints = join(run, 'checkpoints')
  const weights = (path: string) => writeCheckpoint(path, new Map([['weight', Tensor.from([1, 2])]]))
  const files = { 'model.safetensors': weights, 'state.safetensors': weights }
  for (const step of [1, 2]) await saveRunCheckpoint(checkpoints, step, { step }, files)
  const whole = await verify(run)
  assert.is(whole.code, 0, whole.stderr)
  assert.match(
    whole.stdout,
    /^whole: .*step-00000001 \(2 tensors, 16 B, 3 checksums\)\nwhole: .*step-00000002/,
  )

  const second = join(checkpoints, 'step-00000002')
  const model = readFileSync(join(second, 'model.safetensors'))
  model[model.length - 1] = 9
  writeFileSync(join(second, 'model.safetensors'), model)
  writeFileSync(join(second, 'state.safetensors'), model.subarray(0, model.length - 1))
  writeFileSync(join(second, 'state.json'), '{')
  const { code, stdout } = await verify(run)
  assert.is(code, 1)
  for (const problem of [
    /model\.safetensors is damaged: its SHA-256 is not the one in the manifest\n/,
    /state\.safetensors has \d+ bytes, its manifest says \d+\n/,
    /state\.json has 1 bytes, its manifest says \d+\n/,
    /state\.json cannot be read: .*JSON/,
    /failed: .*step-00000002, 5 problems\n$/,
  ]) {
    assert.match(stdout, problem)
  }
  assert.match(stdout, /^whole: .*step-00000001/)
})

test('what cannot be read at all is an error, and what is no checkpoint a problem', async () => {
  const folder = temporary()
  const absent = await verify(join(folder, 'absent.pth'))
  assert.equal([absent.code, absent.stdout], [1, ''])
  assert.match(absent.stderr, 'ERR_IO')
  writeFileSync(join(folder, 'page.pth'), '<!DOCTYPE html>\n')
  const page = await verify(join(folder, 'page.pth'))
  assert.is(page.code, 1)
  assert.match(page.stdout, /is a text file .*\nfailed: .*, one problem\n$/)
})

test.run()
