/** Pickles that are not well formed, and numbers and lengths in them that are meant to overflow something. */
import { tensor, torchZip } from '../../support/checkpoint_builder.js'
import {
  binBytes,
  binBytes8,
  binGet,
  binPut,
  binString,
  byteArray8,
  bytes,
  dictOf,
  emptyDict,
  float,
  frame,
  get,
  int,
  long,
  long4,
  longBinGet,
  longBinPut,
  mark,
  memoize,
  nextBuffer,
  none,
  number,
  pickle,
  pop,
  popMark,
  proto,
  put,
  readonlyBuffer,
  setItem,
  stringLine,
  unicode,
  unicode8,
  unicodeLine,
} from '../../support/pickle_builder.js'
import { type Attack, beside, besides, inert, refused, zipped } from './attack.js'

const cutOff = /before it is whole/
const empty = /empty stack|a stack of 0/

/** Opcodes that take something from a stack with nothing on it. */
const UNDERFLOWS: Record<string, string> = {
  POP: '0',
  DUP: '2',
  REDUCE: 'R',
  BUILD: 'b',
  APPEND: 'a',
  SETITEM: 's',
  TUPLE1: '\x85',
  TUPLE2: '\x86',
  TUPLE3: '\x87',
  NEWOBJ: '\x81',
  NEWOBJ_EX: '\x92',
  STACK_GLOBAL: '\x93',
  BINPERSID: 'Q',
  MEMOIZE: '\x94',
  BINPUT: 'q\x00',
  PUT: 'p0\n',
}

/** Opcodes that go back to a mark, when there is none. */
const UNMARKED: Record<string, string> = {
  POP_MARK: '1',
  TUPLE: 't',
  LIST: 'l',
  DICT: 'd',
  OBJ: 'o',
  INST: 'ia\nb\n',
  APPENDS: 'e',
  SETITEMS: 'u',
  ADDITEMS: '\x90',
  FROZENSET: '\x91',
}

const stacks: Attack[] = [
  ...Object.entries(UNDERFLOWS).map(([name, opcode]) =>
    refused(`${name} of nothing`, zipped(opcode, none), empty),
  ),
  ...Object.entries(UNDERFLOWS)
    .map(([name, opcode]) =>
      refused(
        `${name} across a mark`,
        zipped(none, none, none, mark, opcode, popMark),
        name === 'POP' ? /./ : empty,
      ),
    )
    .filter(({ name }) => !name.startsWith('POP ')),
  ...Object.entries(UNMARKED).map(([name, opcode]) =>
    refused(
      `${name} without a mark`,
      zipped(emptyDict, opcode, none),
      /goes back to a mark, and there is none/,
    ),
  ),
  refused('STOP with nothing', torchZip(pickle(proto(2))), /stops with 0 values/),
  refused('STOP with two values', zipped(none, none), /stops with 2 values/),
  refused('STOP with a mark', zipped(none, mark), /stops with 1 values on the stack and 1 marks/),
  refused('no STOP', torchZip(bytes(proto(2), emptyDict)), cutOff),
  refused('a thousand marks', zipped(none, mark.toString('latin1').repeat(1000)), /1000 marks/),
  inert('POP of a mark', zipped(none, mark, pop), null),
]

const headers: Attack[] = [
  refused('protocol 6', torchZip(pickle(proto(6), none)), /has protocol 6; 0 to 5 are known/),
  refused('protocol 255', torchZip(pickle(proto(255), none)), /has protocol 255/),
  refused(
    'PROTO twice',
    torchZip(pickle(proto(2), proto(2), none)),
    /0x80 is not an opcode that may stand here/,
  ),
  refused('PROTO at the end', zipped(none, proto(4)), /0x80 is not an opcode that may stand here/),
  refused(
    'a frame past the end',
    zipped(frame(1_000_000), none),
    /a frame of 1000000 bytes reaches past the end/,
  ),
  refused('a frame of 2^63 bytes', zipped(frame(2n ** 63n), none), /a length of 9223372036854775808 bytes/),
  refused('a frame of 2^64 - 1 bytes', zipped(frame(-1), none), /a length of 18446744073709551615 bytes/),
  refused('half a frame', torchZip(bytes(proto(4), '\x95\x00\x00')), cutOff),
  ...[0x00, 0x21, 0x3f, 0x7f, 0x99, 0xff].map((code) =>
    refused(
      `opcode ${code}`,
      zipped(none, Buffer.from([code])),
      new RegExp(`0x${code.toString(16)} is not an opcode`),
    ),
  ),
  refused('NEXT_BUFFER', zipped(nextBuffer), /buffers outside of it/),
  refused('READONLY_BUFFER', zipped(none, readonlyBuffer), /buffers outside of it/),
]

