/** Which format a file has, by its first bytes; and what it is, in words, when none is known. */
import { BeitError } from '../errors.js'
import type { ByteSource } from './byte_source.js'
import { isLegacy } from './torch/read_legacy.js'

export type DetectedFormat = 'safetensors' | 'sharded-safetensors' | 'zip' | 'legacy' | 'pickle'

/**
 * @throws BeitError ERR_FORMAT with what the file looks like when it is none of them
 */
export function detectFormat(source: ByteSource): DetectedFormat {
  const head = Buffer.from(source.read(0, Math.min(source.size, 512)))
  const refuse = (what: string) => new BeitError('ERR_FORMAT', `${source.name} ${what}`)
  if (head.length === 0) throw refuse('is empty: perhaps a failed download')
  // The header of a safetensors file: a length whose upper half is zero, then '{'. Before all others, as the
  // lower half may be the first bytes of any of them, and none has zeros there and '{' behind.
  if (head[8] === 0x7b && head.readUInt32LE(4) === 0) return 'safetensors'
  if (head.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'))) return 'zip'
  if (head[0] === 0x50 && head[1] === 0x4b)
    throw refuse('is a zip file without entries, or one of several parts')
  // JSON by itself: the index of several safetensors files.
  if (/^\s*\{\s*["}]/.test(head.toString('latin1'))) return 'sharded-safetensors'
  if (isLegacy(source)) return 'legacy'
  if (head[0] === 0x80 || PICKLE_WITHOUT_PROTOCOL.test(head.toString('latin1'))) return 'pickle'
  if (head.toString('latin1', 257, 262) === 'ustar') {
    throw refuse('is a tar file, as torch.save wrote until 0.1.9: load and save it in a newer PyTorch')
  }
  if (
    head
      .subarray(0, 64)
      .every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))
  ) {
    const line = head.toString('latin1', 0, 64).split(/[\r\n]/)[0]
    throw refuse(
      `is a text file that begins with ${JSON.stringify(line)}: perhaps the log or page of a failed download`,
    )
  }
  // A safetensors file that is cut off or damaged in its first bytes has its own messages.
  return 'safetensors'
}

/** Protocols 0 and 1: an empty or marked container that is put into the memo, or the name of a class. */
const PICKLE_WITHOUT_PROTOCOL =
  /^(\([dl]p\d+\n|[}\])]q|[}\]]\.|c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n(p\d+\n|q|\())/
