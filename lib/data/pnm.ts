/**
 * Portable grey maps and pixel maps (netpbm's pgm(5) and ppm(5)): P2 and P3 as text, P5 and P6 binary, up to
 * 16 bit.
 */
import { BeitError } from '../errors.js'
import type { RawImage } from '../native.js'
import { checkSize, imageFromRows } from './raw_image.js'

/**
 * Decodes the first image of a PNM file. @throws BeitError ERR_FORMAT when it is malformed, cut or too large
 */
export async function decodePnm(bytes: Buffer, maxPixels: number): Promise<RawImage> {
  const kind = bytes[1] as number
  const isText = kind === 0x32 || kind === 0x33
  const channels = kind === 0x33 || kind === 0x36 ? 3 : 1
  const header = new Numbers(bytes, 2)
  const width = header.next()
  const height = header.next()
  const maximum = header.next()
  checkSize(width, height, maxPixels)
  if (maximum < 1 || maximum > 65535) throw malformed(`a largest value of ${maximum}`)
  const next = isText ? () => header.next() : binarySamples(bytes, header.position + 1, maximum > 255)
  const needed = width * height * channels * (isText || maximum <= 255 ? 1 : 2)
  if (bytes.length - header.position - 1 < needed) throw malformed('fewer samples than its size needs')

  return imageFromRows(width, height, (row) => {
    for (let x = 0; x < row.length; x += 3) {
      for (let channel = 0; channel < channels; channel++) {
        row[x + channel] = Math.round((Math.min(next(), maximum) * 255) / maximum)
      }
      if (channels === 1) row.fill(row[x] as number, x + 1, x + 3)
    }
  })
}

/** Samples in order, the high byte first. */
function binarySamples(bytes: Buffer, start: number, wide: boolean): () => number {
  let position = start
  if (!wide) return () => bytes[position++] as number
  return () => {
    position += 2
    return bytes.readUInt16BE(position - 2)
  }
}

/** Decimal numbers between white space and comments ('#' to the end of the line). */
class Numbers {
  position: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  next(): number {
    const bytes = this.#bytes
    while (isSpace(bytes[this.position]) || bytes[this.position] === 0x23) {
      if (bytes[this.position] === 0x23) {
        const end = bytes.indexOf(0x0a, this.position)
        this.position = end < 0 ? bytes.length : end
      } else this.position++
    }
    let value = 0
    const start = this.position
    for (; isDigit(bytes[this.position]) && this.position - start < 10; this.position++) {
      value = value * 10 + (bytes[this.position] as number) - 0x30
    }
    if (this.position === start) throw malformed('something else where a number should be')
    return value
  }
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39
const isSpace = (byte: number | undefined) =>
  byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d)

function malformed(what: string): BeitError {
  return new BeitError('ERR_FORMAT', `is a damaged PNM file: it has ${what}`)
}
