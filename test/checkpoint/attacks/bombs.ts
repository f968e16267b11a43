/** Small files that ask for much memory: repetition, depth, copies. */
import { safetensors, tensor } from '../../support/checkpoint_builder.js'
import {
  append,
  appends,
  type Bytes,
  binGet,
  binPut,
  bytes,
  dictOf,
  dup,
  emptyDict,
  emptyTuple,
  global,
  mark,
  newTrue,
  none,
  pickle,
  pop,
  proto,
  reduce,
  setItem,
  tuple1,
  tuple2,
  unicode,
} from '../../support/pickle_builder.js'
import { type Attack, refused, repeated, zipped } from './attack.js'

export const memory = /far more memory than the file has bytes/
export const repeats = /repeat each other to more than|more than 200000 names/
const deep = /nested more than \d+ deep|nested too deeply|far more memory/
export const MEGABYTE = 'k'.repeat(1 << 20)

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

export function net(parameters: Bytes, modules: Bytes): Buffer {
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
  refused(
    'fifty thousand tuples in one another in a bare pickle',
    pickle(proto(2), repeated(50_000, newTrue, tuple1)),
    /stops with|deep/,
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

export const BOMBS: readonly Attack[] = [...laughs, ...depths, ...copies]
