/**
 * The encoded bytes of one sample: a whole file, or a range of a tar shard.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { BeitError } from '../errors.js'

/**
 * Reads `length` bytes from `offset` of `path`; length -1: to the end.
 * @throws BeitError ERR_DATA when the file is empty, ends early, or the range is longer than `mostBytes`
 * @throws the error of the system when the file cannot be opened or read
 */
export async function readBytes(
  path: string,
  offset: number,
  length: number,
  mostBytes: number,
): Promise<Buffer> {
  const file = await open(path)
  try {
    const size = length >= 0 ? length : (await file.stat()).size - offset
    if (size <= 0) throw new BeitError('ERR_DATA', 'the file is empty')
    if (size > mostBytes) {
      throw new BeitError(
        'ERR_DATA',
        `${size} bytes are more than an image of maxPixels can need (${mostBytes})`,
      )
    }
    return await readFully(file, offset, size)
  } finally {
    await file.close()
  }
}

async function readFully(file: FileHandle, offset: number, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size)
  for (let filled = 0; filled < size; ) {
    const { bytesRead } = await file.read(bytes, filled, size - filled, offset + filled)
    if (bytesRead === 0) throw new BeitError('ERR_DATA', `the file ends ${size - filled} bytes early`)
    filled += bytesRead
  }
  return bytes
}
