/** The stack machine: values of every opcode that makes one, and the rule each broken pickle breaks. */
import { equal, is, ok } from 'uvu/assert'
import { PYTHON_FUNCTIONS } from '../../lib/checkpoint/pickle/globals.js'
import { unpickle } from '../../lib/checkpoint/pickle/unpickler.js'
import {
  PickleDict,
  PickleGlobal,
  PickleObject,
  type PickleSet,
  type PickleTuple,
  type PickleValue,
} from '../../lib/checkpoint/pickle/values.js'
import { rejects } from '../support/errors.js'
import * as p from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'

const test = suite('unpickler')

const run = (content: Uint8Array) =>
  unpickle(content, { name: 'x', fileSize: content.length, functions: PYTHON_FUNCTIONS })
const value = (...parts: p.Bytes[]): PickleValue => run(p.pickle(...parts)).value
const refused = (message: RegExp, ...parts: p.Bytes[]) =>
  rejects(async () => value(...parts), 'ERR_FORMAT', message)

test('constants of all protocols', () => {
  const cases: [p.Bytes, PickleValue][] = [
    [p.none, null],
    [p.newTrue, true],
    [p.newFalse, false],
    [p.int('00'), false],
    [p.int('01'), true],
    [p.int('-7'), -7],
    [p.int('-0'), 0],
    [p.long('123456789012345678901L'), 123456789012345678901n],
    [p.long('-5L'), -5],
    [p.binInt(-2), -2],
    [p.binInt1(255), 255],
    [p.binInt2(65535), 65535],
    [p.bytes('\x8a\x00'), 0],
    [p.bytes('\x8a\x01\x80'), -128],
    [p.bytes('\x8a\x06\xff\xff\xff\xff\xff\x7f'), 2 ** 47 - 1],
    [p.bytes('\x8a\x08\xff\xff\xff\xff\xff\xff\xff\xff'), -1],
    [p.bytes('\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80'), -(2n ** 63n)],
    [p.long1(-(2n ** 100n)), -(2n ** 100n)],
    [p.long4(2, '\x00\x01'), 256],
    [p.binFloat(0.1), 0.1],
    [p.float('-1e-300'), -1e-300],
    [p.float('inf'), Number.POSITIVE_INFINITY],
    [p.unicode('hé中😀'), 'hé中😀'],
    [p.shortUnicode(''), ''],
    [p.unicode8('a'.repeat(100)), 'a'.repeat(100)],
    [p.unicodeLine('a\\u4e2d\\U0001f600\\\\u0041\xe9'), 'a中😀\\\\u0041é'],
    [p.stringLine("'a\\'\\n\\x41\\101\\\\'"), "a'\nAA\\"],
    [p.binString('text'), 'text'],
    [p.shortBinString(Buffer.from([0xff, 0])), new Uint8Array([0xff, 0])],
    [p.binBytes('\x01\x02'), new Uint8Array([1, 2])],
    [p.shortBinBytes(''), new Uint8Array(0)],
    [p.binBytes8('\x03'), new Uint8Array([3])],
    [p.byteArray8('\x04'), new Uint8Array([4])],
  ]
  for (const [content, expected] of cases) {
    const actual = value(content)
    equal(actual instanceof Uint8Array ? new Uint8Array(actual) : actual, expected)
  }
})

test('containers, the memo and the stack', () => {
  equal(value('](', p.number(1), p.none, 'e'), [1, null])
  equal(value(p.emptyList, p.number(1), 'a'), [1])
  equal(value('(', p.number(1), 'l'), [1])
  const shared = value(p.emptyList, p.memoize, p.pop, '(', p.binGet(0), p.binGet(0), 't') as PickleTuple
  is(shared.items[0], shared.items[1])
  const dict = value('(', p.unicode('a'), p.number(1), p.unicode('b'), p.number(2), 'd') as PickleDict
  equal(
    [...dict.entries()],
    [
      ['a', 1],
      ['b', 2],
    ],
  )
  equal([...(value(p.emptySet, '(', p.number(1), p.number(1), '\x90') as PickleSet).items()], [1])
  ok((value('(', p.number(1), p.frozenSet) as PickleSet).frozen)
  equal(value(p.number(1), p.dup, p.pop), 1)
  equal(value('(', p.pop, p.number(1)), 1)
  equal(value('(', p.number(2), p.popMark, p.number(1)), 1)
  equal(value(p.number(5), p.longBinPut(6), p.pop, p.longBinGet(6)), 5)
  equal(value(p.number(5), p.put('7'), p.pop, p.get('7')), 5)
  equal(value(p.proto(4), p.frame(6), p.number(3)), 3)
})

