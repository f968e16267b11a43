/**
 * Small valid checkpoints, one of each kind: what the attacks and mutations start from. Each holds the weights
 * `w` (float32[2, 2]), `t`, its transpose on the same storage, and `n` (int64[2]), or says that it has none.
 */
import {
  entry,
  FLOATS,
  legacy,
  safetensors,
  sizes,
  storage,
  storageInBytes,
  tensor,
  torchZip,
} from './checkpoint_builder.js'
import {
  append,
  type Bytes,
  binFloat,
  binGet,
  binPut,
  build,
  bytes,
  call,
  dictOf,
  emptyDict,
  emptyList,
  emptyTuple,
  frame,
  global,
  int,
  listOf,
  mark,
  memoize,
  newFalse,
  newObj,
  newTrue,
  none,
  number,
  pickle,
  proto,
  reduce,
  setItem,
  setItems,
  shortBinBytes,
  shortUnicode,
  stackGlobal,
  tuple,
  tupleOf,
  unicode,
} from './pickle_builder.js'

export interface Seed {
  readonly name: string
  /** The file that is opened. */
  readonly main: string
  readonly files: Readonly<Record<string, Buffer>>
  /** Every byte is compared with another or covered by a checksum: what can be read is what was written. */
  readonly covered: boolean
}

const INTEGERS = bytes(new Uint8Array(new BigInt64Array([7n, -1n]).buffer))

const w = tensor({ shape: sizes(2, 2), strides: sizes(2, 1) })
const t = tensor({ shape: sizes(2, 2), strides: sizes(1, 2) })
const n = tensor({
  storage: storage({ class: global('torch', 'LongStorage'), key: unicode('1'), count: number(2) }),
  shape: sizes(2),
})
const state = bytes(
  call('collections', 'OrderedDict'),
  mark,
  unicode('w'),
  w,
  unicode('t'),
  t,
  unicode('n'),
  n,
  setItems,
)
const storages = { 0: FLOATS, 1: INTEGERS }
const located = [
  { key: '0', count: 4, data: FLOATS },
  { key: '1', count: 2, data: INTEGERS },
]

/** As torch.save writes a training checkpoint today. */
const checkpoint = pickle(
  proto(2),
  dictOf({ model: state, epoch: number(3), loss: binFloat(0.25), best: newTrue, note: unicode('é') }),
)

/** A module of a class that is not known: `_parameters`, `_buffers` and `_modules` hold its weights. */
const moduleOf = (parameters: Bytes, modules: Bytes) =>
  bytes(
    global('models', 'Net'),
    emptyTuple,
    newObj,
    dictOf({
      training: newTrue,
      _parameters: parameters,
      _buffers: dictOf({ running: t, left: t }),
      _non_persistent_buffers_set: call('builtins', 'set', listOf(unicode('left'))),
      _modules: modules,
    }),
    build,
  )
const module = pickle(
  proto(2),
  moduleOf(
    dictOf({ w: call('torch._utils', '_rebuild_parameter', w, newTrue, none), t }),
    dictOf({ inner: moduleOf(dictOf({ n, none }), emptyDict) }),
  ),
)

/** Protocol 4: frames, short strings, MEMOIZE and names on the stack. */
function protocol4(): Buffer {
  const body = bytes(
    ...[emptyDict, memoize, shortUnicode('collections'), memoize, shortUnicode('OrderedDict'), memoize],
    ...[stackGlobal, memoize, binPut(20), emptyTuple, reduce, binPut(21), none],
  )
  // The OrderedDict and None become an entry of the dict; what is in the memo is used again.
  const entries = bytes(
    '0',
    '0',
    mark,
    shortUnicode('w'),
    w,
    shortUnicode('t'),
    t,
    shortUnicode('n'),
    n,
    setItems,
  )
  const content = bytes(body, entries, '.')
  return bytes(proto(4), frame(content.length), content)
}

