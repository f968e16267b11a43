/** The strict zip reader: what torch.save and Python write is read; every rule has a file that breaks it. */
import { equal, is } from 'uvu/assert'
import { memorySource } from '../../lib/checkpoint/byte_source.js'
import { crc32, crc32Plain } from '../../lib/checkpoint/zip/crc32.js'
import { readZipDirectory, readZipEntry, type ZipEntry } from '../../lib/checkpoint/zip/zip_reader.js'
import { rejects } from '../support/errors.js'
import { bytes, uint16, uint32, uint64 } from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'
import { crc32 as bitwise, type ZipLayout, type ZipMember, zip, zip64Extra } from '../support/zip_builder.js'

const test = suite('zip reader')

const read = (content: Uint8Array) => {
  const source = memorySource(content, 'a.zip')
  const entries = [...readZipDirectory(source).values()]
  return entries.map((entry) => [entry.name, Buffer.from(readZipEntry(source, entry)).toString('latin1')])
}
const A: ZipMember = { name: 'd/a', data: 'alpha' }
const B: ZipMember = { name: 'd/b', data: 'beta' }
const refused = (message: RegExp, members: ZipMember[], layout: ZipLayout = {}) =>
  rejects(async () => read(zip(members, layout)), 'ERR_FORMAT', message)
const descriptor = (data: string, wide: boolean) => {
  const size = wide ? uint64(data.length) : uint32(data.length)
  return bytes(uint32(0x08074b50), uint32(bitwise(bytes(data))), size, size)
}

test('stored entries, in the order of the directory', () => {
  const expected = [
    ['d/a', 'alpha'],
    ['d/b', 'beta'],
  ]
  equal(read(zip([A, B])), expected)
  equal(read(zip([A, B], { zip64: {} })), expected)
  equal(
    read(zip([A, B], { zip64: {}, end: { entries: 0xffff, entriesHere: 0xffff, offset: 0xffffffff } })),
    expected,
  )
  const padded = { ...A, local: { extra: bytes('FB', uint16(3), 'ZZZ') } }
  equal(read(zip([padded, B])), expected)
  is(read(zip([])).length, 0)
})

test('descriptors of streaming writers, of both widths', () => {
  const blank = { crc32: 0, packed: 0, size: 0 }
  for (const wide of [false, true]) {
    const streamed = { ...A, both: { flags: 0x808 }, local: blank, behind: descriptor('alpha', wide) }
    equal(read(zip([streamed, B])), [
      ['d/a', 'alpha'],
      ['d/b', 'beta'],
    ])
  }
})

test('ZIP64 fields stand for what does not fit into 32 bits', () => {
  const wide: ZipMember = {
    ...A,
    both: { packed: 0xffffffff, size: 0xffffffff },
    local: { extra: zip64Extra(5, 5) },
    central: { offset: 0xffffffff, extra: zip64Extra(5, 5, 0) },
  }
  equal(read(zip([wide, B])), [
    ['d/a', 'alpha'],
    ['d/b', 'beta'],
  ])
  // As torch.save writes a storage of over 4 GiB: the local field has sizes, the header none.
  const streamed: ZipMember = {
    ...A,
    both: { flags: 0x808 },
    local: { crc32: 0, packed: 0, size: 0, extra: zip64Extra(5, 0) },
    central: { packed: 0xffffffff, size: 0xffffffff, extra: zip64Extra(5, 5) },
    behind: descriptor('alpha', true),
  }
  equal(read(zip([streamed]))[0], ['d/a', 'alpha'])
})

test('an entry that breaks a rule', async () => {
  await refused(/"d\/a": its name occurs twice/, [A, A])
  await refused(/it is compressed \(method 8\)/, [{ ...A, both: { method: 8 } }])
  await refused(/it has flags 0x1:/, [{ ...A, both: { flags: 1 } }])
  await refused(/it has flags 0x20:/, [{ ...A, both: { flags: 0x20 } }])
  await refused(/its compressed size 4 is not its size 5/, [{ ...A, both: { packed: 4 } }])
  await refused(/it has a comment/, [{ ...A, central: { comment: 'x' } }])
  await refused(/it lies on another disk/, [{ ...A, central: { disk: 1 } }])
  await refused(/is damaged: its CRC32 is 0x.{8}, expected 0x00000001/, [{ ...A, both: { crc32: 1 } }])
  await refused(/"d\/a": it begins at byte 1, expected 0: a gap or an overlap/, [
    { ...A, central: { offset: 1 } },
  ])
  await refused(/local header says flags 2048, the directory 0/, [{ ...A, local: { flags: 2048 } }])
  await refused(/local header says method 8, the directory 0/, [{ ...A, local: { method: 8 } }])
  await refused(/local header says time 1, the directory 0/, [{ ...A, local: { time: 1 } }])
  await refused(/local header says date 1, the directory 0/, [{ ...A, local: { date: 1 } }])
  await refused(/local header says CRC32 7, the directory/, [{ ...A, local: { crc32: 7 } }])
  await refused(/local header says size 4, the directory 5/, [{ ...A, local: { size: 4 } }])
  await refused(/local header says compressed size 4, the/, [{ ...A, local: { packed: 4 } }])
  await refused(/local header has another name/, [{ ...A, local: { name: 'd/x' } }])
  await refused(/local header says name length 4, the directory 3/, [{ ...A, local: { name: 'd/xx' } }])
  await refused(/no local header stands at byte 0/, [{ ...A, local: { signature: 1 } }])
  await refused(/extra fields are cut off/, [{ ...A, local: { extra: 'FB\x05\x00Z' } }])
  await refused(/two ZIP64 fields/, [{ ...A, central: { extra: bytes(zip64Extra(1), zip64Extra(1)) } }])
  await refused(/ZIP64 field is missing or too short/, [{ ...A, central: { size: 0xffffffff } }])
  await refused(/it ends at byte 38, and what follows begins at 39: a gap/, [{ ...A, behind: 'x' }])
  await refused(/0 bytes stand behind it, expected a data descriptor/, [{ ...A, both: { flags: 8 } }])
  const badDescriptor = bytes(uint32(0x08074b50), uint32(1), uint32(5), uint32(5))
  await refused(/in its data descriptor the CRC32 1, the directory/, [
    { ...A, both: { flags: 8 }, behind: badDescriptor },
  ])
  await refused(/it reaches to byte 37\d*, and what follows begins/, [
    { ...A, both: { size: 340, packed: 340 } },
  ])
  for (const name of ['/a', 'a/../b', 'a//b', 'd/', 'a\\b', 'a\0', '', '.']) {
    await refused(/not a plain relative path/, [{ ...A, name }])
  }
  await refused(/its name is not UTF-8/, [{ ...A, name: Buffer.from([0xff]) }])
})

