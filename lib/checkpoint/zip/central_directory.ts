/** The end of a zip file: its end records (ZIP64 or not) and the central directory, strictly checked. */
import { isUtf8 } from 'node:buffer'
import { BeitError } from '../../errors.js'
import { type ByteSource, dataView } from '../byte_source.js'
import { zip64Field } from './extra_fields.js'

const END = 0x06054b50
const ZIP64_LOCATOR = 0x07064b50
const ZIP64_END = 0x06064b50
const CENTRAL_HEADER = 0x02014b50

/** Bit 3: sizes and CRC32 stand in a descriptor behind the bytes. Bit 11: the name is UTF-8. */
const DESCRIPTOR_FLAG = 1 << 3
const UTF8_FLAG = 1 << 11

/** One entry as the directory describes it. */
export interface CentralEntry {
  readonly name: string
  /** Bytes of its name. */
  readonly nameLength: number
  readonly flags: number
  readonly method: number
  readonly time: number
  readonly date: number
  readonly crc32: number
  readonly size: number
  /** Of its local header. */
  readonly headerOffset: number
  /** Of its first byte: known once the local header has been read. */
  offset: number
  readonly hasDescriptor: boolean
}

export interface CentralDirectory {
  readonly entries: CentralEntry[]
  /** Of its first byte. */
  readonly offset: number
}

/** @throws BeitError ERR_FORMAT that says which rule is broken */
export function readCentralDirectory(source: ByteSource): CentralDirectory {
  const { count, offset, length } = readEnd(source)
  // An entry has at least 46 bytes here and 30 before: a large count is found out before it is believed.
  if (count * 46 > length) fail(source, `its directory of ${length} bytes cannot hold ${count} entries`)
  const bytes = source.read(offset, length)
  const data = dataView(bytes)
  const entries: CentralEntry[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const { entry, end } = readEntry(source, bytes, data, at)
    entries.push(entry)
    at = end
  }
  if (at !== length) fail(source, `its directory has ${length} bytes, and its ${count} entries take ${at}`)
  return { entries, offset }
}

/** Where the directory lies. It must reach to the end records, and they to the end of the file. */
function readEnd(source: ByteSource): { count: number; offset: number; length: number } {
  if (source.size < 22) fail(source, `it has ${source.size} bytes, and the end record alone needs 22`)
  const endOffset = source.size - 22
  const end = dataView(source.read(endOffset, 22))
  if (end.getUint32(0, true) !== END) {
    fail(
      source,
      'no end record stands in its last 22 bytes: it is cut off, or has a comment or data behind it',
    )
  }
  if (end.getUint16(20, true) !== 0) fail(source, 'its end record announces a comment')
  if (end.getUint16(4, true) !== 0 || end.getUint16(6, true) !== 0) fail(source, 'it is one disk of several')
  const short = {
    count: end.getUint16(10, true),
    length: end.getUint32(12, true),
    offset: end.getUint32(16, true),
  }
  if (end.getUint16(8, true) !== short.count) fail(source, 'it counts entries on other disks')
  const wide = readZip64End(source, endOffset)
  const found = wide ?? { ...short, end: endOffset }
  if (wide !== null) {
    const differs = (narrow: number, sentinel: number, value: number) =>
      narrow !== sentinel && narrow !== value
    if (
      differs(short.count, 0xffff, wide.count) ||
      differs(short.length, 0xffffffff, wide.length) ||
      differs(short.offset, 0xffffffff, wide.offset)
    ) {
      fail(source, 'its end record and its ZIP64 end record disagree')
    }
  }
  if (found.offset + found.length !== found.end) {
    fail(
      source,
      `its directory of ${found.length} bytes at ${found.offset} does not reach ` +
        `to its end record at ${found.end}`,
    )
  }
  return found
}