/** Plain data in protocol 0 and later opcodes, as logs and settings are pickled; no weights. */
const plain = pickle(
  mark,
  'd',
  'p0\n',
  ...['Vepoch\n', int('7'), setItem],
  ...[
    'Vlist\n',
    emptyList,
    binPut(1),
    int('01'),
    append,
    'L12345678901234567890L\n',
    append,
    'F0.5\n',
    append,
    setItem,
  ],
  ...[unicode('again'), binGet(1), setItem],
  ...[
    unicode('args'),
    global('argparse', 'Namespace'),
    emptyTuple,
    newObj,
    dictOf({ lr: binFloat(1e-3) }),
    build,
  ],
  ...[setItem, unicode('raw'), shortBinBytes('\x00\xff'), setItem],
  ...[unicode('pair'), mark, none, int('-3'), tuple, setItem],
  ...[unicode('odd'), global('some.module', 'Thing'), tupleOf(unicode('x')), reduce, setItem],
)

const floats = entry('F32', [2, 2], 0, 16)
const integers = entry('I64', [2], 0, 16)

const dtype = bytes(
  call('numpy', 'dtype', unicode('f8'), newFalse, newTrue),
  tupleOf(number(3), unicode('<'), none, none, none, number(-1), number(-1), number(0)),
  build,
)

/** What the scripts of others leave beside the weights, by the functions of Python, numpy and PyTorch. */
const values = pickle(
  proto(2),
  dictOf({
    scalar: call('numpy.core.multiarray', 'scalar', dtype, shortBinBytes(Buffer.alloc(8, 63))),
    array: bytes(
      call('numpy.core.multiarray', '_reconstruct', global('numpy', 'ndarray'), sizes(0), shortBinBytes('b')),
      tupleOf(number(1), sizes(2), dtype, newFalse, shortBinBytes(Buffer.alloc(16, 63))),
      build,
    ),
    text: call('_codecs', 'encode', unicode('é'), unicode('latin1')),
    set: call('builtins', 'set', listOf(number(1), unicode('a'))),
    frozen: call('__builtin__', 'frozenset', listOf(tupleOf(number(1)), binFloat(0.5))),
    list: call('builtins', 'list', tupleOf(none)),
    ordered: call('collections', 'OrderedDict', listOf(listOf(unicode('k'), number(2 ** 40)))),
    path: call('pathlib', 'PosixPath', unicode('/'), unicode('runs')),
    device: call('torch', 'device', unicode('cuda'), number(0)),
    size: call('torch', 'Size', listOf(number(2), number(3))),
    dtype: global('torch', 'float16'),
    numbers: bytes(emptyDict, mark, number(0), dictOf({ step: number(7) }), number(1), none, setItems),
  }),
)

/** As pickle.dump writes tensors. */
const bare = pickle(
  proto(3),
  dictOf({
    w: tensor({ storage: storageInBytes(), shape: sizes(2, 2), strides: sizes(2, 1) }),
    epoch: number(3),
  }),
)

export const SEEDS: readonly Seed[] = [
  one('zip.pth', torchZip(checkpoint, storages), true),
  one('protocol4.pth', torchZip(protocol4(), storages), true),
  one('legacy.pth', legacy(checkpoint, located), false),
  one('module.pkl', legacy(module, located), false),
  one('plain.pkl', plain, false),
  one('bare.pkl', bare, false),
  one('values.pkl', values, false),
  one('list.pth', torchZip(pickle(proto(2), listOf(w, t, n)), storages), true),
  one(
    'one.safetensors',
    safetensors(
      { __metadata__: { format: 'pt' }, w: floats, n: entry('I64', [2], 16, 32) },
      bytes(FLOATS, INTEGERS),
    ),
    false,
  ),
  {
    name: 'sharded',
    main: 'model.safetensors.index.json',
    files: {
      'model.safetensors.index.json': Buffer.from(
        JSON.stringify({
          metadata: { total_size: 32 },
          weight_map: { w: 'a.safetensors', n: 'b.safetensors' },
        }),
      ),
      'a.safetensors': safetensors({ w: floats }, FLOATS),
      'b.safetensors': safetensors({ n: integers }, INTEGERS),
    },
    covered: false,
  },
]

function one(name: string, file: Buffer, covered: boolean): Seed {
  return { name, main: name, files: { [name]: file }, covered }
}