test('entries without checksums are told from damaged ones', async () => {
  const without = { ...A, both: { crc32: 0 } }
  await refused(/"d\/a": it is damaged, or saved without checksums by .*set_crc32_options\(False\): /, [
    without,
  ])
  await refused(/"d\/a": it is damaged: its CRC32/, [{ ...A, both: { crc32: 1 } }])
  equal(read(zip([{ name: 'd/empty', both: { crc32: 0 } }])), [['d/empty', '']])
})

test('what stands where a descriptor should is not read before its length is right', async () => {
  const gap = 1 << 20
  const inner = memorySource(zip([{ ...A, both: { flags: 8 }, behind: Buffer.alloc(gap) }, B]), 'a.zip')
  const lengths: number[] = []
  const source = {
    ...inner,
    read(offset: number, length: number) {
      lengths.push(length)
      return inner.read(offset, length)
    },
  }
  const message = new RegExp(`${gap} bytes stand behind it, expected a data descriptor`)
  await rejects(async () => readZipDirectory(source), 'ERR_FORMAT', message)
  is(lengths.filter((length) => length >= gap).length, 0)
})

test('a layout that breaks a rule', async () => {
  await refused(/does not reach to its end record/, [A, B], { prefix: 'x' })
  await refused(/directory of \d+ bytes at \d+ does not reach/, [A], { behindDirectory: 'x' })
  await refused(/it ends at byte 38, and what follows begins at 39/, [A], { beforeDirectory: 'x' })
  await refused(/no end record stands in its last 22 bytes/, [A], { suffix: 'x' })
  await refused(/no end record stands in its last 22 bytes/, [A], { end: { comment: 'note' } })
  await refused(/announces a comment/, [A], { end: { commentLength: 4 } })
  await refused(/one disk of several/, [A], { end: { disk: 1 } })
  await refused(/counts entries on other disks/, [A], { end: { entriesHere: 0 } })
  await refused(/cannot hold 65535 entries/, [A], { end: { entries: 0xffff, entriesHere: 0xffff } })
  await refused(/its 1 entries take 49/, [A, B], { end: { entries: 1, entriesHere: 1 } })
  await refused(/does not reach to its end record/, [A], { end: { length: 1 } })
  await refused(/its end record and its ZIP64 end record disagree/, [A], {
    zip64: { entries: 2, entriesHere: 2 },
  })
  await refused(/not at byte \d+, right before its locator/, [A], { zip64: { locatorOffset: 0 } })
  await refused(/has not 56 bytes/, [A], { zip64: { recordLength: 45 } })
  await refused(/one disk of several/, [A], { zip64: { disks: 2 } })
  await refused(/it ends at byte 38, and what follows begins at/, [A, { ...B, hidden: true }])
  await refused(/nothing may stand before its directory but entries/, [], { beforeDirectory: 'x' })
  await refused(/a gap or an overlap|local header/, [A, { ...B, phantom: true }])
  await rejects(async () => read(Buffer.from('PK')), 'ERR_FORMAT', /the end record alone needs 22/)
})

test('every truncation is refused', () => {
  const whole = zip([A, B], { zip64: {} })
  for (let length = 0; length < whole.length; length++) {
    let entries: ZipEntry[] | null = null
    try {
      entries = [...readZipDirectory(memorySource(whole.subarray(0, length))).values()]
    } catch {}
    is(entries, null, `${length} bytes`)
  }
})

test('the plain checksum is the one of Node', () => {
  const content = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919) & 255))
  for (const length of [0, 1, 7, 1000]) {
    const part = content.subarray(0, length)
    equal([crc32Plain(part), crc32(part)], [bitwise(part), bitwise(part)])
  }
  is(crc32Plain(content.subarray(9), crc32Plain(content.subarray(0, 9))), crc32Plain(content))
})

test.run()
