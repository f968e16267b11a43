/** Small pictures with known pixels, in any format. */
import { deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

export interface Picture {
  rgb: Uint8Array
  width: number
  height: number
}

/**
 * A smooth picture with a different colour in every corner, so that turns and flips show; `index` tints it.
 */
export function picture(width: number, height: number, index = 0): Picture {
  const rgb = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      rgb.set([(255 * x) / width, (255 * y) / height, (index * 37) % 256], (y * width + x) * 3)
    }
  }
  return { rgb, width, height }
}

/** sharp with the picture's pixels as input. */
export function encode({ rgb, width, height }: Picture): Sharp {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}

/** One colour everywhere, 16 bit a channel: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
export function deepPng(width: number, height: number, colour: readonly number[]): Promise<Buffer> {
  const values = new Uint16Array(width * height * colour.length).map(
    (_, i) => colour[i % colour.length] as number,
  )
  const channels = colour.length as 1 | 2 | 3 | 4
  return sharp(values, { raw: { width, height, channels } })
    .toColourspace(channels < 3 ? 'grey16' : 'rgb16')
    .png()
    .toBuffer()
}

/**
 * A well-formed PNG whose header claims a size and whose pixels are missing: a few bytes that ask for
 * gigabytes.
 */
export function pngBomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(100))), chunk('IEND')]
  return Buffer.concat([signature, ...chunks])
}

function chunk(type: string, data = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length, 0)
  whole.set(body, 4)
  whole.writeUInt32BE(crc32(body), body.length + 4)
  return whole
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
