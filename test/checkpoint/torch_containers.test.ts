/** The three containers of torch.save: what they may hold, and the rule each broken file breaks. */
import { equal, is, ok } from 'uvu/assert'
import { memorySource } from '../../lib/checkpoint/byte_source.js'
import type { PickleDict, PickleValue } from '../../lib/checkpoint/pickle/values.js'
import { readTorchLegacy } from '../../lib/checkpoint/torch/read_legacy.js'
import { readBarePickle } from '../../lib/checkpoint/torch/read_pickle.js'
import { readTorchZip } from '../../lib/checkpoint/torch/read_zip.js'
import { PickleStorage, PickleTensor } from '../../lib/checkpoint/torch/storages.js'
import {
  FLOATS,
  legacy,
  saved,
  sizes,
  storage,
  tensor,
  torchMembers,
  torchZip,
} from '../support/checkpoint_builder.js'
import { rejects } from '../support/errors.js'
import * as p from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'
import { zip } from '../support/zip_builder.js'

const test = suite('containers of torch.save')

const zipRoot = (content: Uint8Array) => readTorchZip(memorySource(content, 'a.pth')).root
const refused = (message: RegExp, value: p.Bytes, storages?: Record<string, p.Bytes>) =>
  rejects(async () => zipRoot(saved(value, storages)), 'ERR_FORMAT', message)
const tensorOf = (root: PickleValue): PickleTensor => {
  ok(root instanceof PickleTensor)
  return root
}

test('zip: a tensor and where its elements lie', () => {
  const content = saved(tensor())
  const { dtype, shape, view, requiresGrad, unreadable } = tensorOf(zipRoot(content))
  equal(
    [dtype, shape, view?.strides, view?.offset, requiresGrad, unreadable],
    ['float32', [4], [1], 0, false, null],
  )
  const record = (view as { storage: PickleStorage }).storage.record
  equal([record.key, record.byteLength, record.path], ['0', 16, 'a.pth'])
  equal(content.subarray(record.offset, record.offset + 16), FLOATS)
})

test('zip: views of all kinds stay inside their storage', async () => {
  const ok4 = (fields: Parameters<typeof tensor>[0]) => tensorOf(zipRoot(saved(tensor(fields)))).unreadable
  is(ok4({ shape: sizes(2, 2), strides: sizes(1, 2) }), null)
  is(ok4({ shape: sizes(2), strides: sizes(2), offset: p.number(1) }), null)
  is(ok4({ shape: sizes(), strides: sizes(), offset: p.number(3) }), null)
  is(ok4({ shape: sizes(0, 3), strides: sizes(3, 1), offset: p.number(99) }), null)
  is(ok4({ shape: sizes(4, 1), strides: sizes(1, 99) }), null)
  ok(/an expanded view/.test(ok4({ shape: sizes(5), strides: sizes(0) }) as string))
  const outside = (fields: Parameters<typeof tensor>[0], message: RegExp) => refused(message, tensor(fields))
  await outside({ shape: sizes(5) }, /reaches to element 5, and there are 4/)
  await outside({ offset: p.number(1) }, /reaches to element 5/)
  await outside({ shape: sizes(2, 2), strides: sizes(3, 1) }, /reaches to element 5/)
  await outside({ strides: sizes(-1) }, /the strides of a tensor is -1/)
  await outside({ shape: sizes(-4) }, /the shape of a tensor is -4/)
  await outside({ offset: p.number(-1) }, /the offset of a tensor is -1/)
  await outside({ shape: sizes(2n ** 62n) }, /the shape of a tensor is 4611686018427387904/)
  await outside({ shape: sizes(2 ** 40, 2 ** 40), strides: sizes(0, 0) }, /too large to address/)
  await outside({ shape: sizes(2 ** 30, 2), strides: sizes(2 ** 50, 1) }, /strides that overflow/)
  await outside({ shape: sizes(...new Array(65).fill(1)) }, /has 65 dimensions/)
  await outside({ strides: sizes(1, 1) }, /has 2 strides/)
  await outside({ shape: p.listOf(p.number(4)) }, /is a list, expected a tuple/)
  await outside({ shape: p.tupleOf(p.newTrue) }, /is a bool/)
  await outside({ storage: p.none }, /rebuilt on None, expected a storage/)
  await outside({ storage: p.call('os', 'system', p.unicode('id')) }, /rebuilt on an object of os\.system/)
  await outside({ requiresGrad: p.number(1) }, /requires_grad of a tensor is a number/)
})

