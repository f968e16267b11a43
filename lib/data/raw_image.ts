/**
 * Common parts of the decoders written here: the check of a header's size, and rows that let the event loop
 * turn.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import { BeitError } from '../errors.js'
import type { RawImage } from '../native.js'

/** Pixels converted between two turns of the event loop: a few milliseconds. */
const PIXELS_AT_ONCE = 1 << 19

/** @throws BeitError ERR_FORMAT unless 1 <= width * height <= maxPixels */
export function checkSize(width: number, height: number, maxPixels: number): void {
  if (!(width >= 1 && height >= 1))
    throw new BeitError('ERR_FORMAT', `has an impossible size: ${width}x${height}`)
  if (width * height > maxPixels) {
    throw new BeitError('ERR_FORMAT', `is ${width}x${height}, more than the limit of ${maxPixels} pixels`)
  }
}

/** Makes an image row by row: `fill(row, y)` writes the 3 * width bytes of row y. */
export async function imageFromRows(
  width: number,
  height: number,
  fill: (row: Uint8Array, y: number) => void,
): Promise<RawImage> {
  const rgb = new Uint8Array(width * height * 3)
  const rowsAtOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / width))
  for (let y = 0; y < height; y++) {
    if (y > 0 && y % rowsAtOnce === 0) await breathe()
    fill(rgb.subarray(y * width * 3, (y + 1) * width * 3), y)
  }
  return { rgb, width, height }
}
