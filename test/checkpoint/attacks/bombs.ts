/** Small files that ask for much time or memory. */

import {
  FLOATS,
  safetensors,
  saved,
  sizes,
  storage,
  tensor,
  torchZip,
} from '../../support/checkpoint_builder.js'
import {
  addItems,
  append,
  appends,
  type Bytes,
  binBytes,
  binGet,
  binInt,
  binPut,
  build,
  bytes,
  dictOf,
  dup,
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
  newTrue,
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
import { type Attack, inert, refused, repeated, zipped } from './attack.js'

const memory = /far more memory than the file has bytes/
const repeats = /repeat each other to more than|more than 200000 names/
const deep = /nested more than \d+ deep|nested too deeply|far more memory/
const MEGABYTE = 'k'.repeat(1 << 20)

const laughs: Attack[] = [
  refused('a billion laughs by DUP and TUPLE2', zipped(none, repeated(100, dup, tuple2)), repeats),
  refused(
    'a billion laughs of lists',
    zipped(']', repeated(60, binPut(0), pop, '](', repeated(10, binGet(0)), 'e')),
    repeats,
  ),
  refused(
    'a billion laughs of dicts',
    zipped(']', repeated(60, binPut(0), pop, '}(', unicode('a'), binGet(0), unicode('b'), binGet(0), 'u')),
    repeats,
  ),
  refused(
    'a billion laughs of states',
    zipped(none, repeated(60, binPut(0), pop, 'ca\nB\n', binGet(0), binGet(0), tuple2, reduce)),
    repeats,
  ),
  refused('a billion laughs of keys', zipped('}', none, repeated(60, dup, tuple2), none, setItem), repeats),
  refused(
    'a billion weights of modules',
    zipped(
      net(dictOf({ w: tensor() }), emptyDict),
      repeated(
        60,
        binPut(0),
        pop,
        net(emptyDict, bytes('}(', unicode('a'), binGet(0), unicode('b'), binGet(0), 'u')),
      ),
    ),
    /more than 200000 names|nested more/,
  ),
  refused(
    'a billion weights of lists',
    zipped(tensor(), repeated(60, binPut(0), pop, '](', binGet(0), binGet(0), 'e')),
    /more than 200000 names/,
  ),
]

function net(parameters: Bytes, modules: Bytes): Buffer {
  return bytes('ca\nNet\n)R', dictOf({ _parameters: parameters, _modules: modules }), 'b')
}

const depths: Attack[] = [
  refused('a hundred thousand tuples in one another', zipped(none, repeated(100_000, tuple1)), deep),
  refused(
    'a hundred thousand lists in one another',
    zipped(repeated(100_000, ']'), repeated(99_999, append)),
    deep,
  ),
  refused(
    'a hundred thousand dicts in one another',
    zipped(repeated(100_000, '}N'), none, repeated(100_000, setItem)),
    deep,
  ),
  refused(
    'a hundred thousand calls in one another',
    zipped(none, repeated(100_000, binPut(0), pop, 'ca\nb\n', binGet(0), tuple1, reduce)),
    deep,
  ),
  refused(
    'a thousand tuples in one another as a key',
    zipped('}', none, repeated(1000, tuple1), none, setItem),
    deep,
  ),
  refused('a hundred thousand marks', zipped(repeated(100_000, mark), none), /100000 marks/),
  refused(
    'a thousand modules in one another',
    zipped(
      net(dictOf({ w: tensor() }), emptyDict),
      repeated(1000, binPut(0), pop, net(emptyDict, bytes('}', unicode('m'), binGet(0), 's'))),
    ),
    deep,
  ),
  refused(
    'ten thousand types of tensors in one another',
    zipped(
      ...[global('torch._tensor', '_rebuild_from_type_v2'), binPut(1), pop, emptyTuple],
      repeated(10_000, binPut(0), pop, mark, binGet(1), binGet(1), binGet(0), none, 't'),
      ...[binPut(0), pop, binGet(1), binGet(0), reduce],
    ),
    /rebuilt|too deep|call stack/i,
  ),
  refused(
    'deep JSON in a safetensors header',
    safetensors(`{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`),
    /nested more than 100 deep/,
  ),
  refused(
    'deep JSON for a dtype',
    safetensors(
      `{"a":{"dtype":${'['.repeat(100_000)}${']'.repeat(100_000)},"shape":[],"data_offsets":[0,0]}}`,
    ),
    /nested more than 100 deep/,
  ),
  refused(
    'deep JSON for a shape',
    safetensors(
      `{"a":{"dtype":"F32","shape":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)},"data_offsets":[0,0]}}`,
    ),
    /nested more than 100 deep/,
  ),
]

const copies: Attack[] = [
  refused(
    'copies of a list',
    zipped('](', repeated(100_000, none), 'e', binPut(0), repeated(100_000, copyOf('builtins', 'list'))),
    memory,
  ),
  refused(
    'sets of a list',
    zipped('](', repeated(100_000, none), 'e', binPut(0), repeated(100_000, copyOf('builtins', 'set'))),
    memory,
  ),
  refused(
    'dicts of a list',
    zipped(
      '](',
      repeated(100_000, none, none, tuple2),
      'e',
      binPut(0),
      repeated(100_000, copyOf('collections', 'OrderedDict')),
    ),
    memory,
  ),
  refused(
    'sizes of a list',
    zipped('](', repeated(100_000, none), 'e', binPut(0), repeated(100_000, copyOf('torch', 'Size'))),
    memory,
  ),
  refused(
    'bytes of a text',
    zipped(
      unicode(MEGABYTE),
      unicode('latin1'),
      tuple2,
      binPut(0),
      repeated(100_000, global('_codecs', 'encode'), binGet(0), reduce),
    ),
    memory,
  ),
  refused(
    'objects of the same many arguments',
    zipped(
      ...[mark, repeated(100_000, none), 't', binPut(0), pop, global('a', 'B'), binPut(1), pop, ']('],
      repeated(20_000, binGet(1), binGet(0), '\x81'),
      appends,
    ),
    repeats,
  ),
  refused(
    'objects of the same many arguments, one in another',
    zipped(
      ...[mark, repeated(100_000, none), 't', binPut(0), pop, global('a', 'B'), binPut(1), pop, none],
      repeated(900, binPut(2), pop, '](', binGet(2), repeated(8, binGet(1), binGet(0), '\x81'), 'e'),
    ),
    deep,
  ),
  refused('a million empty lists', zipped('](', repeated(1_000_000, ']'), 'e'), memory),
  refused('a million names', zipped('](', repeated(1_000_000, 'ca\nb\n'), 'e'), memory),
  refused('a million memos', zipped(none, repeated(1_000_000, '\x94')), memory),
]

/** A function called with what is in memo 0; the result is thrown away. */
function copyOf(module: string, name: string): Buffer {
  return bytes(global(module, name), binGet(0), tuple1, reduce, pop)
}

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

/** Long texts and tuples that many objects share: whatever is put together of them is long each time. */
const shared: Attack[] = [
  inert(
    'many objects of a class of a long name',
    zipped(
      ...[global(MEGABYTE, 'B'), binPut(0), pop, emptyTuple, binPut(1), pop, ']('],
      repeated(20_000, binGet(0), binGet(1), newObj),
      appends,
    ),
    { list: 20_000, first: { record: { class: { text: 1_048_578, start: 'kkkkkkkk' } } } },
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
  refused(
    'integer keys of one hash',
    zipped('}(', ...COLLIDING.map((key) => bytes(binInt(key), none)), setItems),
    /keys are large or broken numbers/,
  ),
  refused(
    'integers of one hash in a set',
    zipped('\x8f(', ...COLLIDING.map((key) => binInt(key)), addItems),
    /keys are large or broken numbers/,
  ),
  refused(
    'long integers of one hash',
    zipped(
      '}(',
      ...Array.from({ length: 30_000 }, (_, i) =>
        bytes('\x8a\x0c', uint64(5), Buffer.from([i, i >> 8, 0, 0]), none),
      ),
      setItems,
    ),
    /keys are large or broken numbers/,
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

export const BOMBS: readonly Attack[] = [
  ...laughs,
  ...depths,
  ...copies,
  ...names,
  ...shared,
  ...collisions,
  ...scans,
  refused(
    'numbers of a deep pickle that ends',
    pickle(proto(2), repeated(50_000, newTrue, tuple1)),
    /stops with|deep/,
  ),
]