/** The ZIP64 end record, which stands before its locator, which stands before the end record. */
function readZip64End(source: ByteSource, endOffset: number) {
  if (endOffset < 76) return null
  const locator = dataView(source.read(endOffset - 20, 20))
  if (locator.getUint32(0, true) !== ZIP64_LOCATOR) return null
  const end = endOffset - 76
  const record = dataView(source.read(end, 56))
  if (number64(locator, 8) !== end || record.getUint32(0, true) !== ZIP64_END) {
    fail(source, `its ZIP64 end record is not at byte ${end}, right before its locator`)
  }
  if (number64(record, 4) !== 44) fail(source, 'its ZIP64 end record has not 56 bytes')
  const disks = [locator.getUint32(4, true), record.getUint32(16, true), record.getUint32(20, true)]
  if (disks.some((disk) => disk !== 0) || locator.getUint32(16, true) !== 1) {
    fail(source, 'it is one disk of several')
  }
  const count = number64(record, 32)
  if (number64(record, 24) !== count) fail(source, 'it counts entries on other disks')
  return { count, length: number64(record, 40), offset: number64(record, 48), end }
}

function readEntry(
  source: ByteSource,
  bytes: Uint8Array,
  data: DataView,
  at: number,
): { entry: CentralEntry; end: number } {
  const where = (why: string) => fail(source, `entry at byte ${at} of its directory: ${why}`)
  if (bytes.length - at < 46) where('it is cut off')
  if (data.getUint32(at, true) !== CENTRAL_HEADER) where('it does not begin with the signature')
  const lengths = [
    data.getUint16(at + 28, true),
    data.getUint16(at + 30, true),
    data.getUint16(at + 32, true),
  ] as const
  const [nameLength, extraLength, commentLength] = lengths
  const end = at + 46 + nameLength + extraLength + commentLength
  if (end > bytes.length) where('it is cut off')
  const flags = data.getUint16(at + 8, true)
  const name = readName(bytes.subarray(at + 46, at + 46 + nameLength), where)
  const refuse = (why: string) => fail(source, `entry ${JSON.stringify(name)}: ${why}`)
  if ((flags & ~(DESCRIPTOR_FLAG | UTF8_FLAG)) !== 0) {
    refuse(`it has flags 0x${flags.toString(16)}: encryption, patches and such are not taken`)
  }
  const method = data.getUint16(at + 10, true)
  if (method !== 0) {
    refuse(
      `it is compressed (method ${method}). torch.save stores entries as they are; ` +
        'an archive of torch.jit.save is no checkpoint: save model.state_dict() by torch.save',
    )
  }
  if (commentLength !== 0) refuse('it has a comment')
  if (data.getUint16(at + 34, true) !== 0) refuse('it lies on another disk')
  const extra = bytes.subarray(at + 46 + nameLength, end)
  const wide = zip64Values(extra, refuse)
  const value = (position: number) => {
    const narrow = data.getUint32(at + position, true)
    return narrow === 0xffffffff ? wide() : narrow
  }
  const size = value(24)
  const packed = value(20)
  const headerOffset = value(42)
  if (packed !== size) refuse(`its compressed size ${packed} is not its size ${size}, though it is stored`)
  const entry = {
    name,
    nameLength,
    flags,
    method,
    time: data.getUint16(at + 12, true),
    date: data.getUint16(at + 14, true),
    crc32: data.getUint32(at + 16, true),
    size,
    headerOffset,
    offset: 0,
    hasDescriptor: (flags & DESCRIPTOR_FLAG) !== 0,
  }
  return { entry, end }
}

/** Gives the 64-bit values of an entry's ZIP64 field one after the other, as 32-bit fields ask for them. */
function zip64Values(extra: Uint8Array, refuse: (why: string) => never): () => number {
  const field = zip64Field(extra, refuse)
  let at = 0
  return () => {
    if (field === null || at + 8 > field.length) return refuse('its ZIP64 field is missing or too short')
    at += 8
    return number64(dataView(field), at - 8)
  }
}

function readName(raw: Uint8Array, refuse: (why: string) => never): string {
  if (!isUtf8(raw)) return refuse('its name is not UTF-8')
  const name = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString()
  const parts = name.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..') || /[\\\0]/.test(name)) {
    return refuse(`its name ${JSON.stringify(name)} is not a plain relative path of a file`)
  }
  return name
}

function fail(source: ByteSource, why: string): never {
  throw new BeitError('ERR_FORMAT', `${source.name}: zip: ${why}`)
}

const number64 = (data: DataView, at: number) => Number(data.getBigUint64(at, true))
