/** Legacy files, tar files, safetensors and their indices, each a step beside what its reader takes. */
import {
  entry,
  FLOATS,
  type LegacyFields,
  legacy,
  safetensors,
  saved,
  tensor,
} from '../../support/checkpoint_builder.js'
import {
  bytes,
  dictOf,
  emptyDict,
  long1,
  none,
  number,
  pickle,
  proto,
  unicode,
} from '../../support/pickle_builder.js'
import { tar } from '../../support/tar.js'
import { type Attack, inert, refused } from './attack.js'

const pickled = pickle(proto(2), dictOf({ w: tensor() }))
const forged = (change: Partial<LegacyFields>) => legacy(pickled, undefined, change)
const stored = (count: number | bigint, data: Uint8Array | string = FLOATS, key = '0') => ({
  key,
  count,
  data,
})
const good = forged({})

const legacyFiles: Attack[] = [
  inert('a right legacy file', good, { w: { tensor: 'w' } }),
  refused(
    'another magic number',
    forged({ magic: pickle(proto(2), long1(0x1950a86a20f9469cfc6dn)) }),
    /pickle: it ends at byte/,
  ),
  refused(
    'a magic number that is text',
    forged({ magic: pickle(proto(2), unicode('magic')) }),
    /pickle: it ends at byte/,
  ),
  refused(
    'version 1002',
    forged({ version: pickle(proto(2), number(1002)) }),
    /protocol version is 1002, expected 1001/,
  ),
  refused(
    'a version that is a call',
    forged({ version: pickle(proto(2), 'cos\ngetpid\n)R') }),
    /protocol version is/,
  ),
  refused(
    'another system',
    forged({ system: pickle(proto(2), dictOf({ little_endian: '\x89' })) }),
    /not little-endian/,
  ),
  refused('no system', forged({ system: pickle(proto(2), none) }), /not little-endian/),
  refused(
    'keys that are a dict',
    forged({ keys: pickle(proto(2), emptyDict) }),
    /list of storages is a dict/,
  ),
  refused(
    'a key twice',
    forged({ keys: pickle(proto(2), '](', unicode('0'), unicode('0'), 'e') }),
    /list of storages has "0", twice/,
  ),
  refused(
    'a key without a tensor',
    forged({ keys: pickle(proto(2), '](', unicode('0'), unicode('9'), 'e') }),
    /has "9", twice or without/,
  ),
  refused('a key that is a number', forged({ keys: pickle(proto(2), '](', number(0), 'e') }), /has a number/),
  refused('no keys', legacy(pickled, []), /storage 0 is not in its list/),
  refused('a count of 5', legacy(pickled, [stored(5)]), /4 elements by its tensors, and 5 where it lies/),
  refused('a count of -1', legacy(pickled, [stored(-1)]), /and -1 where it lies/),
  refused('a count of 2^62', legacy(pickled, [stored(2n ** 62n)]), /and 4611686018427387904 where it lies/),
  refused('a storage cut off', good.subarray(0, -1), /storage 0 ends at byte/),
  refused('no storages', good.subarray(0, -24), /are needed, and it has 242: cut off/),
  refused('a byte behind the storages', forged({ suffix: 'x' }), /storages end at byte/),
  refused(
    'a zip file behind the storages',
    forged({ suffix: saved(dictOf({ evil: tensor() })) }),
    /storages end at byte/,
  ),
  refused(
    'a storage larger than the file',
    legacy(pickle(proto(2), dictOf({ w: hugeTensor() }))),
    /and the file/,
  ),
  refused(
    'a bare pickle with a zip file behind it',
    bytes(pickle(proto(2), emptyDict), saved(emptyDict)),
    /pickle: it ends at byte 4, the file at/,
  ),
  refused(
    'two bare pickles',
    bytes(pickle(proto(2), emptyDict), pickle(proto(2), emptyDict)),
    /pickle: it ends at byte 4/,
  ),
  refused(
    'a tar file of torch 0.1',
    tar([
      { name: 'sys_info', data: 'x' },
      { name: 'pickle', data: pickled },
    ]),
    /is a tar file/,
  ),
  refused(
    'a tar file with the magic in its first name',
    tar([{ name: '\x80\x02\x8a\x0a\x6c\xfc\x9c', data: good }]),
    /tar file|pickle|safetensors/,
  ),
  refused(
    'a magic number and nothing else',
    pickle(proto(2), long1(0x1950a86a20f9469cfc6cn)),
    /ends at byte/,
  ),
]

