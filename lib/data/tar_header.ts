/**
 * The 512-byte header blocks of tar files: ustar, GNU and the old v7 form, with the size and name extensions
 * of PAX and GNU (POSIX.1-2017, "pax"; GNU tar manual, "Basic Tar Format"). Where the members lie is the
 * business of tar_index.ts.
 */
import { BeitError } from '../errors.js'

export const BLOCK = 512

/** Where a header stands, for messages. */
export interface TarPosition {
  shard: string
  offset: number
}

/** The fields of a header block that matter for finding members. */
export interface TarHeader {
  name: string
  /** Bytes of data after the header, without padding. */
  size: number
  /** One character; '0' a file, '5' a folder, 'x' a PAX header, 'L' a GNU long name. */
  type: string
}

/** A block of zeros ends the archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/** Parses one header block. @throws BeitError ERR_FORMAT for a wrong checksum or an impossible size */
export function parseTarHeader(block: Buffer, at: TarPosition): TarHeader {
  if (block[0] === 0x1f && block[1] === 0x8b && at.offset === 0) {
    throw damaged(at, 'is compressed with gzip; positions need a plain tar: unpack it with gunzip')
  }
  const expected = octal(block.subarray(148, 156))
  if (expected === null || !checksums(block).includes(expected)) {
    const what = at.offset === 0 ? 'is not a tar file' : 'is damaged'
    throw damaged(at, `${what}: the header at byte ${at.offset} has a wrong checksum`)
  }
  const size = parseSize(block.subarray(124, 136))
  if (size === null)
    throw damaged(at, `is damaged: the header at byte ${at.offset} has a negative or huge size`)

  let name = text(block.subarray(0, 100))
  // GNU tar uses the bytes of the prefix field for other things; only POSIX magic has a prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block.subarray(345, 500)) : ''
  if (prefix !== '') name = `${prefix}/${name}`
  const flag = block[156] as number
  const type = flag === 0 ? (name.endsWith('/') ? '5' : '0') : String.fromCharCode(flag)
  return { name, size, type }
}

/**
 * The `path` and `size` records of a PAX header. @throws BeitError ERR_FORMAT when the records are malformed
 */
export function parsePax(data: Buffer, at: TarPosition): { path?: string; size?: number } {
  const result: { path?: string; size?: number } = {}
  for (let start = 0; start < data.length; ) {
    // Each record is "LENGTH KEY=VALUE\n"; LENGTH counts all of it.
    const space = data.indexOf(0x20, start)
    const length = space < 0 ? Number.NaN : Number(data.toString('latin1', start, space))
    const end = start + length
    if (!Number.isSafeInteger(length) || end > data.length || end <= space || data[end - 1] !== 0x0a) {
      throw damaged(at, `is damaged: the PAX header at byte ${at.offset} is malformed`)
    }
    const record = data.toString('utf8', space + 1, end - 1)
    const [key, value] = [record.slice(0, record.indexOf('=')), record.slice(record.indexOf('=') + 1)]
    if (key === 'path') result.path = value
    else if (key === 'size') {
      result.size = Number(value)
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(result.size)) {
        throw damaged(at, `is damaged: the PAX header at byte ${at.offset} has size ${JSON.stringify(value)}`)
      }
    } else if (key.startsWith('GNU.sparse')) throw sparse(at)
    start = end
  }
  return result
}

/** Text up to the first zero byte. */
export function text(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}

export function damaged(at: TarPosition, message: string): BeitError {
  return new BeitError('ERR_FORMAT', `${at.shard} ${message}`)
}

export function sparse(at: TarPosition): BeitError {
  return damaged(
    at,
    `holds a sparse file at byte ${at.offset}, which has no plain bytes; make it without --sparse`,
  )
}

/**
 * The sum over the block with the checksum field as spaces: of unsigned bytes, and as some old tars did,
 * signed.
 */
function checksums(block: Buffer): [number, number] {
  let unsigned = 0
  let signed = 0
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] as number)
    unsigned += byte
    signed += byte < 128 ? byte : byte - 256
  }
  return [unsigned, signed]
}

function octal(field: Buffer): number | null {
  const digits = text(field).trim()
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : null
}

/** Octal digits, or base 256 when the first bit is set; null when negative, malformed or beyond 2^53. */
function parseSize(field: Buffer): number | null {
  if (((field[0] as number) & 0x80) === 0) return text(field).trim() === '' ? 0 : octal(field)
  if (((field[0] as number) & 0x40) !== 0) return null
  let value = (field[0] as number) & 0x3f
  for (const byte of field.subarray(1)) value = value * 256 + byte
  return Number.isSafeInteger(value) ? value : null
}
