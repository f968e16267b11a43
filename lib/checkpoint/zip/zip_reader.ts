/**
 * The strict zip reader: of the format (PKWARE APPNOTE 6.3) it takes what torch.save writes and nothing else.
 * Entries are stored, neither compressed nor encrypted; each local header says what the central directory
 * says; entries follow each other from the first byte of the file to the directory without gap or overlap;
 * no name occurs twice; no comments. So a file has one meaning, and nothing in it is larger than it.
 */
import { BeitError } from '../../errors.js'
import { type ByteSource, dataView } from '../byte_source.js'
import { type CentralEntry, readCentralDirectory } from './central_directory.js'
import { crc32 } from './crc32.js'
import { zip64Field } from './extra_fields.js'

const LOCAL_HEADER = 0x04034b50
const DATA_DESCRIPTOR = 0x08074b50

/** A stored entry. */
export interface ZipEntry {
  readonly name: string
  /** Of its first byte in the file. */
  readonly offset: number
  readonly size: number
  readonly crc32: number
}

/**
 * All entries by name, in the order of the directory, after every rule but the checksums was checked.
 * @throws BeitError ERR_FORMAT that says which rule is broken, and by which entry
 */
export function readZipDirectory(source: ByteSource): Map<string, ZipEntry> {
  const { entries, offset: directoryOffset } = readCentralDirectory(source)
  const found = new Map<string, ZipEntry>()
  for (const entry of entries) {
    if (found.has(entry.name)) fail(source, entry, 'its name occurs twice')
    found.set(entry.name, entry)
  }
  const sorted = [...entries].sort((a, b) => a.headerOffset - b.headerOffset)
  let end = 0
  for (const [i, entry] of sorted.entries()) {
    if (entry.headerOffset !== end) {
      fail(source, entry, `it begins at byte ${entry.headerOffset}, expected ${end}: a gap or an overlap`)
    }
    const next = sorted[i + 1]?.headerOffset ?? directoryOffset
    entry.offset = checkLocalHeader(source, entry, next)
    end = next
  }
  if (end !== directoryOffset) {
    throw new BeitError(
      'ERR_FORMAT',
      `${source.name}: zip: nothing may stand before its directory but entries`,
    )
  }
  return found
}

/**
 * The bytes of an entry, whose checksum is verified.
 * @throws BeitError ERR_FORMAT when they are not those that were written
 */
export function readZipEntry(source: ByteSource, entry: ZipEntry): Uint8Array {
  const bytes = source.read(entry.offset, entry.size)
  compareCrc32(source, entry, crc32(bytes))
  return bytes
}

/** A piece of an entry that is only checked. */
const PIECE = 1 << 20

/**
 * Verifies the checksum of an entry of any size.
 * @throws BeitError ERR_FORMAT as {@link readZipEntry}
 */
export function checkZipEntry(source: ByteSource, entry: ZipEntry): void {
  let actual = 0
  for (let at = 0; at < entry.size; at += PIECE) {
    actual = crc32(source.read(entry.offset + at, Math.min(PIECE, entry.size - at)), actual)
  }
  compareCrc32(source, entry, actual)
}

function compareCrc32(source: ByteSource, entry: ZipEntry, actual: number): void {
  if (actual === entry.crc32) return
  // PyTorch writes 0 for every entry when it is told to.
  const none =
    entry.crc32 === 0 ? ', or saved without checksums by torch.serialization.set_crc32_options(False)' : ''
  fail(source, entry, `it is damaged${none}: its CRC32 is ${hex(actual)}, expected ${hex(entry.crc32)}`)
}