function hugeTensor(): Buffer {
  return bytes(
    'ctorch._utils\n_rebuild_tensor_v2\n((',
    unicode('storage'),
    'ctorch\nFloatStorage\n',
    unicode('0'),
    unicode('cpu'),
    number(2 ** 30),
    'tQ',
    number(0),
    '(J\x04\x00\x00\x00t(J\x01\x00\x00\x00t\x89NtR',
  )
}

const one = { a: entry('F32', [1], 0, 4) }
const described = (value: unknown, data = 4) => safetensors({ a: value }, Buffer.alloc(data))

const safetensorsFiles: Attack[] = [
  refused('an empty file', Buffer.alloc(0), /is empty/),
  refused('seven bytes', Buffer.alloc(7), /has 7 bytes/),
  refused('zeros', Buffer.alloc(4096), /does not start with '\{'/),
  refused('a header longer than the file', safetensors(one, FLOATS, 1000), /header length 1000 reaches past/),
  refused('a header of 2^63 bytes', safetensors(one, FLOATS, 2n ** 63n), /over 100000000/),
  refused('a header of 2^64 - 1 bytes', safetensors(one, FLOATS, -1), /over 100000000/),
  refused('a header of 2^53 bytes', safetensors(one, FLOATS, 2n ** 53n), /over 100000000/),
  refused('a header shorter than its JSON', safetensors(one, FLOATS, 10), /not strict JSON/),
  refused('a header that is an array', safetensors('[]'), /does not start with '\{'/),
  refused('a header that is not UTF-8', safetensors('{"\xff":1}'), /not strict JSON/),
  refused('a byte order mark', safetensors('\xef\xbb\xbf{}'), /does not start with '\{'/),
  refused(
    'a tensor twice',
    safetensors(`{"a":${JSON.stringify(one.a)},"a":${JSON.stringify(one.a)}}`, Buffer.alloc(4)),
    /"a" occurs twice/,
  ),
  refused(
    'a tensor twice in two spellings',
    safetensors(`{"a":${JSON.stringify(one.a)},"\\u0061":${JSON.stringify(one.a)}}`, Buffer.alloc(4)),
    /"a" occurs twice/,
  ),
  refused('a comment in JSON', safetensors('{/* */}'), /not strict JSON/),
  refused('NaN in JSON', safetensors('{"a":NaN}'), /not strict JSON/),
  refused('metadata of numbers', safetensors({ __metadata__: { n: 1 } }), /not an object of strings/),
  refused('metadata of objects', safetensors({ __metadata__: { n: {} } }), /not an object of strings/),
  refused('metadata in an array', safetensors({ __metadata__: ['x'] }), /not an object of strings/),
  refused('metadata that are null', safetensors({ __metadata__: null }), /not an object of strings/),
  refused('a dtype of another name', described(entry('f32', [1], 0, 4)), /has dtype "f32"/),
  refused('a dtype of the prototype', described(entry('__proto__', [1], 0, 4)), /has dtype "__proto__"/),
  refused('a dtype too wide', described(entry('F64', [1], 0, 4)), /needs 8 bytes for F64/),
  refused('a dtype too narrow', described(entry('F16', [1], 0, 4)), /needs 2 bytes for F16/),
  refused('a negative size in a header', described(entry('F32', [-1], 0, 4)), /no valid shape/),
  refused('two negative sizes in a header', described(entry('F32', [-1, -1], 0, 4)), /no valid shape/),
  refused('a size of 2^53', described(entry('F32', [2 ** 53], 0, 4)), /no valid shape/),
  refused(
    'a size of 1e308',
    safetensors('{"a":{"dtype":"F32","shape":[1e308],"data_offsets":[0,4]}}', Buffer.alloc(4)),
    /no valid shape/,
  ),
  refused(
    'sizes whose product wraps',
    described(entry('F32', [2 ** 31, 2 ** 31, 4], 0, 0), 0),
    /too large to address/,
  ),
  refused(
    'an empty shape whose sizes overflow',
    described(entry('F32', [0, 2 ** 50, 2 ** 50], 0, 0), 0),
    /too large/,
  ),
  refused(
    'a shape of a million sizes',
    described(entry('F32', Array(1_000_000).fill(1), 0, 4)),
    /no valid shape: an array of 1000000/,
  ),
  refused('offsets the wrong way round', described(entry('F32', [1], 4, 0)), /span -4/),
  refused('offsets past the file', described(entry('F32', [100], 0, 400)), /tensors end at byte/),
  refused('offsets of 2^60', described(entry('F32', [1], 2 ** 60, 2 ** 60 + 4)), /no valid data_offsets/),
  refused('one offset', described({ dtype: 'F32', shape: [1], data_offsets: [0] }), /no valid data_offsets/),
  refused(
    'a hole',
    safetensors({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 8, 12) }, Buffer.alloc(12)),
    /gap or an overlap/,
  ),
  refused('a hole at the start', described(entry('F32', [1], 4, 8), 8), /gap or an overlap/),
  refused(
    'an overlap',
    safetensors({ a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) }, Buffer.alloc(8)),
    /gap or an overlap/,
  ),
  refused(
    'two tensors in one place',
    safetensors({ a: entry('F32', [1], 0, 4), b: entry('I32', [1], 0, 4) }, Buffer.alloc(4)),
    /overlap/,
  ),
  refused('a byte behind', safetensors(one, Buffer.alloc(5)), /tensors end at byte/),
  refused(
    'a zip file behind',
    safetensors(one, bytes(Buffer.alloc(4), saved(emptyDict))),
    /tensors end at byte/,
  ),
  inert(
    'a tensor that is called __proto__',
    safetensors('{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', Buffer.alloc(4)),
    {},
  ),
  inert(
    'metadata that are called __proto__',
    safetensors('{"__metadata__":{"__proto__":"x"}}'),
    JSON.parse('{"__proto__":"x"}'),
  ),
]

