/** Files that ask for much time, or for long texts to be put together again and again. */
import {
  FLOATS,
  legacy,
  safetensors,
  saved,
  sizes,
  storage,
  tensor,
  torchMembers,
  torchZip,
} from '../../support/checkpoint_builder.js'
import {
  addItems,
  appends,
  binBytes,
  binGet,
  binInt,
  binPersId,
  binPut,
  build,
  bytes,
  dictOf,
  emptyDict,
  emptyTuple,
  float,
  global,
  int,
  longBinGet,
  longBinPut,
  mark,
  newFalse,
  newObj,
  none,
  number,
  pickle,
  pop,
  proto,
  reduce,
  setItem,
  setItems,
  stackGlobal,
  tuple1,
  tuple2,
  uint64,
  unicode,
  unicodeLine,
} from '../../support/pickle_builder.js'
import { zip } from '../../support/zip_builder.js'
import { type Attack, inert, refused, repeated, zipped } from './attack.js'
import { MEGABYTE, memory, net, repeats } from './bombs.js'

/** Long names many times: each is short in the file, and long when it is joined. */
const names: Attack[] = [
  refused(
    'many tensors under a long key',
    saved(
      bytes(
        emptyDict,
        unicode(MEGABYTE),
        '](',
        tensor(),
        binPut(0),
        repeated(20_000, binGet(0)),
        'e',
        setItem,
      ),
    ),
    /names of its tensors/,
  ),
  refused(
    'many weights in a module of a long name',
    saved(
      net(
        emptyDict,
        bytes(
          ...[emptyDict, unicode(MEGABYTE)],
          net(
            bytes(
              ...['}(', unicode('w'), tensor(), binPut(0)],
              ...Array.from({ length: 20_000 }, (_, i) => bytes(unicode(`${i}`), binGet(0))),
              'u',
            ),
            emptyDict,
          ),
          setItem,
        ),
      ),
    ),
    /names of its tensors/,
  ),
  refused(
    'many tensors that are no weights under a long key',
    saved(
      bytes(
        ...['}(', unicode('model'), dictOf({ w: tensor() }), unicode(MEGABYTE)],
        ...[global('torch._utils', '_rebuild_tensor_v2'), binPut(0), pop],
        ...[mark, storage(), number(0), sizes(4), sizes(1), newFalse, none, 't', binPut(1), pop],
        ...['](', repeated(5_000, binGet(0), binGet(1), reduce), 'e', 'u'],
      ),
    ),
    /names of its tensors/,
  ),
  inert(
    'a long name of a dtype, read many times',
    zipped(
      ...[global('numpy', 'dtype'), unicode(MEGABYTE), tuple1, reduce, binBytes('x'), tuple2, binPut(0), pop],
      ...[
        global('numpy.core.multiarray', 'scalar'),
        binPut(1),
        pop,
        '](',
        repeated(30_000, binGet(1), binGet(0), reduce),
        'e',
      ],
    ),
    { list: 30_000, first: { record: { class: 'numpy.generic', args: ['|?', { bytes: 'x' }] } } },
  ),
]

/** The tuple that BINPERSID takes, without BINPERSID. */
const STORAGE_ID = storage().subarray(0, -1)

/** Long texts and tuples that many objects share: whatever is put together of them is long each time. */
const shared: Attack[] = [
  refused(
    'many objects of a class of a long name',
    zipped(
      ...[global(MEGABYTE, 'B'), binPut(0), pop, emptyTuple, binPut(1), pop, ']('],
      repeated(20_000, binGet(0), binGet(1), newObj),
      appends,
    ),
    repeats,
  ),
  refused(
    'many dicts of one long key',
    zipped(unicode(MEGABYTE), binPut(0), pop, '](', repeated(20_000, '}', binGet(0), none, setItem), appends),
    repeats,
  ),
  refused(
    'one tensor of a long name, many times',
    saved(
      bytes(
        ...['}(', unicode('model'), dictOf({ w: tensor() }), unicode(MEGABYTE)],
        ...['](', tensor(), binPut(0), repeated(20_000, binGet(0)), 'e', 'u'],
      ),
    ),
    repeats,
  ),
  inert(
    'many calls of a function of a long name',
    zipped(
      ...[global(MEGABYTE, 'B'), binPut(0), pop, emptyTuple, binPut(1), pop],
      repeated(20_000, binGet(0), binGet(1), reduce, pop),
      none,
    ),
    null,
  ),
  refused(
    'many classes of a long name',
    zipped(
      unicode(MEGABYTE),
      binPut(0),
      pop,
      '](',
      repeated(50_000, binGet(0), binGet(0), stackGlobal),
      appends,
    ),
    memory,
  ),
  refused(
    'many objects of one long state',
    zipped(
      ...[mark, repeated(100_000, none), 't', binPut(0), pop, global('a', 'B'), binPut(1), pop, ']('],
      repeated(20_000, binGet(1), emptyTuple, newObj, binGet(0), build),
      appends,
    ),
    repeats,
  ),
  refused(
    'one storage in bytes loaded many times',
    pickle(
      proto(3),
      ...[global('torch.storage', '_load_from_bytes'), binPut(0), pop],
      ...[
        binBytes(
          legacy(pickle(proto(2), storage({ count: number(MEGABYTE.length / 4) })), [
            { key: '0', count: MEGABYTE.length / 4, data: MEGABYTE },
          ]),
        ),
      ],
      ...[tuple1, binPut(1), pop, '](', repeated(20_000, binGet(0), binGet(1), reduce), appends],
    ),
    memory,
  ),
  inert(
    'many references to a storage in a folder of a long name',
    zip(
      torchMembers(
        pickle(
          proto(2),
          storage(),
          pop,
          STORAGE_ID,
          binPut(0),
          pop,
          repeated(50_000, binGet(0), binPersId, pop),
          none,
        ),
      ).map((member) => ({ ...member, name: `${'f'.repeat(60_000)}${String(member.name).slice(7)}` })),
    ),
    null,
  ),
  refused(
    'many references to a storage of a long name',
    torchZip(pickle(proto(2), ...[storage({ key: unicode('k'.repeat(60_000)) }), pop, none]), {
      ['k'.repeat(60_000)]: FLOATS,
    }),
    /the key of a storage has 60000 characters/,
  ),
]