/** Compares the header before an entry's bytes, and the descriptor behind them, with the directory. */
function checkLocalHeader(source: ByteSource, entry: CentralEntry, next: number): number {
  const refuse = (why: string) => fail(source, entry, why)
  const start = entry.headerOffset
  if (next - start < 30 + entry.nameLength) refuse('its local header does not fit before what follows')
  const fixed = source.read(start, 30 + entry.nameLength)
  const header = dataView(fixed)
  if (header.getUint32(0, true) !== LOCAL_HEADER) refuse(`no local header stands at byte ${start}`)
  const compare = (what: string, actual: number, expected: number) => {
    if (actual !== expected) {
      refuse(`its local header says ${what} ${actual}, the directory ${expected}`)
    }
  }
  compare('flags', header.getUint16(6, true), entry.flags)
  compare('method', header.getUint16(8, true), entry.method)
  compare('time', header.getUint16(10, true), entry.time)
  compare('date', header.getUint16(12, true), entry.date)
  compare('name length', header.getUint16(26, true), entry.nameLength)
  const nameEnd = start + 30 + entry.nameLength
  const offset = nameEnd + header.getUint16(28, true)
  const end = offset + entry.size
  if (end > next) refuse(`it reaches to byte ${end}, and what follows begins at ${next}`)
  if (Buffer.compare(fixed.subarray(30), Buffer.from(entry.name)) !== 0) {
    refuse('its local header has another name')
  }
  const large = localSizes(source.read(nameEnd, offset - nameEnd), refuse)
  const sizes = {
    crc32: header.getUint32(14, true),
    packed: header.getUint32(18, true),
    size: header.getUint32(22, true),
  }
  if (entry.hasDescriptor) {
    const blank = sizes.crc32 === 0 && [0, 0xffffffff].includes(sizes.packed) && sizes.size === sizes.packed
    if (!blank) compareSizes(sizes, large, entry, compare)
    const length = next - end
    // Before it is read: what a forged directory leaves between two entries can be most of the file.
    if (length !== 16 && length !== 24) {
      refuse(`${length} bytes stand behind it, expected a data descriptor of 16 or 24`)
    }
    checkDescriptor(source.read(end, length), entry, refuse, compare)
  } else {
    compareSizes(sizes, large, entry, compare)
    if (end !== next) refuse(`it ends at byte ${end}, and what follows begins at ${next}: a gap`)
  }
  return offset
}

type Compare = (what: string, actual: number, expected: number) => void
type Sizes = { crc32: number; packed: number; size: number }

function compareSizes(sizes: Sizes, large: bigint[], entry: CentralEntry, compare: Compare): void {
  compare('CRC32', sizes.crc32, entry.crc32)
  const size = sizes.size === 0xffffffff ? Number(large.shift() ?? sizes.size) : sizes.size
  const packed = sizes.packed === 0xffffffff ? Number(large.shift() ?? sizes.packed) : sizes.packed
  compare('size', size, entry.size)
  compare('compressed size', packed, entry.size)
}

/** The 64-bit sizes of a local header's ZIP64 field, if it has one. */
function localSizes(extra: Uint8Array, refuse: (why: string) => never): bigint[] {
  const field = zip64Field(extra, refuse)
  if (field === null) return []
  const data = dataView(field)
  const count = Math.floor(field.length / 8)
  return Array.from({ length: count }, (_, i) => data.getBigUint64(8 * i, true))
}

/** What a streaming writer puts behind the bytes: signature, CRC32 and sizes of 32 or 64 bits. */
function checkDescriptor(
  bytes: Uint8Array,
  entry: CentralEntry,
  refuse: (why: string) => never,
  compare: Compare,
): void {
  const data = dataView(bytes)
  if (data.getUint32(0, true) !== DATA_DESCRIPTOR) refuse('its data descriptor has no signature')
  const wide = bytes.length === 24
  const sizeAt = (at: number) => (wide ? Number(data.getBigUint64(at, true)) : data.getUint32(at, true))
  const descriptor = 'in its data descriptor'
  compare(`${descriptor} the CRC32`, data.getUint32(4, true), entry.crc32)
  compare(`${descriptor} the compressed size`, sizeAt(8), entry.size)
  compare(`${descriptor} the size`, sizeAt(wide ? 16 : 12), entry.size)
}

function fail(source: ByteSource, entry: { name: string }, why: string): never {
  throw new BeitError('ERR_FORMAT', `${source.name}: zip entry ${JSON.stringify(entry.name)}: ${why}`)
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`
