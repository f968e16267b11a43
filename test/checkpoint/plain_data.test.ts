/** What is no tensor as plain data: classes and containers, shared and nested values, bounds. */
import { equal, is, ok } from 'uvu/assert'
import { memorySource } from '../../lib/checkpoint/byte_source.js'
import { type PlainData, type PlainObject, PlainRecord, TensorRecord } from '../../lib/checkpoint/records.js'
import { PlainConverter } from '../../lib/checkpoint/torch/plain_data.js'
import { readTorchZip } from '../../lib/checkpoint/torch/read_zip.js'
import { saved, sizes, tensor } from '../support/checkpoint_builder.js'
import { rejects } from '../support/errors.js'
import * as p from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'

const test = suite('plain data')

function plain(value: p.Bytes): PlainData {
  const content = saved(value)
  const { root } = readTorchZip(memorySource(content, 'a.pth'))
  return new PlainConverter('a.pth', content.length).convert(root)
}
/** The message of what `work` throws; null when it does not. */
async function failure(work: () => unknown): Promise<string | null> {
  try {
    await work()
    return null
  } catch (error) {
    return (error as Error).message
  }
}
const object = (module: string, name: string, state: p.Bytes) =>
  p.bytes(p.global(module, name), p.emptyTuple, p.newObj, state, p.build)

test('containers', () => {
  const dict = plain(p.dictOf({ b: p.listOf(p.none) })) as PlainObject
  is(Object.getPrototypeOf(dict), null)
  const hostile = plain(p.bytes('}(', p.unicode('__proto__'), p.number(1), 'u')) as PlainObject
  equal(Object.entries(hostile), [['__proto__', 1]])
  equal(plain(p.tupleOf(p.number(1), p.tupleOf())), [1, []])
  equal(plain(p.call('builtins', 'frozenset', p.listOf(p.number(1)))), [1])
  const mixed = plain(p.bytes('}(', p.number(0), p.none, p.tupleOf(p.number(1)), p.none, 'u'))
  equal(
    [...(mixed as Map<PlainData, PlainData>).entries()],
    [
      [0, null],
      [[1], null],
    ],
  )
})

test('a history by fractions, however long', () => {
  const history = (count: number) =>
    plain(
      p.bytes(
        '}(',
        ...Array.from({ length: count }, (_, i) => p.bytes(p.binFloat(i + 0.5), p.number(i))),
        'u',
      ),
    )
  is((history(4096) as Map<PlainData, PlainData>).get(4095.5), 4095)
  const pairs = history(5000) as [number, number][]
  equal([pairs.length, pairs[0], new Map(pairs).get(4999.5)], [5000, [0.5, 0], 4999])
})

test('classes whose objects are plain data at heart', () => {
  equal({ ...(plain(object('argparse', 'Namespace', p.dictOf({ lr: p.number(1) }))) as object) }, { lr: 1 })
  equal(plain(p.call('pathlib', 'PosixPath', p.unicode('/'), p.unicode('a'), p.unicode('b'))), '/a/b')
  equal(plain(p.call('pathlib', 'PureWindowsPath', p.unicode('C:\\'), p.unicode('a'))), 'C:\\a')
  equal(plain(p.call('torch', 'device', p.unicode('cuda'), p.number(1))), 'cuda:1')
  equal(plain(p.call('torch', 'Size', sizes(2, 3))), [2, 3])
  equal(plain(p.global('torch', 'bfloat16')), 'torch.bfloat16')
  const dtype = p.bytes(
    p.call('numpy', 'dtype', p.unicode('i4'), p.newFalse, p.newTrue),
    p.tupleOf(p.number(3), p.unicode('<'), p.none),
    p.build,
  )
  equal(plain(dtype), '<i4')
  const array = (shape: p.Bytes, content: string) =>
    p.bytes(
      p.call(
        'numpy._core.multiarray',
        '_reconstruct',
        p.global('numpy', 'ndarray'),
        sizes(0),
        p.binBytes('b'),
      ),
      p.tupleOf(p.number(1), shape, dtype, p.newFalse, p.binBytes(content)),
      p.build,
    )
  equal(plain(array(sizes(), '\x07\0\0\0')), 7)
  const record = plain(array(sizes(2), '\x07\0\0\0\x08\0\0\0')) as PlainRecord
  const parts = { shape: [2], dtype: '<i4', order: 'C', data: new Uint8Array([7, 0, 0, 0, 8, 0, 0, 0]) }
  equal([record.class, { ...(record.state as object) }], ['numpy.ndarray', parts])
})