const lengths: Attack[] = [
  refused('BINUNICODE of 2^32 - 1 bytes', zipped(unicode('x', -1)), cutOff),
  refused(
    'BINUNICODE8 of 2^63 bytes',
    zipped(unicode8('x', 2n ** 63n)),
    /a length of 9223372036854775808 bytes/,
  ),
  refused('BINUNICODE8 of 2^53 - 1 bytes', zipped(unicode8('x', 2n ** 53n - 1n)), cutOff),
  refused('BINBYTES of 2^31 bytes', zipped(binBytes('x', 2 ** 31)), cutOff),
  refused(
    'BINBYTES8 of 2^64 - 1 bytes',
    zipped(binBytes8('x', -1)),
    /a length of 18446744073709551615 bytes/,
  ),
  refused('BINBYTES8 of 2^40 bytes', zipped(binBytes8('x', 2n ** 40n)), cutOff),
  refused(
    'BYTEARRAY8 of 2^62 bytes',
    zipped(byteArray8('', 2n ** 62n)),
    /a length of 4611686018427387904 bytes/,
  ),
  refused('BYTEARRAY8 of 2^36 bytes', zipped(byteArray8('', 2n ** 36n)), cutOff),
  refused('BINSTRING of -1 bytes', zipped(binString('x', -1)), /a length of -1 bytes/),
  refused('LONG4 of -1 bytes', zipped(long4(-1)), /a length of -1 bytes/),
  refused('LONG4 of 2^31 - 1 bytes', zipped(long4(2 ** 31 - 1)), /an integer of 2147483647 bytes/),
  refused(
    'LONG4 of a megabyte',
    zipped(long4(1 << 20, Buffer.alloc(1 << 20, 1))),
    /an integer of 1048576 bytes/,
  ),
  refused(
    'LONG of a hundred thousand digits',
    zipped(long(`${'9'.repeat(100_000)}L`)),
    /an integer of 100000 digits/,
  ),
  refused('a line without an end', torchZip(bytes(proto(2), 'Vabc')), cutOff),
  refused('a name without an end', torchZip(bytes(proto(2), 'cos\nsystem')), cutOff),
]

const numbers: Attack[] = [
  refused('INT of letters', zipped(int('x')), /"x" is not an integer/),
  refused('INT of nothing', zipped(int('')), /"" is not an integer/),
  refused('INT with an underscore', zipped(int('1_0')), /is not an integer/),
  refused('INT in hexadecimal', zipped(int('0x10')), /is not an integer/),
  refused('FLOAT of letters', zipped(float('1e')), /is not a number/),
  refused('FLOAT of Infinity', zipped(float('Infinity')), /is not a number/),
  inert('floats that are not finite', zipped(']', '(', float('nan'), float('-inf'), float('1e999'), 'e'), [
    { number: 'NaN' },
    { number: '-Infinity' },
    { number: 'Infinity' },
  ]),
  inert('an integer of 64 bits', zipped(number(2n ** 63n - 1n)), { bigint: '9223372036854775807' }),
  refused('a number of other digits', zipped(int('\xb2')), /a line is not ASCII/),
]

const texts: Attack[] = [
  refused('a string that is not UTF-8', zipped(unicode(Buffer.from([0xff]))), /a string is not UTF-8/),
  refused(
    'half a surrogate in UTF-8',
    zipped(unicode(Buffer.from([0xed, 0xa0, 0x80]))),
    /a string is not UTF-8/,
  ),
  refused('an overlong NUL', zipped(unicode(Buffer.from([0xc0, 0x80]))), /a string is not UTF-8/),
  refused('a character past the last', zipped(unicodeLine('\\U00110000')), /is not a character/),
  refused('a STRING without quotes', zipped(stringLine('x')), /a STRING is not in quotes/),
  refused('a STRING of one quote', zipped(stringLine("'")), /a STRING is not in quotes/),
  refused('a STRING of an unknown escape', zipped(stringLine("'\\q'")), /the unknown escape \\q/),
  refused('a STRING that ends in a backslash', zipped(stringLine("'\\'")), /escape/),
]

const memos: Attack[] = [
  refused('a memo that was not set', zipped(binGet(0)), /uses memo 0, which was not set/),
  refused('a memo of 2^32 - 1 that was not set', zipped(longBinGet(-1)), /uses memo 4294967295/),
  refused('a memo of text', zipped(get('x')), /is not an integer/),
  refused('a memo of -1', zipped(none, put('-1')), /sets memo -1, which no pickler counts to/),
  refused('a memo of 10^30', zipped(none, put('9'.repeat(30))), /sets memo 1e\+30/),
  refused('a memo of 2^32 - 1', zipped(none, longBinPut(-1)), /sets memo 4294967295/),
  refused('a memo of a mark', zipped(mark, binPut(0), popMark, none), empty),
  inert('a memo set again', zipped(none, memoize, binPut(0), '0', '\x88', binPut(0), binGet(0), '\x86'), [
    true,
    true,
  ]),
]

const again = { record: { class: '(the same object again, inside itself)' } }
const cycles: Attack[] = [
  inert('a list in itself', beside(bytes(']', binPut(0), binGet(0), 'a')), besides([again])),
  inert(
    'a dict in itself',
    beside(bytes(emptyDict, binPut(0), unicode('x'), binGet(0), setItem)),
    besides({ x: again }),
  ),
  inert(
    'a dict in its own list',
    beside(bytes(emptyDict, binPut(0), unicode('x'), ']', binGet(0), 'a', setItem)),
    besides({ x: [again] }),
  ),
  inert(
    'a state in itself',
    beside(bytes('ca\nB\n)R', binPut(0), binGet(0), 'b')),
    besides({ record: { class: 'a.B', state: again } }),
  ),
  inert('a list in itself, where weights might be', zipped(']', binPut(0), binGet(0), 'a'), [again]),
  refused(
    'a module in itself',
    zipped(
      'ca\nNet\n)R',
      binPut(0),
      emptyDict,
      ...[unicode('_parameters'), dictOf({ w: tensor() }), setItem],
      ...[unicode('_modules'), emptyDict, unicode('m'), binGet(0), setItem, setItem, 'b'],
    ),
    /nested more than 200 deep/,
  ),
]

export const PICKLES: readonly Attack[] = [
  ...stacks,
  ...headers,
  ...lengths,
  ...numbers,
  ...texts,
  ...memos,
  ...cycles,
]