test('zip: storages must be as their records are', async () => {
  const stored = (fields: Parameters<typeof storage>[0], message: RegExp) =>
    refused(message, tensor({ storage: storage(fields) }))
  await stored({ count: p.number(5) }, /has 5 elements of float32, 20 bytes, and its record has 16/)
  await stored({ count: p.number(3) }, /and its record has 16/)
  await stored({ count: p.number(-1) }, /the size of a storage is -1/)
  await stored({ count: p.number(2 ** 52) }, /too many to address/)
  await stored({ key: p.unicode('1') }, /storage "1" has no record data\/1/)
  await stored({ key: p.number(0) }, /has a number as key/)
  await stored({ kind: p.unicode('module') }, /expected \('storage', class/)
  await stored({ class: p.global('os', 'FloatStorage') }, /no class of storages/)
  await stored({ class: p.global('torch', 'Storage') }, /no class of storages/)
  await refused(/a persistent id is a string/, p.bytes(p.unicode('0'), p.binPersId))
})

test('zip: parameters and variables until PyTorch 0.3, whose state is set behind them', async () => {
  const state = (requiresGrad: p.Bytes, hooks: p.Bytes) => p.tupleOf(requiresGrad, p.newFalse, hooks)
  const made = (module: string, name: string, ...states: p.Bytes[]) =>
    p.bytes(p.call(module, name, tensor()), ...states.map((each) => p.bytes(each, p.build)))
  const requires = (value: p.Bytes) => tensorOf(zipRoot(saved(value))).requiresGrad
  const hooks = p.call('collections', 'OrderedDict')
  is(requires(made('torch.nn.parameter', 'Parameter', state(p.newTrue, hooks))), true)
  is(requires(made('torch.nn.parameter', 'Parameter', state(p.newFalse, p.none))), false)
  is(requires(made('torch.autograd.variable', 'Variable')), false)
  is(requires(made('torch.autograd.variable', 'Variable', state(p.newTrue, p.none))), true)
  const message = /BUILD sets the state of a tensor or storage, and it has none/
  for (const other of [p.tupleOf(p.newTrue, p.newTrue), state(p.none, p.none), state(p.newTrue, p.newTrue)]) {
    await refused(message, made('torch.nn.parameter', 'Parameter', other))
  }
})

test('zip: tensors of devices without storages, saved as a copy', async () => {
  const rebuilt = (dtype: string, copy: p.Bytes = tensor()) =>
    p.call(
      'torch._utils',
      '_rebuild_device_tensor_from_cpu_tensor',
      ...[copy, p.global('torch', dtype), p.unicode('xla:0'), p.newTrue],
    )
  const { dtype, shape, requiresGrad, unreadable } = tensorOf(zipRoot(saved(rebuilt('float32'))))
  equal([dtype, shape, requiresGrad, unreadable], ['float32', [4], true, null])
  is(
    tensorOf(zipRoot(saved(rebuilt('bfloat16')))).unreadable,
    'it is of bfloat16 on its device, and was saved as float32',
  )
  await refused(/rebuilt from None, expected a tensor/, rebuilt('float32', p.none))
})

test('zip: parameters, subclasses and dtypes', async () => {
  const parameter = p.call('torch._utils', '_rebuild_parameter', tensor(), p.newTrue, p.none)
  is(tensorOf(zipRoot(saved(parameter))).requiresGrad, true)
  const args = p.tupleOf(storage(), p.number(0), sizes(4), sizes(1), p.newFalse, p.none)
  const subclass = (rebuilder: p.Bytes) =>
    p.call('torch._tensor', '_rebuild_from_type_v2', rebuilder, p.global('a', 'MyTensor'), args, p.emptyDict)
  is(tensorOf(zipRoot(saved(subclass(p.global('torch._utils', '_rebuild_tensor_v2'))))).dtype, 'float32')
  await refused(/rebuilt from an object of os\.system, expected a tensor/, subclass(p.global('os', 'system')))
  const v3 = (dtype: string) =>
    p.call(
      'torch._utils',
      '_rebuild_tensor_v3',
      storage({ class: p.global('torch.storage', 'UntypedStorage'), count: p.number(16) }),
      ...[p.number(0), sizes(2), sizes(1), p.newFalse, p.none, p.global('torch', dtype)],
    )
  is(tensorOf(zipRoot(saved(v3('float64')))).unreadable, null)
  is(tensorOf(zipRoot(saved(v3('uint16')))).unreadable, 'this library has no uint16')
  ok(/float8/.test(tensorOf(zipRoot(saved(v3('float8_e5m2')))).unreadable as string))
  ok(/complex/.test(tensorOf(zipRoot(saved(v3('complex64')))).unreadable as string))
  await refused(/reaches to element 2, and there are 1/, v3('complex128'))
  await refused(/the dtype of a tensor is the name torch\.nn/, v3('nn'))
  const sparse = p.call('torch._utils', '_rebuild_sparse_tensor', p.none, p.none)
  ok(/it is sparse/.test(tensorOf(zipRoot(saved(sparse))).unreadable as string))
})

test('zip: the records around the pickle', async () => {
  const members = torchMembers(p.pickle(p.proto(2), tensor()))
  const changed = (change: (list: typeof members) => typeof members, message: RegExp) =>
    rejects(async () => zipRoot(zip(change(members))), 'ERR_FORMAT', message)
  const replaced = (name: string, data: string) => (list: typeof members) =>
    list.map((member) => (member.name === `archive/${name}` ? { name: member.name, data } : member))
  await changed(replaced('byteorder', 'big'), /its byteorder is "big"/)
  await changed(replaced('version', '99\n'), /its version is "99\\n", expected 1 to 10/)
  await changed(replaced('version', '0x3'), /its version is "0x3"/)
  await changed((list) => [...list, { name: 'other/x' }], /entry "other\/x" is outside its folder archive/)
  await changed((list) => [...list, { name: 'b/data.pkl' }], /it has 2 records FOLDER\/data\.pkl/)
  await changed((list) => list.slice(1), /it has 0 records FOLDER\/data\.pkl/)
  await changed((list) => [...list, { name: 'archive/constants.pkl' }], /TorchScript archive/)
  await changed(
    replaced('data.pkl', `${p.pickle(p.none).toString('latin1')}x`),
    /data\.pkl goes on for 1 bytes/,
  )
  // Files of PyTorch 1.6 have no byteorder.
  const old = members.filter((member) => member.name !== 'archive/byteorder')
  is(tensorOf(zipRoot(zip(old))).dtype, 'float32')
})

const legacyRoot = (content: Uint8Array) => readTorchLegacy(memorySource(content, 'a.pth')).root
const legacyStorage = (view: p.Bytes = p.none) => storage({ view })
const weights = p.pickle(p.proto(2), tensor({ storage: legacyStorage() }))

test('legacy: storages behind the pickles', () => {
  const content = legacy(weights)
  const { view } = tensorOf(legacyRoot(content))
  const record = (view as { storage: PickleStorage }).storage.record
  equal(content.subarray(record.offset, record.offset + record.byteLength), FLOATS)
  is(record.crc32, null)
})

test('legacy: parts of storages, and classes with their source, as PyTorch before 0.4 wrote them', () => {
  const part = p.tupleOf(p.unicode('v'), p.number(2), p.number(2))
  const value = tensor({ storage: legacyStorage(part), shape: sizes(2) })
  const { view } = tensorOf(legacyRoot(legacy(p.pickle(p.proto(2), value))))
  equal([view?.offset, view?.storage.count, view?.storage.record.byteLength], [2, 2, 16])
  const module = p.bytes(
    p.tupleOf(p.unicode('module'), p.global('a', 'Net'), p.unicode('a.py'), p.unicode('class Net: pass')),
    p.binPersId,
  )
  const object = p.pickle(p.proto(2), module, p.emptyTuple, p.newObj, p.dictOf({ x: p.number(1) }), p.build)
  ok(legacyRoot(legacy(object, [])) !== null)
})

test('legacy: what breaks a rule', async () => {
  const broken = (content: Uint8Array, message: RegExp) =>
    rejects(async () => legacyRoot(content), 'ERR_FORMAT', message)
  const one = (count: number | bigint, data: p.Bytes = FLOATS) => [{ key: '0', count, data }]
  await broken(legacy(weights, undefined, { magic: p.pickle(p.number(1)) }), /magic number/)
  await broken(legacy(weights, undefined, { version: p.pickle(p.number(1002)) }), /protocol version is 1002/)
  await broken(legacy(weights, undefined, { system: p.pickle(p.emptyDict) }), /not little-endian/)
  await broken(legacy(weights, one(5)), /has 4 elements by its tensors, and 5 where it lies/)
  await broken(legacy(weights, one(-1)), /and -1 where it lies/)
  await broken(legacy(weights, one(4, FLOATS.subarray(0, 8))), /ends at byte \d+, the file at/)
  await broken(legacy(weights, []), /storage 0 is not in its list/)
  await broken(legacy(weights, [...one(4), ...one(4)]), /has "0", twice or without a tensor/)
  await broken(legacy(weights, undefined, { suffix: 'x' }), /its storages end at byte \d+, the file at \d+/)
  await broken(legacy(weights, undefined, { keys: p.pickle(p.none) }), /its list of storages is None/)
  const beyond = p.tupleOf(p.unicode('v'), p.number(3), p.number(2))
  const part = p.pickle(p.proto(2), tensor({ storage: legacyStorage(beyond), shape: sizes(1) }))
  await broken(legacy(part), /a part of storage 0 reaches to element 5, and there are 4/)
  const huge = tensor({ storage: storage({ count: p.number(2 ** 40), view: p.none }) })
  await broken(legacy(p.pickle(p.proto(2), huge)), /has 4398046511104 bytes, and the file/)
})

test('bare pickle: tensors bring their storage as bytes', async () => {
  const inner = legacy(p.pickle(p.proto(2), legacyStorage()))
  const loaded = (content: p.Bytes) => p.call('torch.storage', '_load_from_bytes', content)
  const content = p.pickle(p.proto(4), p.dictOf({ w: tensor({ storage: loaded(p.binBytes(inner)) }) }))
  const root = readBarePickle(memorySource(content, 'a.pkl')).root as PickleDict
  const { view } = tensorOf(root.get('w') as PickleValue)
  const { record } = (view as { storage: PickleStorage }).storage
  equal(content.subarray(record.offset, record.offset + record.byteLength), FLOATS)
  const broken = (value: p.Bytes, message: RegExp) =>
    rejects(async () => readBarePickle(memorySource(p.pickle(value), 'a.pkl')), 'ERR_FORMAT', message)
  await broken(loaded(p.none), /a storage is loaded from None/)
  await broken(loaded(p.binBytes(legacy(p.pickle(p.none), []))), /loaded from a file of None/)
  const text = p.call('_codecs', 'encode', p.unicode('abc'), p.unicode('latin1'))
  await broken(loaded(text), /encoded as text/)
  await rejects(
    async () => readBarePickle(memorySource(p.bytes(p.pickle(p.none), 'x'), 'a.pkl')),
    'ERR_FORMAT',
    /it ends at byte 2, the file at 3/,
  )
  ok(!(zipRoot(torchZip(p.pickle(loaded(p.none)))) instanceof PickleStorage))
})

test.run()
