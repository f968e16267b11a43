/**
 * Zip files as torch.save lays them out: entries stored as they are, their bytes at multiples of 64, ZIP64
 * (PKWARE APPNOTE 6.3, 4.3.14 to 4.5.3) only where a number needs it. The whole layout is known before a byte
 * is written; checksums are filled in by the addon while it writes.
 */
import type { FilePiece } from '../../native.js'

/** One entry, in the order of the file. */
export interface ZipRecord {
  /** ASCII, with '/' between folders. */
  name: string
  byteLength: number
  /** Gives the `byteLength` bytes. */
  piece: FilePiece
}

/** As PyTorch aligns storages, so that they can be mapped into memory. */
const ALIGNMENT = 64
const LOCAL_HEADER = 0x04034b50
const CENTRAL_HEADER = 0x02014b50
const END = 0x06054b50
const ZIP64_END = 0x06064b50
const ZIP64_LOCATOR = 0x07064b50
/** Of the extra fields: 64-bit numbers, and PyTorch's own padding ('FB'). */
const ZIP64_FIELD = 0x0001
const PADDING_FIELD = 0x4246
/** The largest values of 16 and 32 bits send the reader to the ZIP64 fields. */
const LIMIT16 = 0xffff
const LIMIT32 = 0xffffffff
/** APPNOTE versions: 2.0, and 4.5 which has ZIP64. */
const VERSION = 20
const VERSION_ZIP64 = 45
/** 1 January 1980, 0:00: equal contents make equal files. */
const DATE = 0x21

/** The pieces of a zip file of these records. */
export function zipPieces(records: readonly ZipRecord[]): FilePiece[] {
  const placed: PlacedRecord[] = []
  let end = 0
  for (const record of records) {
    const header = localHeader(record, end)
    placed.push({ ...record, headerOffset: end, header })
    end += header.length + record.byteLength
  }
  const directoryOffset = end
  const directory = placed.map((record) => {
    const header = centralHeader(record)
    const at = end
    end += header.length
    return { header, at }
  })
  const data = placed.flatMap(({ header, headerOffset, piece }, i) => [
    { bytes: header },
    // The checksum stands 14 bytes into the local header and 16 into the central one.
    { ...piece, crcAt: [headerOffset + 14, (directory[i] as { at: number }).at + 16] },
  ])
  const tail = Buffer.concat([
    ...directory.map(({ header }) => header),
    endRecords(records.length, directoryOffset, end - directoryOffset),
  ])
  return [...data, { bytes: tail }]
}

interface PlacedRecord extends ZipRecord {
  headerOffset: number
  header: Buffer
}

function localHeader({ name, byteLength }: ZipRecord, offset: number): Buffer {
  const wide = byteLength >= LIMIT32
  const size = wide ? LIMIT32 : byteLength
  const zip64 = wide ? zip64Field([byteLength, byteLength]) : Buffer.alloc(0)
  // The field takes 4 bytes itself; what it holds fills up to the alignment.
  const unaligned = offset + 30 + Buffer.byteLength(name) + zip64.length + 4
  const padding = Math.ceil(unaligned / ALIGNMENT) * ALIGNMENT - unaligned
  const extra = Buffer.concat([zip64, field(PADDING_FIELD, Buffer.alloc(padding, 'Z'))])
  return fields(
    [LOCAL_HEADER, 4],
    [wide ? VERSION_ZIP64 : VERSION, 2],
    [0, 2], // flags
    [0, 2], // stored
    [0, 2], // time
    [DATE, 2],
    [0, 4], // CRC-32
    [size, 4], // compressed
    [size, 4],
    [Buffer.byteLength(name), 2],
    [extra.length, 2],
    name,
    extra,
  )
}

function centralHeader({ name, byteLength, headerOffset }: PlacedRecord): Buffer {
  const wide = [byteLength, byteLength, headerOffset].filter((value) => value >= LIMIT32)
  const extra = wide.length > 0 ? zip64Field(wide) : Buffer.alloc(0)
  const version = wide.length > 0 ? VERSION_ZIP64 : VERSION
  const size = Math.min(byteLength, LIMIT32)
  return fields(
    [CENTRAL_HEADER, 4],
    [version, 2], // made by
    [version, 2], // needed
    [0, 2], // flags
    [0, 2], // stored
    [0, 2], // time
    [DATE, 2],
    [0, 4], // CRC-32
    [size, 4], // compressed
    [size, 4],
    [Buffer.byteLength(name), 2],
    [extra.length, 2],
    [0, 2], // comment
    [0, 2], // disk
    [0, 2], // attributes
    [0, 4],
    [Math.min(headerOffset, LIMIT32), 4],
    name,
    extra,
  )
}

function endRecords(count: number, offset: number, length: number): Buffer {
  const wide = count >= LIMIT16 || offset >= LIMIT32 || length >= LIMIT32
  const narrow = Math.min(count, LIMIT16)
  const end = fields(
    [END, 4],
    [0, 2], // this disk
    [0, 2], // disk of the directory
    [narrow, 2], // entries on this disk
    [narrow, 2],
    [Math.min(length, LIMIT32), 4],
    [Math.min(offset, LIMIT32), 4],
    [0, 2], // comment
  )
  if (!wide) return end
  return fields(
    [ZIP64_END, 4],
    [44, 8], // bytes that follow
    [VERSION_ZIP64, 2], // made by
    [VERSION_ZIP64, 2], // needed
    [0, 4], // this disk
    [0, 4], // disk of the directory
    [count, 8], // entries on this disk
    [count, 8],
    [length, 8],
    [offset, 8],
    [ZIP64_LOCATOR, 4],
    [0, 4], // disk of the end record
    [offset + length, 8],
    [1, 4], // disks
    end,
  )
}

const zip64Field = (values: readonly number[]) =>
  field(ZIP64_FIELD, fields(...values.map((value): Field => [value, 8])))
const field = (id: number, content: Buffer) => fields([id, 2], [content.length, 2], content)

type Field = readonly [value: number, bytes: 2 | 4 | 8] | string | Buffer

/** Numbers little-endian, one after the other. */
function fields(...parts: readonly Field[]): Buffer {
  const lengthOf = (part: Field) =>
    typeof part === 'string' || Buffer.isBuffer(part) ? Buffer.byteLength(part) : part[1]
  const bytes = Buffer.alloc(parts.reduce((length, part) => length + lengthOf(part), 0))
  let at = 0
  for (const part of parts) {
    if (typeof part === 'string') bytes.write(part, at)
    else if (Buffer.isBuffer(part)) part.copy(bytes, at)
    else if (part[1] === 8) bytes.writeBigUInt64LE(BigInt(part[0]), at)
    else bytes.writeUIntLE(part[0], at, part[1])
    at += lengthOf(part)
  }
  return bytes
}