/** Integers whose hash in V8 ends in 14 zeros. */
const COLLIDING = collidingIntegers(30_000)

function collidingIntegers(count: number): number[] {
  const found: number[] = []
  for (let key = 1; found.length < count; key++) if ((integerHash(key) & 0x3fff) === 0) found.push(key)
  return found
}

/** V8's ComputeUnseededHash, by Thomas Wang. */
function integerHash(key: number): number {
  let hash = (~key + (key << 15)) | 0
  hash ^= hash >>> 12
  hash = (hash + (hash << 2)) | 0
  hash ^= hash >>> 4
  hash = Math.imul(hash, 2057)
  return (hash ^ (hash >>> 16)) & 0x3fffffff
}

/** Keys that fall on one place of a hash table, so that each is compared with all the others. */
const collisions: Attack[] = [
  inert(
    'integer keys of one hash',
    zipped('}(', ...COLLIDING.map((key) => bytes(binInt(key), none)), setItems),
    { list: COLLIDING.length, first: [COLLIDING[0] as number, null] },
  ),
  inert('integers of one hash in a set', zipped('\x8f(', ...COLLIDING.map((key) => binInt(key)), addItems), {
    list: COLLIDING.length,
    first: COLLIDING[0] as number,
  }),
  inert(
    'long integers of one hash',
    zipped(
      '}(',
      ...Array.from({ length: 30_000 }, (_, i) =>
        bytes('\x8a\x0c', uint64(5), Buffer.from([i, i >> 8, 0, 0]), none),
      ),
      setItems,
    ),
    { list: 30_000, first: [5, null] },
  ),
  refused('memos of one hash', zipped(none, ...COLLIDING.map(longBinPut)), /which no pickler counts to/),
  refused(
    'a megabyte of bytes as a key, many times',
    zipped(emptyDict, binBytes(MEGABYTE), binPut(0), pop, mark, repeated(100_000, binGet(0), none), setItems),
    memory,
  ),
  refused(
    'a tuple of a hundred thousand items as a key, many times',
    zipped(
      ...[mark, repeated(100_000, none), 't', binPut(0), pop, emptyDict, mark],
      repeated(100_000, binGet(0), tuple1, none),
      ...[setItems, '0', ']', longBinGet(9)],
    ),
    /./,
  ),
]

/** Text on which a careless regular expression takes quadratic time. */
const scans: Attack[] = [
  refused('FLOAT of a hundred thousand digits', zipped(float(`${'1'.repeat(100_000)}x`)), /is not a number/),
  refused(
    'INT of a hundred thousand digits',
    zipped(int(`${'1'.repeat(100_000)}x`)),
    /an integer of 100001 digits/,
  ),
  refused(
    'UNICODE of backslashes, then cut off',
    torchZip(bytes(proto(0), unicodeLine('\\'.repeat(300_000)))),
    /before it is whole/,
  ),
  refused('a megabyte of POPs', zipped(none, repeated(500_000, none, pop), pop), /empty|stops/),
  refused(
    'safetensors of a long string',
    safetensors(`{"${'\\\\'.repeat(2_000_000)}":1}`),
    /is not a whole safetensors file/,
  ),
  refused(
    'safetensors of quotes without an end',
    safetensors(`{"${'\\"'.repeat(1_000_000)}`),
    /not strict JSON/,
  ),
  refused(
    'safetensors of empty arrays',
    safetensors(`{"a":[${'[],'.repeat(300_000)}[]]}`),
    /not described by an object/,
  ),
  refused(
    'safetensors of spaces',
    safetensors(`{"a"${' '.repeat(2_000_000)}:1}`),
    /is not described by an object/,
  ),
]

export const SLOW_FILES: readonly Attack[] = [...names, ...shared, ...collisions, ...scans]
