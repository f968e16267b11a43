/** Storages that are not what they say, and things done to tensors and storages that only suit dicts and lists. */
import {
  FLOATS,
  legacy,
  type StorageFields,
  saved,
  sizes,
  storage,
  storageInBytes,
  type TensorFields,
  tensor,
} from '../../support/checkpoint_builder.js'
import {
  addItems,
  append,
  appends,
  type Bytes,
  binBytes,
  binFloat,
  binPersId,
  bytes,
  call,
  dictOf,
  global,
  mark,
  newTrue,
  none,
  number,
  persId,
  pickle,
  proto,
  setItem,
  setItems,
  tupleOf,
  unicode,
} from '../../support/pickle_builder.js'
import { type Attack, beside, besides, inert, refused } from './attack.js'

const weight = (forged: Partial<TensorFields>) => saved(dictOf({ w: tensor(forged) }))
const on = (forged: Partial<StorageFields>) => weight({ storage: storage(forged) })
const whole = /expected a whole number from 0 on/

const storages: Attack[] = [
  refused('a storage larger than its record', on({ count: number(5) }), /20 bytes, and its record has 16/),
  refused('a storage smaller than its record', on({ count: number(3) }), /12 bytes, and its record has 16/),
  refused(
    'a storage of wider elements',
    on({ class: global('torch', 'DoubleStorage') }),
    /32 bytes, and its record has 16/,
  ),
  refused('a storage of 2^61 elements', on({ count: number(2n ** 61n) }), whole),
  refused('a storage of 2^52 elements', on({ count: number(2n ** 52n) }), /too many to address/),
  refused('a storage of -1 elements', on({ count: number(-1) }), whole),
  refused('a storage of a bool of elements', on({ count: newTrue }), whole),
  refused('a storage of 4.5 elements', on({ count: binFloat(4.5) }), whole),
  refused('a storage without a record', on({ key: unicode('9') }), /storage "9" has no record data\/9/),
  refused(
    'a storage of another folder',
    on({ key: unicode('../version') }),
    /has no record data\/\.\.\/version/,
  ),
  refused('a storage of the system', on({ key: unicode('../../../../etc/passwd') }), /has no record/),
  refused('a storage by an absolute path', on({ key: unicode('/etc/passwd') }), /has no record/),
  refused('a storage that is the pickle', on({ key: unicode('../data.pkl') }), /has no record/),
  refused('a storage of a long way to itself', on({ key: unicode('./0') }), /has no record/),
  refused('a storage with a NUL', on({ key: unicode('0\0') }), /has no record/),
  refused('a storage without a key', on({ key: unicode('') }), /has no record/),
  refused('a storage key that is a number', on({ key: number(0) }), /a storage has a number as key/),
  refused('a key that is bytes', on({ key: binBytes('0') }), /a storage has bytes as key/),
  refused(
    'a location that is a call',
    on({ location: call('os', 'getcwd') }),
    /an object of os\.getcwd as location/,
  ),
  inert('a location that names a device of evil', on({ location: unicode('cuda:0; touch x') }), {
    w: { tensor: 'w' },
  }),
  refused(
    'a class that is a function',
    on({ class: global('os', 'system') }),
    /storage is of the name os\.system, which is no class/,
  ),
  refused(
    'a class of another module',
    on({ class: global('evil', 'FloatStorage') }),
    /storage is of the name evil\.FloatStorage/,
  ),
  refused(
    'a class of the prototype',
    on({ class: global('torch', '__proto__') }),
    /storage is of the name torch\.__proto__/,
  ),
  refused('a class that is text', on({ class: unicode('FloatStorage') }), /storage is of a string/),
  refused(
    'another kind of persistent id',
    on({ kind: unicode('module') }),
    /a persistent id is a tuple, expected \('storage'/,
  ),
  refused('a persistent id of seven parts', on({ view: bytes(none, none) }), /a persistent id is a tuple/),
  refused(
    'a persistent id that is text',
    beside(bytes(unicode('storage'), binPersId)),
    /a persistent id is a string/,
  ),
  refused('a persistent id that is None', beside(bytes(none, binPersId)), /a persistent id is None/),
  refused(
    'a persistent id that is a tensor',
    beside(bytes(tensor(), binPersId)),
    /a persistent id is a tensor or storage/,
  ),
  refused('a persistent id in text', beside(persId('storage 0')), /PERSID/),
  refused(
    'a persistent id in a bare pickle',
    pickle(proto(2), dictOf({ w: tensor() })),
    /outside of it \(BINPERSID\), and there is nothing/,
  ),
  refused(
    'one storage as two types',
    saved(dictOf({ a: tensor(), b: tensor({ storage: storage({ class: global('torch', 'IntStorage') }) }) })),
    /storage 0 occurs as float32 and as int32/,
  ),
  refused(
    'one storage as two types of other sizes',
    saved(
      dictOf({
        a: tensor(),
        b: tensor({
          storage: storage({ class: global('torch', 'DoubleStorage'), count: number(2) }),
          shape: sizes(2),
        }),
      }),
    ),
    /storage 0 occurs as float32 and as float64/,
  ),
  refused(
    'one legacy storage as two types',
    legacy(
      pickle(
        proto(2),
        dictOf({ a: tensor(), b: tensor({ storage: storage({ class: global('torch', 'IntStorage') }) }) }),
      ),
    ),
    /storage 0 occurs as float32 and as int32/,
  ),
  refused(
    'one legacy storage of two sizes',
    legacy(pickle(proto(2), dictOf({ a: tensor(), b: tensor({ storage: storage({ count: number(2) }) }) }))),
    /storage 0 occurs with 4 and with 2 elements/,
  ),
]

const part = (...items: Bytes[]) =>
  legacy(pickle(proto(2), dictOf({ w: tensor({ storage: storage({ view: tupleOf(...items) }) }) })))

const parts: Attack[] = [
  refused(
    'a part past its storage',
    part(unicode('1'), number(1), number(4)),
    /reaches to element 5, and there are 4/,
  ),
  refused('a part at -1', part(unicode('1'), number(-1), number(4)), whole),
  refused(
    'a part whose end overflows',
    part(unicode('1'), number(2n ** 53n - 1n), number(2n ** 53n - 1n)),
    /reaches to element|whole/,
  ),
  refused('a part without a key', part(none, number(0), number(4)), /has None as key/),
  refused(
    'a tensor past its part',
    part(unicode('1'), number(1), number(3)),
    /reaches to element 4, and there are 3/,
  ),
]

const bare = (file: Bytes | undefined, ...more: Bytes[]) =>
  pickle(proto(3), dictOf({ w: tensor({ storage: storageInBytes(file) }) }), ...more)
const inside = pickle(proto(2), storage())

/** Storages of bare pickles: whole legacy files inside of them. */
const files: Attack[] = [
  inert('a storage in bytes', bare(undefined), { w: { tensor: 'w' } }),
  refused(
    'a storage in bytes cut off',
    bare(legacy(inside).subarray(0, -1)),
    /storage at byte \d+: .* ends at byte/,
  ),
  refused(
    'bytes behind a storage in bytes',
    bare(legacy(inside, undefined, { suffix: 'x' })),
    /storages end at byte/,
  ),
  refused('an object for a storage', bare(legacy(pickle(proto(2), none), [])), /loaded from a file of None/),
  refused('a tensor for a storage', bare(legacy(pickle(proto(2), tensor()))), /loaded from|rebuilt on/),
  refused('a zip file for a storage', bare(saved(storage())), /storage at byte/),
  refused('a bare pickle for a storage', bare(pickle(proto(2), none)), /storage at byte/),
  refused(
    'a storage in bytes in a storage in bytes',
    bare(legacy(pickle(proto(2), storageInBytes()), [])),
    /loaded from a file of an object of torch\.storage\._load_from_bytes/,
  ),
  refused(
    'a storage in text',
    pickle(
      proto(2),
      dictOf({ w: tensor({ storage: call('torch.storage', '_load_from_bytes', unicode('x')) }) }),
    ),
    /loaded from a string/,
  ),
  inert(
    'a storage in bytes in a zip file is a call',
    beside(storageInBytes('x')),
    besides({ record: { class: 'torch.storage._load_from_bytes', args: [{ bytes: 'x' }] } }),
  ),
]

const values: [string, Bytes, string][] = [
  ['a tensor', tensor(), 'a tensor or storage'],
  ['a storage', storage(), 'a tensor or storage'],
  ['a string', unicode('x'), 'a string'],
  ['a tuple', sizes(1), 'a tuple'],
  ['None', none, 'None'],
  ['a function', global('os', 'system'), 'the name os.system'],
]

const methods: Attack[] = values.flatMap(([what, value, kind]) => [
  refused(
    `SETITEM on ${what}`,
    beside(bytes(value, number(0), number(1), setItem)),
    new RegExp(`sets items of ${kind}`),
  ),
  refused(
    `SETITEMS on ${what}`,
    beside(bytes(value, mark, number(0), number(1), setItems)),
    new RegExp(`sets items of ${kind}`),
  ),
  refused(`APPEND on ${what}`, beside(bytes(value, number(1), append)), new RegExp(`appends to ${kind}`)),
  refused(
    `APPENDS on ${what}`,
    beside(bytes(value, mark, number(1), appends)),
    new RegExp(`appends to ${kind}`),
  ),
  refused(
    `ADDITEMS on ${what}`,
    beside(bytes(value, mark, number(1), addItems)),
    new RegExp(`adds items to ${kind}`),
  ),
])

const containers: Attack[] = [
  refused('SETITEM on a list', beside(bytes(']', number(0), number(1), setItem)), /sets items of a list/),
  refused('APPEND on a dict', beside(bytes('}', number(0), append)), /appends to a dict/),
  refused('ADDITEMS on a list', beside(bytes(']', mark, number(0), addItems)), /adds items to a list/),
  refused(
    'an odd number of items',
    beside(bytes('}', mark, number(0), setItems)),
    /odd number of keys and values/,
  ),
  refused(
    'a list as a key',
    beside(bytes('}', ']', number(1), setItem)),
    /a list is a key, and Python cannot hash it/,
  ),
  refused('a dict in a set', beside(bytes('\x8f', mark, '}', addItems)), /a dict is a key/),
  refused(
    'two weights of one name',
    saved(
      bytes(
        call('a', 'Net'),
        dictOf({
          _parameters: dictOf({ 'a.w': tensor() }),
          _modules: dictOf({
            a: bytes(
              call('a', 'Net'),
              dictOf({ _parameters: dictOf({ w: tensor({ shape: sizes(2) }) }) }),
              'b',
            ),
          }),
        }),
        'b',
      ),
    ),
    /two weights have the name 'a\.w'/,
  ),
]

/** Storages that are right, so that the files above are one step from a good one. */
const good: Attack[] = [
  inert('nothing forged', weight({}), { w: { tensor: 'w' } }),
  inert('a part of a storage', part(unicode('1'), number(0), number(4)), { w: { tensor: 'w' } }),
  inert('a storage that no tensor uses', saved(dictOf({ w: tensor() }), { 0: FLOATS, 7: 'unused' }), {
    w: { tensor: 'w' },
  }),
]

export const STORAGES: readonly Attack[] = [
  ...storages,
  ...parts,
  ...files,
  ...methods,
  ...containers,
  ...good,
]
