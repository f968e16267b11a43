/** The size of a PNG picture, from its header alone. */
import { invalidArgument } from '../errors.js'

export interface PngSize {
  width: number
  height: number
  /** 1 grey, 2 grey and alpha, 3 colours (of a palette too), 4 colours and alpha. */
  channels: number
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
/** By the colour type of the header. */
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 }

/**
 * @param name of the argument that has the bytes, for messages
 * @throws BeitError ERR_INVALID_ARGUMENT for what does not begin as a PNG file does
 */
export function pngSize(name: string, png: Uint8Array): PngSize {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength)
  const isPng = bytes.subarray(0, 8).equals(SIGNATURE) && bytes.toString('latin1', 12, 16) === 'IHDR'
  const channels = isPng ? CHANNELS[bytes[25] as number] : undefined
  if (channels === undefined) throw invalidArgument(name, 'the bytes of a PNG file', png)
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), channels }
}
