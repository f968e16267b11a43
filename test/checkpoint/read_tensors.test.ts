/** Reading tensors through the addon: checksums, shared memory, changed files, what cannot be read. */
import { appendFileSync, mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { openCheckpoint, readCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { TensorRecord } from '../../lib/checkpoint/records.js'
import { verifyCheckpoint } from '../../lib/checkpoint/verify_checkpoint.js'
import { saved, sizes, storage, tensor, torchMembers } from '../support/checkpoint_builder.js'
import { rejects } from '../support/errors.js'
import * as p from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named } from '../support/tensors.js'
import { zip } from '../support/zip_builder.js'

const test = suite('reading tensors')

function file(content: Uint8Array, name = 'a.pth'): string {
  const path = join(temporary(), name)
  writeFileSync(path, content)
  return path
}
const bools = (key: string, count: number) =>
  storage({ class: p.global('torch', 'BoolStorage'), key: p.unicode(key), count: p.number(count) })

test('a damaged storage is found, and only when it is asked for', async () => {
  const other = tensor({ storage: storage({ key: p.unicode('1') }) })
  const members = torchMembers(p.pickle(p.proto(2), p.dictOf({ w: tensor(), v: other })), {
    0: 'abcdefghijklmnop',
    1: '0123456789abcdef',
  })
  const damaged = members.map((member) =>
    member.name === 'archive/data/1' ? { ...member, both: { crc32: 1 } } : member,
  )
  const path = file(zip(damaged))
  await rejects(
    readCheckpoint(path),
    'ERR_FORMAT',
    /16 bytes at \d+ are damaged: their CRC-32 is 0x.*expected 0x1/,
  )
  const opened = await openCheckpoint(path)
  const [w] = await opened.read([opened.tensors.get('w') as never])
  equal(w?.shape, [4])
})

test('bytes of bools other than 0 are true; bools share memory among themselves', async () => {
  const whole = tensor({ storage: bools('0', 4) })
  const part = tensor({ storage: bools('0', 4), shape: sizes(2), offset: p.number(1) })
  const { tensors } = await readCheckpoint(
    file(saved(p.dictOf({ a: whole, b: part }), { 0: '\x00\xff\x01\x02' })),
  )
  equal(await named(tensors, 'a').toTypedArray(), new Uint8Array([0, 1, 1, 1]))
  equal(await named(tensors, 'b').toTypedArray(), new Uint8Array([1, 1]))
  const handles = [...tensors.values()].map((each) => each.handle)
  equal(
    (await native().tensorLayouts(handles)).map((layout) => layout.storage),
    [0, 0],
  )
  const untyped = storage({ class: p.global('torch.storage', 'UntypedStorage') })
  const seenAs = (dtype: string) =>
    p.call(
      'torch._utils',
      '_rebuild_tensor_v3',
      ...[untyped, p.number(0), sizes(4), sizes(1), p.newFalse, p.none, p.global('torch', dtype)],
    )
  await rejects(
    readCheckpoint(
      file(saved(p.dictOf({ a: seenAs('bool'), b: seenAs('uint8') }), { 0: '\x00\xff\x01\x02' })),
    ),
    'ERR_FORMAT',
    /bools share a storage with elements of another dtype/,
  )
})

test('of a large storage only the part is read that is asked for', async () => {
  const count = 6 * 2 ** 20
  const elements = new Float32Array(count)
  for (const i of [1, count - 3, count - 2, count - 1]) elements[i] = i
  const on = (offset: number, fields: Parameters<typeof tensor>[0] = {}) =>
    tensor({
      storage: storage({ count: p.number(count) }),
      offset: p.number(offset),
      shape: sizes(2),
      ...fields,
    })
  const value = p.dictOf({
    last: on(count - 2),
    before: on(count - 3),
    first: on(1, { shape: sizes(1, 1), strides: sizes(1, 1) }),
    none: on(count, { shape: sizes(0) }),
    most: on(0, { shape: sizes(count - 1) }),
  })
  const members = torchMembers(p.pickle(p.proto(2), value), { 0: new Uint8Array(elements.buffer) })
  const damaged = members.map((member) =>
    member.name === 'archive/data/0' ? { ...member, both: { crc32: 1 } } : member,
  )
  const path = file(zip(damaged))
  const opened = await openCheckpoint(path)
  const read = (...names: string[]) =>
    opened.read(names.map((name) => opened.tensors.get(name) as TensorRecord))
  // At most half: nothing of the rest is in memory, and no checksum is compared.
  const part = await read('last', 'before', 'none')
  const values = await Promise.all(part.map(async (each) => [...(await each.toTypedArray())]))
  equal(values, [[count - 2, count - 1], [count - 3, count - 2], []])
  const layouts = await native().tensorLayouts(part.map(({ handle }) => handle))
  equal(
    layouts.slice(0, 2).map((layout) => [layout.storage, layout.offset < 4]),
    [
      [0, true],
      [0, true],
    ],
  )
  equal([...((await (await read('first'))[0]?.toTypedArray()) ?? [])], [1])
  equal((await read('none'))[0]?.shape, [0])
  // The parts lie so far from each other that all of it is read, and all of it is compared.
  for (const names of [['first', 'last'], ['most']]) {
    await rejects(read(...names), 'ERR_FORMAT', /are damaged: their CRC-32/)
  }
  const { problems } = await verifyCheckpoint(path)
  is(problems.length, 1)
  const forged = new TensorRecord({
    ...(opened.tensors.get('last') as TensorRecord),
    storageOffset: count - 1,
  })
  await rejects(opened.read([forged]), 'ERR_FORMAT', /'last' reaches past the end of its storage/)
})

test('scalars and empty tensors', async () => {
  const scalar = tensor({ shape: sizes(), strides: sizes(), offset: p.number(1) })
  const nothing = storage({ key: p.unicode('1'), count: p.number(0) })
  const empty = tensor({ storage: nothing, shape: sizes(0, 3), strides: sizes(3, 1) })
  const { tensors } = await readCheckpoint(
    file(
      saved(p.dictOf({ scalar, empty }), { 0: new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer), 1: '' }),
    ),
  )
  equal(
    [tensors.get('scalar')?.shape, await tensors.get('scalar')?.toTypedArray()],
    [[], new Float32Array([2])],
  )
  equal([tensors.get('empty')?.shape, tensors.get('empty')?.size], [[0, 3], 0])
})

