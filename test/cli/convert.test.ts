/** beit convert: names, formats, and what is refused. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { openCheckpoint, readCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { fixture } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit convert')

const convert = (...args: string[]) => runBeit(['convert', ...args])

test('transformers to .pth of the original and back into a folder: the weights keep their bits', async () => {
  const folder = temporary()
  const source = fixture('interop.hf_mim.safetensors')
  const original = join(folder, 'beit.pth')
  const there = await convert(source, original, '--to', 'unilm')
  assert.equal([there.code, there.stderr], [0, ''])
  assert.match(there.stdout, /BEiT for masked image modelling with transformers' names/)
  assert.match(there.stdout, /--norm-eps 1e-6 is assumed/)
  assert.match(there.stdout, new RegExp(`wrote ${original}\n$`))
  assert.is((await openCheckpoint(original)).container, 'zip')

  const back = await convert(original, join(folder, 'hf/'), '--to', 'transformers')
  assert.is(back.code, 0, back.stderr)
  assert.is(JSON.parse(readFileSync(join(folder, 'hf', 'config.json'), 'utf8')).model_type, 'beit')
  const [before, after] = [
    await readCheckpoint(source),
    await readCheckpoint(join(folder, 'hf', 'model.safetensors')),
  ]
  for (const name of ['lm_head.weight', 'layernorm.bias', 'beit.embeddings.mask_token']) {
    assert.equal(
      await after.tensors.get(name)?.toTypedArray(),
      await before.tensors.get(name)?.toTypedArray(),
      name,
    )
  }
})

test('tokenizers: the encoder of DALL-E for transformers, and not for timm', async () => {
  const folder = temporary()
  const source = fixture('dalle_dvae_small.safetensors')
  const { code, stderr } = await convert(source, join(folder, 'codebook.safetensors'), '--to', 'transformers')
  assert.is(code, 0, stderr)
  const { tensors } = await openCheckpoint(join(folder, 'codebook.safetensors'))
  assert.ok(tensors.has('blocks.group_1.group.block_1.res_path.path.conv_1.weight'))
  const timm = await convert(source, join(folder, 'x.safetensors'), '--to', 'timm')
  assert.is(timm.code, 2)
  assert.match(timm.stderr, /^beit: timm has no names for a dalle_dvae/)
})

test('nothing that is there is replaced without --force, the config.json included', async () => {
  const folder = temporary()
  const source = fixture('interop.hf_mim.safetensors')
  const [timm, transformers] = [join(folder, 'timm.safetensors'), join(folder, 'transformers.safetensors')]
  for (const [output, taken, to] of [
    [timm, timm, 'timm'],
    [transformers, join(folder, 'config.json'), 'transformers'],
  ] as const) {
    writeFileSync(taken, 'mine')
    const { code, stderr } = await convert(source, output, '--to', to)
    assert.is(code, 1)
    assert.match(stderr, `${taken} is there already; --force replaces it (ERR_OUTPUT_EXISTS)`)
    assert.is(readFileSync(taken, 'utf8'), 'mine')
    const forced = await convert(source, output, '--to', to, '--force')
    assert.is(forced.code, 0, forced.stderr)
    assert.is.not(readFileSync(taken, 'utf8'), 'mine')
  }
})

test('wrong use: exit code 2, and no file', async () => {
  const folder = temporary()
  const source = fixture('interop.hf_mim.safetensors')
  const cases: [args: string[], message: RegExp][] = [
    [[source], /^beit convert: OUT is missing/],
    [[source, join(folder, 'a.pth')], /^beit convert: --to is missing/],
    [[source, join(folder, 'a.pth'), 'b', '--to', 'timm'], /unexpected argument 'b'/],
    [[source, join(folder, 'a.pth'), '--to', 'tim'], /did you mean 'timm'\?/],
    [[source, join(folder, 'a.txt'), '--to', 'timm'], /extension tells no format/],
    [[source, join(folder, 'a.pth'), '--to', 'timm', '--pick', 'x'], /no keys to pick from/],
  ]
  for (const [args, message] of cases) {
    const { code, stderr } = await convert(...args)
    assert.is(code, 2, stderr)
    assert.match(stderr, message)
  }
  assert.not.ok(existsSync(join(folder, 'a.pth')))
  const absent = await convert(join(folder, 'absent.pth'), join(folder, 'a.pth'), '--to', 'timm')
  assert.equal([absent.code, existsSync(join(folder, 'a.pth'))], [1, false])
})

test.run()