test('everything else is a record of its name and what it was made from', () => {
  const call = plain(p.call('os', 'system', p.unicode('id'))) as PlainRecord
  equal(
    [call instanceof PlainRecord, call.class, call.args, Object.keys(call)],
    [true, 'os.system', ['id'], ['class', 'args']],
  )
  const made = plain(object('a', 'B', p.dictOf({ x: p.number(1) }))) as PlainRecord
  equal([made.class, { ...(made.state as object) }, Object.keys(made)], ['a.B', { x: 1 }, ['class', 'state']])
  equal(plain(p.global('a', 'B')), new PlainRecord('a.B'))
})

test('records stand where tensors stood, named by their place', () => {
  const data = plain(p.dictOf({ a: p.listOf(p.dictOf({ b: tensor() })) })) as PlainObject
  const record = ((data.a as PlainData[])[0] as PlainObject).b
  ok(record instanceof TensorRecord)
  equal([record.name, record.shape], ['a.0.b', [4]])
})

test('what occurs twice is one object, and what holds itself says so', () => {
  const data = plain(
    p.bytes(p.emptyList, p.memoize, p.pop, p.listOf(p.binGet(0), p.binGet(0))),
  ) as PlainData[]
  is(data[0], data[1])
  const self = plain(p.bytes(p.emptyList, p.memoize, p.binGet(0), p.append)) as PlainData[]
  equal(self, [new PlainRecord('(the same object again, inside itself)')])
})

test('repetitions and depth are bounded', async () => {
  const doubled = (count: number) =>
    p.bytes(
      p.emptyList,
      ...Array.from({ length: count }, (_, i) =>
        p.bytes(p.binPut(i), p.pop, p.listOf(p.binGet(i), p.binGet(i))),
      ),
    )
  ok(Array.isArray(plain(doubled(10))))
  await rejects(
    async () => plain(doubled(40)),
    'ERR_FORMAT',
    /repeat each other to more than \d+ when written out/,
  )
  const text = p.bytes(p.unicode('x'.repeat(100_000)), p.binPut(0), p.pop)
  const copies = p.listOf(...new Array(1000).fill(p.binGet(0)))
  await rejects(async () => plain(p.bytes(text, copies)), 'ERR_FORMAT', /repeat each other/)
  // Whatever is written out with every value: a key, the name of a class, of a tensor, a long integer.
  const long = 'k'.repeat(1 << 20)
  const many = (count: number, value: p.Bytes) => p.listOf(...new Array(count).fill(value))
  const memo = (value: p.Bytes) => p.bytes(value, p.binPut(0), p.pop)
  const repeated: Record<string, p.Bytes> = {
    key: p.bytes(memo(p.unicode(long)), many(600, p.bytes(p.emptyDict, p.binGet(0), p.none, p.setItem))),
    'key of a Map': p.bytes(
      memo(p.unicode(long)),
      many(600, p.bytes('}(', p.none, p.none, p.binGet(0), p.none, 'u')),
    ),
    class: p.bytes(memo(p.global(long, 'A')), many(600, p.bytes(p.binGet(0), p.emptyTuple, p.newObj))),
    'reference to a class': p.bytes(memo(p.global(long, 'A')), many(600, p.binGet(0))),
    tensor: p.bytes(memo(tensor()), p.dictOf({ [long]: many(600, p.binGet(0)) })),
    integer: p.bytes(memo(p.long4(1024, '\x7f'.repeat(1024))), many(20_000, p.binGet(0))),
  }
  for (const [what, value] of Object.entries(repeated)) {
    const error = await failure(() => plain(value))
    ok(/repeat each other/.test(error ?? ''), `${what}: ${error}`)
  }
  const nested = (depth: number) => p.bytes(']'.repeat(depth), 'a'.repeat(depth - 1))
  ok(Array.isArray(plain(nested(900))))
  await rejects(async () => plain(nested(1100)), 'ERR_FORMAT', /nested more than 1000 deep/)
  // Two chains of 700, one below the other by the memo.
  const chained = p.bytes(nested(700), p.binPut(0), p.pop, ']'.repeat(700), p.binGet(0), 'a'.repeat(700))
  await rejects(async () => plain(p.listOf(chained)), 'ERR_FORMAT', /nested more than 1000 deep/)
})

test.run()
