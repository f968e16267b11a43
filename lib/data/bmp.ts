/**
 * Windows and OS/2 bitmaps without compression: 1, 4 and 8 bit with a palette, 16, 24 and 32 bit, bottom-up
 * or top-down. The fourth byte of 32-bit pixels is passed over: most writers leave it 0 and no viewer takes
 * that for transparent.
 */
import { BeitError } from '../errors.js'
import type { RawImage } from '../native.js'
import { checkSize, imageFromRows } from './raw_image.js'

/** Values of the header's compression field. */
const RGB = 0
const BITFIELDS = 3
const ALPHA_BITFIELDS = 6

/** Decodes a BMP file. @throws BeitError ERR_FORMAT when it is malformed, compressed, cut or too large */
export async function decodeBmp(bytes: Buffer, maxPixels: number): Promise<RawImage> {
  if (bytes.length < 26) throw malformed('no whole header')
  const pixels = bytes.readUInt32LE(10)
  const headerSize = bytes.readUInt32LE(14)
  const isOs2 = headerSize === 12
  if (!isOs2 && (headerSize < 40 || bytes.length < 14 + headerSize))
    throw malformed(`a header of ${headerSize} bytes`)
  const width = isOs2 ? bytes.readUInt16LE(18) : bytes.readInt32LE(18)
  const signedHeight = isOs2 ? bytes.readUInt16LE(20) : bytes.readInt32LE(22)
  const height = Math.abs(signedHeight)
  const bits = bytes.readUInt16LE(isOs2 ? 24 : 28)
  const compression = isOs2 ? RGB : bytes.readUInt32LE(30)
  checkSize(width, height, maxPixels)
  if (![RGB, BITFIELDS, ALPHA_BITFIELDS].includes(compression)) {
    throw new BeitError(
      'ERR_FORMAT',
      `is a BMP file with compression ${compression}, which is not read; make it a PNG`,
    )
  }

  const stride = Math.ceil((width * bits) / 32) * 4
  if (pixels + stride * height > bytes.length) throw malformed('fewer rows than its size needs')
  const colour = bits <= 8 ? paletteColours(bytes, bits, isOs2) : directColours(bytes, bits, compression)
  return imageFromRows(width, height, (row, y) => {
    const start = pixels + stride * (signedHeight < 0 ? y : height - 1 - y)
    for (let x = 0; x < width; x++) colour(start, x, row)
  })
}

/** Writes pixel x of the row that begins at byte `start` into `row`. */
type Colour = (start: number, x: number, row: Uint8Array) => void

function paletteColours(bytes: Buffer, bits: number, isOs2: boolean): Colour {
  if (![1, 4, 8].includes(bits)) throw malformed(`${bits} bits a pixel`)
  const palette = 14 + bytes.readUInt32LE(14)
  const entry = isOs2 ? 3 : 4
  const mask = (1 << bits) - 1
  return (start, x, row) => {
    const bit = x * bits
    const byte = bytes[start + (bit >> 3)] as number
    const index = (byte >> (8 - bits - (bit & 7))) & mask
    copyBgr(bytes, palette + index * entry, row, x)
  }
}

function directColours(bytes: Buffer, bits: number, compression: number): Colour {
  if (bits === 24) return (start, x, row) => copyBgr(bytes, start + x * 3, row, x)
  if (bits === 32 && compression === RGB) return (start, x, row) => copyBgr(bytes, start + x * 4, row, x)
  if (bits !== 16 && bits !== 32) throw malformed(`${bits} bits a pixel`)
  if (compression !== RGB && bytes.length < 66) throw malformed('no colour masks')
  // Masks of red, green and blue follow the 40 bytes of the header; without them 16 bit is 5-5-5.
  const masks = compression === RGB ? [0x7c00, 0x3e0, 0x1f] : [54, 58, 62].map((at) => bytes.readUInt32LE(at))
  const fields = masks.map((mask) => {
    if (mask === 0) throw malformed('an empty colour mask')
    const shift = 31 - Math.clz32(mask & -mask)
    return { mask, shift, largest: mask >>> shift }
  })
  return (start, x, row) => {
    const pixel = bits === 16 ? bytes.readUInt16LE(start + x * 2) : bytes.readUInt32LE(start + x * 4)
    fields.forEach(({ mask, shift, largest }, channel) => {
      row[x * 3 + channel] = Math.round((((pixel & mask) >>> shift) * 255) / largest)
    })
  }
}

function copyBgr(bytes: Buffer, at: number, row: Uint8Array, x: number): void {
  row[x * 3] = bytes[at + 2] as number
  row[x * 3 + 1] = bytes[at + 1] as number
  row[x * 3 + 2] = bytes[at] as number
}

function malformed(what: string): BeitError {
  return new BeitError('ERR_FORMAT', `is a damaged BMP file: it has ${what}`)
}
