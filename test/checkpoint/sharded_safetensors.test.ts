/** Safetensors in several files: the index and the files must say the same. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { openCheckpoint, readCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('sharded safetensors')

const INDEX = 'model.safetensors.index.json'
const [FIRST, SECOND] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']

/** A folder of two shards and an index; `change` may write another. */
async function folder(
  change: (index: { weight_map: Record<string, unknown> }) => unknown = (index) => index,
) {
  const path = temporary()
  await writeSafetensors(join(path, FIRST), new Map([['b.weight', Tensor.from([1, 2])]]), {
    format: 'pt',
    n: '1',
  })
  const others: [string, Tensor][] = [
    ['a.weight', Tensor.from([[3], [4]])],
    ['a.bias', Tensor.from([true], undefined, { dtype: 'bool' })],
  ]
  await writeSafetensors(join(path, SECOND), new Map(others), { format: 'pt', n: '2' })
  const index = {
    metadata: { total_size: 17, parts: [1] },
    weight_map: { 'a.weight': SECOND, 'b.weight': FIRST, 'a.bias': SECOND },
  }
  const changed = change(index)
  writeFileSync(join(path, INDEX), typeof changed === 'string' ? changed : JSON.stringify(changed, null, 2))
  return join(path, INDEX)
}

test('tensors of all files come in the order of the index', async () => {
  const path = await folder()
  const checkpoint = await readCheckpoint(path)
  equal([checkpoint.format, checkpoint.container], ['safetensors', 'sharded-safetensors'])
  equal([...checkpoint.tensors.keys()], ['a.weight', 'b.weight', 'a.bias'])
  equal(await checkpoint.tensors.get('a.weight')?.toTypedArray(), new Float32Array([3, 4]))
  equal(await checkpoint.tensors.get('b.weight')?.toTypedArray(), new Float32Array([1, 2]))
  equal(await checkpoint.tensors.get('a.bias')?.toTypedArray(), new Uint8Array([1]))
  equal(checkpoint.metadata, { format: 'pt' }, 'what all files say')
  equal({ ...(checkpoint.data as object) }, { total_size: 17 })
})

test('one tensor is read from its own file alone', async () => {
  const path = await folder()
  const file = await openCheckpoint(path)
  // The other file is gone by now: nothing of it is needed.
  writeFileSync(join(path, '..', FIRST), '')
  const record = file.tensors.get('a.weight')
  const [tensor] = await file.read(record === undefined ? [] : [record])
  equal(tensor?.shape, [2, 1])
})

test('files that are links, as in the cache of a hub, are followed', async () => {
  const path = await folder()
  const cache = join(temporary(), 'snapshot')
  mkdirSync(cache)
  for (const name of [INDEX, FIRST, SECOND]) symlinkSync(join(path, '..', name), join(cache, name))
  is((await readCheckpoint(join(cache, INDEX))).tensors.size, 3)
})

test('a missing file is named', async () => {
  const path = await folder((index) => ({
    ...index,
    weight_map: { ...index.weight_map, c: 'c.safetensors' },
  }))
  await rejects(openCheckpoint(path), 'ERR_IO', /cannot open .*c\.safetensors/)
})

test('a file that is not whole is named', async () => {
  const path = await folder()
  const shard = join(path, '..', SECOND)
  writeFileSync(shard, readFileSync(shard).subarray(0, -1))
  await rejects(openCheckpoint(path), 'ERR_FORMAT', /00002.* is not a whole safetensors file/)
})

test('there is nothing to pick from', async () => {
  await rejects(openCheckpoint(await folder(), { pick: 'model' }), 'ERR_INVALID_ARGUMENT', /no keys to pick/)
})

const map = (change: Record<string, unknown>) => (index: { weight_map: Record<string, unknown> }) => ({
  ...index,
  weight_map: { ...index.weight_map, ...change },
})
const named = /expected the name of a \.safetensors file beside it/

const WRONG: [string, Parameters<typeof folder>[0], RegExp][] = [
  ['a tensor that its file does not hold', map({ c: FIRST }), /'c' is not in model-00001/],
  ['a tensor in another file', map({ 'a.bias': FIRST }), /'a.bias' is not in model-00001/],
  [
    'a tensor that is left out',
    map({ 'a.bias': undefined }),
    /holds tensor 'a.bias', which it does not name/,
  ],
  ['a path up', map({ 'a.bias': '../x.safetensors' }), named],
  ['a path down', map({ 'a.bias': 'x/y.safetensors' }), named],
  ['an absolute path', map({ 'a.bias': '/etc/x.safetensors' }), named],
  ['a path of Windows', map({ 'a.bias': '..\\x.safetensors' }), named],
  ['a drive of Windows', map({ 'a.bias': 'C:x.safetensors' }), named],
  ['a NUL', map({ 'a.bias': 'x\0.safetensors' }), named],
  ['another kind of file', map({ 'a.bias': 'x.pth' }), named],
  ['the folder', map({ 'a.bias': '.' }), named],
  ['an empty name', map({ 'a.bias': '' }), named],
  ['a name that is no string', map({ 'a.bias': [FIRST] }), named],
  ['no weight_map', () => ({}), /its weight_map is not an object/],
  ['a weight_map that is an array', () => ({ weight_map: [] }), /its weight_map is not an object/],
  ['an empty weight_map', () => ({ weight_map: {} }), /its weight_map is empty/],
  ['metadata that is text', (index) => ({ ...index, metadata: 'x' }), /its metadata is not an object/],
  [
    'a tensor twice',
    () => '{"weight_map": {"a": "b.safetensors", "a": "c.safetensors"}}',
    /"a" occurs twice/,
  ],
  ['JSON cut short', () => '{"weight_map": {"a"', /not strict JSON/],
]

for (const [what, change, message] of WRONG) {
  test(`refuses an index with ${what}`, async () => {
    await rejects(openCheckpoint(await folder(change)), 'ERR_FORMAT', message)
  })
}

test.run()
