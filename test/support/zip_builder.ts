/**
 * Zip files field by field, so that a test can forge any of them: what is not told is right. It shares no code
 * with the reader or the writer of the library (PKWARE APPNOTE 6.3 names the fields).
 */
import { type Bytes, bytes, uint16, uint32, uint64 } from './pickle_builder.js'

/** Fields that a local header and the central directory both have. */
export interface ZipFields {
  signature: number
  needed: number
  flags: number
  method: number
  time: number
  date: number
  crc32: number
  packed: number
  size: number
  nameLength: number
  extraLength: number
  name: Bytes
  extra: Bytes
}

export interface CentralFields extends ZipFields {
  made: number
  commentLength: number
  comment: Bytes
  disk: number
  offset: number
}

export interface ZipMember {
  name: Bytes
  data?: Bytes
  /** Set in both headers. */
  both?: Partial<ZipFields>
  local?: Partial<ZipFields>
  central?: Partial<CentralFields>
  /** Stands between this member's data and what follows: a descriptor, a gap. */
  behind?: Bytes
  /** Not in the directory. */
  hidden?: boolean
  /** Only in the directory. */
  phantom?: boolean
}

export interface EndFields {
  signature: number
  disk: number
  directoryDisk: number
  entriesHere: number
  entries: number
  length: number
  offset: number
  commentLength: number
  comment: Bytes
}

/** The ZIP64 end record and its locator. */
export interface Zip64Fields {
  recordLength: number | bigint
  disk: number
  directoryDisk: number
  entriesHere: number | bigint
  entries: number | bigint
  length: number | bigint
  offset: number | bigint
  locatorDisk: number
  locatorOffset: number | bigint
  disks: number
}

export interface ZipLayout {
  /** Before the first member; offsets do not count it, as with a file that something was put before. */
  prefix?: Bytes
  /** Between the last member and the directory. */
  beforeDirectory?: Bytes
  /** Between the directory and the end records. */
  behindDirectory?: Bytes
  /** Behind the end record. */
  suffix?: Bytes
  end?: Partial<EndFields>
  /** Writes a ZIP64 end record and locator as well. */
  zip64?: Partial<Zip64Fields>
}

/** The bytes of a zip file. */
export function zip(members: readonly ZipMember[], layout: ZipLayout = {}): Buffer {
  const parts: Bytes[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const member of members) {
    const fields = trueFields(member)
    if (member.hidden !== true) directory.push(centralHeader({ ...fields, offset: at, ...member.central }))
    if (member.phantom === true) continue
    const local = bytes(localHeader({ ...fields, ...member.local }), member.data ?? '', member.behind ?? '')
    parts.push(local)
    at += local.length
  }
  const before = bytes(layout.beforeDirectory ?? '')
  const offset = at + before.length
  const length = directory.reduce((sum, header) => sum + header.length, 0)
  const count = directory.length
  const wideAt = offset + length + bytes(layout.behindDirectory ?? '').length
  return bytes(
    layout.prefix ?? '',
    ...parts,
    before,
    ...directory,
    layout.behindDirectory ?? '',
    layout.zip64 === undefined ? '' : zip64End({ count, length, offset, at: wideAt }, layout.zip64),
    endRecord({ count, length, offset }, layout.end ?? {}),
    layout.suffix ?? '',
  )
}

function trueFields({ name, data = '', both }: ZipMember): CentralFields {
  const content = bytes(data)
  const fields = {
    signature: 0,
    made: 0,
    needed: 0,
    flags: 0,
    method: 0,
    time: 0,
    date: 0,
    crc32: crc32(content),
    packed: content.length,
    size: content.length,
    nameLength: -1,
    extraLength: -1,
    commentLength: -1,
    name,
    extra: '',
    comment: '',
    disk: 0,
    offset: 0,
  }
  return { ...fields, ...both }
}

function localHeader(fields: CentralFields): Buffer {
  return bytes(
    uint32(fields.signature || 0x04034b50),
    uint16(fields.needed),
    ...commonFields(fields),
    fields.name,
    fields.extra,
  )
}

function centralHeader(fields: CentralFields): Buffer {
  return bytes(
    uint32(fields.signature || 0x02014b50),
    uint16(fields.made),
    uint16(fields.needed),
    ...commonFields(fields),
    uint16(told(fields.commentLength, fields.comment)),
    uint16(fields.disk),
    uint16(0),
    uint32(0),
    uint32(fields.offset),
    fields.name,
    fields.extra,
    fields.comment,
  )
}

function commonFields(fields: ZipFields): Buffer[] {
  return [
    uint16(fields.flags),
    uint16(fields.method),
    uint16(fields.time),
    uint16(fields.date),
    uint32(fields.crc32),
    uint32(fields.packed),
    uint32(fields.size),
    uint16(told(fields.nameLength, fields.name)),
    uint16(told(fields.extraLength, fields.extra)),
  ]
}

/** A length that was forged, or that of `content`. */
const told = (length: number, content: Bytes) => (length < 0 ? bytes(content).length : length)

function endRecord(
  { count, length, offset }: { count: number; length: number; offset: number },
  forged: Partial<EndFields>,
): Buffer {
  const comment = bytes(forged.comment ?? '')
  return bytes(
    uint32(forged.signature ?? 0x06054b50),
    uint16(forged.disk ?? 0),
    uint16(forged.directoryDisk ?? 0),
    uint16(forged.entriesHere ?? count),
    uint16(forged.entries ?? count),
    uint32(forged.length ?? length),
    uint32(forged.offset ?? offset),
    uint16(forged.commentLength ?? comment.length),
    comment,
  )
}

function zip64End(
  { count, length, offset, at }: { count: number; length: number; offset: number; at: number },
  forged: Partial<Zip64Fields>,
): Buffer {
  return bytes(
    uint32(0x06064b50),
    uint64(forged.recordLength ?? 44),
    uint16(45),
    uint16(45),
    uint32(forged.disk ?? 0),
    uint32(forged.directoryDisk ?? 0),
    uint64(forged.entriesHere ?? count),
    uint64(forged.entries ?? count),
    uint64(forged.length ?? length),
    uint64(forged.offset ?? offset),
    uint32(0x07064b50),
    uint32(forged.locatorDisk ?? 0),
    uint64(forged.locatorOffset ?? at),
    uint32(forged.disks ?? 1),
  )
}

/** A ZIP64 extra field of these values. */
export const zip64Extra = (...values: (number | bigint)[]): Buffer =>
  bytes(uint16(1), uint16(8 * values.length), ...values.map(uint64))

/** Of each byte, bit by bit. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  return value
})

/** The checksum of zip files; the library has its own. */
export function crc32(content: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of content) value = (CRC_TABLE[(value ^ byte) & 255] as number) ^ (value >>> 8)
  return ~value >>> 0
}
