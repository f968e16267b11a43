/** Small files of text beside a checkpoint, read with the care that the checkpoint itself is. */
import { BeitError } from '../errors.js'
import { openFileSource } from './byte_source.js'

/**
 * The whole of a file in UTF-8; null where there is none.
 * @param maxBytes which no such file is above
 * @throws BeitError ERR_FORMAT when it is larger, ERR_IO when it is no regular file or cannot be read
 */
export function readSmallText(path: string, maxBytes: number): string | null {
  const source = openIfThere(path)
  if (source === null) return null
  try {
    if (source.size <= maxBytes) return new TextDecoder().decode(source.read(0, source.size))
    throw new BeitError('ERR_FORMAT', `${path} has ${source.size} bytes, over the limit of ${maxBytes}`)
  } finally {
    source.close()
  }
}

function openIfThere(path: string) {
  try {
    return openFileSource(path)
  } catch (error) {
    if (((error as BeitError).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null
    throw error
  }
}