test('keys are compared as Python compares them', () => {
  const keys = (...parts: p.Bytes[]) => [...(value('}(', ...parts, 'u') as PickleDict).entries()]
  equal(keys(p.number(1), p.none, p.newTrue, p.number(2), p.binFloat(1), p.number(3)), [[1, 3]])
  equal(keys(p.long1(2n ** 60n), p.none, p.binFloat(2 ** 60), p.number(1)), [[2n ** 60n, 1]])
  equal(keys(p.number(1), p.none, p.unicode('1'), p.none).length, 2)
  equal(keys(p.binFloat(0.5), p.none, p.unicode('0.5'), p.none, p.unicode('f0.5'), p.none).length, 3)
  equal(keys(p.number(2 ** 24), p.none, p.binFloat(2 ** 24), p.none, p.long1(2n ** 24n), p.none).length, 1)
  equal(keys(p.long1(2n ** 64n + 5n), p.none, p.number(5), p.none, p.long1(-5n), p.none).length, 3)
  const pair = p.tupleOf(p.number(1), p.unicode('a'))
  equal(keys(pair, p.number(1), pair, p.number(2)).length, 1)
  equal(keys(pair, p.none, p.tupleOf(p.unicode('a'), p.number(1)), p.none).length, 2)
})

test('classes and functions are names, and calls of unknown ones are records', () => {
  const global = value(p.global('os', 'system')) as PickleGlobal
  equal([global instanceof PickleGlobal, global.path], [true, 'os.system'])
  const call = value(p.call('os', 'system', p.unicode('id'))) as PickleObject
  equal(
    [call instanceof PickleObject, call.class.path, call.args, call.called],
    [true, 'os.system', ['id'], true],
  )
  const objects = [
    value(p.global('a', 'B'), p.emptyTuple, p.newObj),
    value(p.unicode('a'), p.unicode('B'), p.stackGlobal, p.emptyTuple, p.newObj),
    value(p.mark, p.global('a', 'B'), p.obj),
    value(p.mark, p.inst('a', 'B')),
    value(p.global('a', 'B'), p.emptyTuple, p.emptyDict, p.newObjEx),
    value(p.call('copyreg', '_reconstructor', p.global('a', 'B'), p.global('builtins', 'object'), p.none)),
  ] as PickleObject[]
  for (const object of objects) {
    equal([object.class.path, object.args, object.called, object.state], ['a.B', [], false, undefined])
  }
  const reconstructed = (base: string, state: p.Bytes) =>
    value(p.call('copy_reg', '_reconstructor', p.global('a', 'B'), p.global('__builtin__', base), state))
  const extendsDict = reconstructed('dict', p.dictOf({ x: p.number(1) })) as PickleObject
  equal([extendsDict.class.path, extendsDict.args, extendsDict.items?.get('x')], ['a.B', [], 1])
  equal((reconstructed('list', p.listOf(p.number(1))) as PickleObject).list, [1])
  equal((reconstructed('float', p.binFloat(0.5)) as PickleObject).args, [0.5])
  const built = value(p.global('a', 'B'), p.emptyTuple, p.newObj, p.dictOf({ x: p.number(1) }), p.build)
  equal(((built as PickleObject).state as PickleDict).get('x'), 1)
  const extended = value(p.global('a', 'B'), p.emptyTuple, p.newObj, p.number(1), p.number(2), p.setItem)
  equal([...((extended as PickleObject).items as PickleDict).entries()], [[1, 2]])
})

test('the classes and functions that make plain data', () => {
  const dict = value(p.global('collections', 'OrderedDict'), p.emptyTuple, p.reduce) as PickleDict
  ok(dict instanceof PickleDict)
  ok(value(p.global('collections', 'OrderedDict'), p.emptyTuple, p.newObj) instanceof PickleDict)
  const pairs = value(p.call('collections', 'OrderedDict', p.listOf(p.listOf(p.number(1), p.number(2)))))
  equal([...(pairs as PickleDict).entries()], [[1, 2]])
  equal([...(value(p.call('builtins', 'set', p.listOf(p.number(3)))) as PickleSet).items()], [3])
  const encoded = value(p.call('_codecs', 'encode', p.unicode('\xff\x00'), p.unicode('latin1')))
  equal([...(encoded as Uint8Array)], [255, 0])
  const dtype = p.bytes(
    p.call('numpy', 'dtype', p.unicode('f8'), p.newFalse, p.newTrue),
    p.tupleOf(p.number(3), p.unicode('>'), p.none),
    p.build,
  )
  const big = Buffer.alloc(8)
  big.writeDoubleBE(1.5)
  equal(value(p.call('numpy.core.multiarray', 'scalar', dtype, p.binBytes(big))), 1.5)
})