test('a file that changes after it was opened is not read', async () => {
  const changes: [string, (path: string) => void][] = [
    ['grown', (path) => appendFileSync(path, 'x')],
    ['cut', (path) => truncateSync(path, 100)],
    ['written', (path) => utimesSync(path, 1, 1)],
  ]
  for (const [name, change] of changes) {
    const path = file(saved(p.dictOf({ w: tensor() })), name)
    const opened = await openCheckpoint(path)
    change(path)
    await rejects(
      opened.read([...opened.tensors.values()]),
      'ERR_FORMAT',
      /it has changed since it was opened/,
    )
  }
})

test('what cannot be read is listed, and named when it is asked for', async () => {
  const complex = tensor({
    storage: storage({ class: p.global('torch', 'ComplexFloatStorage'), count: p.number(2) }),
    shape: sizes(2),
  })
  const path = file(
    saved(
      p.dictOf({ model: p.dictOf({ fine: tensor({ storage: storage({ key: p.unicode('1') }) }), complex }) }),
      {
        0: 'abcdefghijklmnop',
        1: 'abcdefghijklmnop',
      },
    ),
  )
  const opened = await openCheckpoint(path)
  equal([...opened.tensors.keys()], ['fine'])
  const [unreadable] = opened.unreadable.values()
  equal([unreadable?.name, unreadable?.dtype, unreadable?.shape], ['complex', 'complex64', [2]])
  await rejects(
    readCheckpoint(path),
    'ERR_FORMAT',
    /tensor 'complex': complex64 elements are complex numbers/,
  )
})

test('what is no file of a checkpoint', async () => {
  await rejects(openCheckpoint(join(temporary(), 'absent')), 'ERR_IO', /cannot open .*absent: ENOENT/)
  const folder = join(temporary(), 'folder')
  mkdirSync(folder)
  await rejects(
    openCheckpoint(folder),
    'ERR_IO',
    /it is not a regular file but a folder: name the file in it$/,
  )
  await rejects(openCheckpoint(file(Buffer.alloc(0))), 'ERR_FORMAT', /is empty/)
  await rejects(openCheckpoint(file(Buffer.from('PK\x05\x06'))), 'ERR_FORMAT', /a zip file without entries/)
  const tar = Buffer.alloc(512)
  tar.write('ustar', 257)
  tar[0] = 0xfe
  await rejects(openCheckpoint(file(tar)), 'ERR_FORMAT', /a tar file, as torch\.save wrote until 0\.1\.9/)
  await rejects(
    openCheckpoint(file(Buffer.from('curl: (6) no host\n'))),
    'ERR_FORMAT',
    /text file that begins with "curl/,
  )
  await rejects(openCheckpoint(7 as never), 'ERR_INVALID_ARGUMENT', /path must be a string, got 7/)
  await rejects(openCheckpoint('x', { pick: 1 as never }), 'ERR_INVALID_ARGUMENT', /pick must be a key/)
})

test('the addon checks ranges and views again', async () => {
  const path = file(Buffer.alloc(64))
  const view = { name: 'w', range: 0, dtype: 'float32' as const, shape: [4], strides: [1], offset: 0 }
  const read = (range: object, forged: object = {}) =>
    native().storagesFromFile(
      path,
      [{ offset: 0, byteLength: 16, crc32: null, ...range }],
      [{ ...view, ...forged }],
      'cpu',
    )
  is((await read({})).length, 1)
  const cases: [object, object, RegExp][] = [
    [{ offset: 60 }, {}, /16 bytes at 60 are needed, and it has 64/],
    [{ offset: -1 }, {}, /16 bytes at -1 are needed/],
    [{ byteLength: 2 ** 52 }, {}, /are needed, and it has 64/],
    [{}, { shape: [5] }, /'w' reaches past the end of its storage/],
    [{}, { offset: 1 }, /reaches past the end/],
    [{}, { offset: -1 }, /has a negative offset/],
    [{}, { strides: [-1] }, /negative sizes or strides/],
    [{}, { strides: [] }, /not as many strides as dimensions/],
    [{}, { shape: [2 ** 40, 2], strides: [2 ** 40, 1] }, /strides that overflow|reaches past the end/],
  ]
  for (const [range, forged, message] of cases) {
    await rejects(async () => read(range, forged), 'ERR_FORMAT', message)
  }
  await rejects(async () => read({}, { range: 1 }), 'ERR_INVALID_ARGUMENT', /no such range/)
})

test.run()