const shard = safetensors(one, Buffer.alloc(4))
const sharded = (name: string, index: unknown, rule: RegExp, files: Record<string, Buffer> = {}): Attack => ({
  name: `an index: ${name}`,
  main: 'index.json',
  files: {
    'index.json': Buffer.from(typeof index === 'string' ? index : JSON.stringify(index)),
    'a.safetensors': shard,
    ...files,
  },
  expected: rule,
})
const beside = /expected the name of a \.safetensors file beside it/

const indices: Attack[] = [
  ...[
    '../a.safetensors',
    '/etc/a.safetensors',
    'x/../a.safetensors',
    '..\\a.safetensors',
    'file:a.safetensors',
  ].map((path) => sharded(`a path ${path}`, { weight_map: { a: path } }, beside)),
  sharded('the index itself', { weight_map: { a: 'index.json' } }, beside),
  sharded('a NUL in a name', { weight_map: { a: 'a.safetensors\0.safetensors' } }, beside),
  sharded(
    'a tensor that is not there',
    { weight_map: { a: 'a.safetensors', b: 'a.safetensors' } },
    /'b' is not in a\.safetensors/,
  ),
  sharded(
    'a tensor that is not named',
    { weight_map: { b: 'b.safetensors' } },
    /holds tensor 'a', which it does not name/,
    {
      'b.safetensors': safetensors({ ...one, b: entry('F32', [1], 4, 8) }, Buffer.alloc(8)),
    },
  ),
  sharded(
    'a tensor in two files',
    { weight_map: { a: 'a.safetensors', b: 'b.safetensors' } },
    /b\.safetensors holds tensor 'a', which it names a\.safetensors for/,
    { 'b.safetensors': safetensors({ ...one, b: entry('F32', [1], 4, 8) }, Buffer.alloc(8)) },
  ),
  sharded('a tensor twice', '{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}', /"a" occurs twice/),
  sharded(
    'a weight_map twice',
    '{"weight_map":{},"weight_map":{"a":"a.safetensors"}}',
    /"weight_map" occurs twice/,
  ),
  sharded(
    'a file that is no safetensors',
    { weight_map: { a: 'b.safetensors' } },
    /not a whole safetensors file/,
    {
      'b.safetensors': saved(dictOf({ a: tensor() })),
    },
  ),
  sharded(
    '__proto__ for a weight_map',
    '{"__proto__":{"weight_map":{"a":"a.safetensors"}}}',
    /weight_map is not an object/,
  ),
  sharded('a file of the prototype', { weight_map: { a: 'constructor' } }, beside),
  sharded(
    'deep JSON',
    `{"weight_map":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
    /nested more than 100 deep/,
  ),
]

export const CONTAINERS: readonly Attack[] = [...legacyFiles, ...safetensorsFiles, ...indices]