test('what breaks a rule is refused, with the rule', async () => {
  await rejects(async () => run(Buffer.alloc(0)), 'ERR_FORMAT', /it ends at byte 0, before it is whole/)
  await refused(/protocol 6; 0 to 5/, p.proto(6))
  await refused(/0x80 is not an opcode that may stand here/, p.none, p.proto(2))
  await refused(/0xff is not an opcode/, '\xff')
  await refused(/stops with 0 values/)
  await refused(/stops with 2 values on the stack/, p.none, p.none)
  await refused(/stops with 1 values on the stack and 1 marks/, p.mark, p.none)
  await refused(/takes a value from an empty stack/, p.emptyList, p.mark, p.append)
  await refused(/takes 2 values from a stack of 1/, p.none, p.reduce)
  await refused(/back to a mark, and there is none/, p.none, p.tuple)
  await refused(/uses memo 3, which was not set/, p.binGet(3))
  await refused(/sets memo 4000000000, which no pickler counts to/, p.none, p.longBinPut(4_000_000_000))
  await refused(/before it is whole/, p.binBytes('', 0xffffffff))
  await refused(/a length of -1 bytes/, p.binString('', -1))
  await refused(/a length of 18446744073709551615 bytes/, p.unicode8('', 0xffffffffffffffffn))
  await refused(/an integer of 70000 bytes/, p.long4(70000, 'x'.repeat(70000)))
  await refused(/an integer of 3000 digits/, p.int('9'.repeat(3000)))
  await refused(/"1_0" is not an integer/, p.int('1_0'))
  await refused(/"0x10" is not a number/, p.float('0x10'))
  await refused(/not UTF-8/, p.unicode(Buffer.from([0xff])))
  await refused(/not in quotes/, p.stringLine('abc'))
  await refused(/unknown escape \\N/, p.stringLine("'\\N'"))
  await refused(/\\U00110000 is not a character|not a character/, p.unicodeLine('\\U00110000'))
  await refused(/a frame of 99 bytes reaches past the end/, p.frame(99))
  await refused(/odd number of keys and values/, '}(', p.none, 'u')
  await refused(/a list is a key/, p.emptyDict, p.emptyList, p.none, 's')
  await refused(/a dict is a key/, p.emptyDict, p.tupleOf(p.emptyDict), p.none, 's')
  await refused(/appends to a dict, expected a list/, p.emptyDict, p.none, 'a')
  await refused(/sets items of a list, expected a dict/, p.emptyList, p.none, p.none, 's')
  await refused(/adds items to a set/, '(', p.frozenSet, '(', p.none, p.addItems)
  await refused(/REDUCE calls an object of os\.system/, p.call('os', 'system'), p.emptyTuple, p.reduce)
  await refused(/REDUCE has a list for arguments/, p.global('a', 'b'), p.emptyList, p.reduce)
  await refused(/STACK_GLOBAL names a class by None and a string/, p.none, p.unicode('x'), p.stackGlobal)
  await refused(/BUILD sets the state of a list, and it has none/, p.emptyList, p.none, p.build)
  await refused(/BUILD sets the state of the name a\.b/, p.global('a', 'b'), p.none, p.build)
  await refused(/it was set before/, p.call('a', 'b'), p.none, p.build, p.none, p.build)
  await refused(/extension registry/, p.ext1(1))
  await refused(/buffers outside/, p.nextBuffer)
  await refused(/outside of it \(BINPERSID\)/, p.none, p.binPersId)
  await refused(/\(PERSID\)/, p.persId('0'))
  await refused(/not Latin-1/, p.call('_codecs', 'encode', p.unicode('中'), p.unicode('latin1')))
  await refused(/expected latin1/, p.call('_codecs', 'encode', p.unicode('a'), p.unicode('rot13')))
})

test('values take memory in proportion to the file', async () => {
  await refused(/far more memory/, p.bytes(']'.repeat(1_000_000)))
  // A list of 1000 items, and a copy of it for every 9 bytes.
  const copies = p.bytes(p.binGet(0), p.binGet(1), p.reduce).toString('latin1').repeat(100_000)
  const items = p.listOf(...Array.from({ length: 1000 }, (_, i) => p.number(i)))
  await refused(
    /far more memory/,
    p.global('builtins', 'list'),
    p.binPut(0),
    p.pop,
    p.bytes(items, p.tuple1, p.binPut(1), p.pop),
    p.emptyList,
    p.mark,
    copies,
    p.appends,
  )
})

test.run()
