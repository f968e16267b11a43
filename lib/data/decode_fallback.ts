/**
 * Decoding of what the native JPEG decoder does not take, as people see the image: turned by its EXIF
 * orientation, colours brought to sRGB (CMYK and embedded profiles included), 16 bit to 8, transparency over
 * white, the first frame of an animation. sharp does it, except for PNM and BMP, which it cannot read.
 */
import sharp from 'sharp'
import { BeitError } from '../errors.js'
import type { RawImage } from '../native.js'
import { decodeBmp } from './bmp.js'
import { decodePnm } from './pnm.js'
import { readBytes } from './read_bytes.js'

/** No format needs more for a pixel: four channels of 16 bit; ASCII PNM is close. Then some for metadata. */
const BYTES_PER_PIXEL = 8
const METADATA_BYTES = 64 << 20

/**
 * Reads and decodes one image to RGB, 8 bit.
 * @param maxPixels a larger image is refused by its header, before memory is taken for it
 * @throws an Error whose message says what is wrong, without the path
 */
export async function decodeFallback(
  { path, offset, length }: { path: string; offset: number; length: number },
  maxPixels: number,
): Promise<RawImage> {
  return decodeBytes(await readImage(path, offset, length, maxPixels), maxPixels)
}

/** The bytes of an encoded image; length -1: to the end of the file. @throws as readBytes */
export function readImage(path: string, offset: number, length: number, maxPixels: number): Promise<Buffer> {
  return readBytes(path, offset, length, maxPixels * BYTES_PER_PIXEL + METADATA_BYTES)
}

/** The same for an image in memory. */
export async function decodeBytes(bytes: Buffer, maxPixels: number): Promise<RawImage> {
  switch (formatOf(bytes)) {
    case 'pnm':
      return decodePnm(bytes, maxPixels)
    case 'bmp':
      return decodeBmp(bytes, maxPixels)
    case 'sharp':
      return decodeWithSharp(bytes, maxPixels)
    case null:
      throw new BeitError(
        'ERR_FORMAT',
        `no image format begins with the bytes ${bytes.toString('hex', 0, 8)}`,
      )
  }
}

/**
 * By content, never by name. SVG and other formats that sharp knows but that run or open things are not let
 * in.
 */
function formatOf(bytes: Buffer): 'pnm' | 'bmp' | 'sharp' | null {
  const start = bytes.toString('latin1', 0, 12)
  if (/^P[2356]\s/.test(start)) return 'pnm'
  if (start.startsWith('BM')) return 'bmp'
  const known =
    start.startsWith('\xff\xd8\xff') || // JPEG
    start.startsWith('\x89PNG\r\n\x1a\n') ||
    /^GIF8[79]a/.test(start) ||
    /^RIFF.{4}WEBP/s.test(start) ||
    /^(II[*+]\0|MM\0[*+])/.test(start) || // TIFF and BigTIFF
    /^.{4}ftyp/s.test(start) // AVIF
  return known ? 'sharp' : null
}

async function decodeWithSharp(bytes: Buffer, maxPixels: number): Promise<RawImage> {
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: maxPixels, failOn: 'truncated' })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels, expected 3`)
    return { rgb: data, width: info.width, height: info.height }
  } catch (cause) {
    // libvips adds a line for every step that failed; the last one says most.
    const reason = (cause as Error).message.trim().split('\n').at(-1)
    throw new BeitError('ERR_FORMAT', `cannot be decoded: ${reason}`, { cause })
  }
}
