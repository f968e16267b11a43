/** Opens a checkpoint of whatever format by looking at its first bytes, never at its name. */
import { open } from 'node:fs/promises'
import { BeitError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { readSafetensors } from './safetensors.js'

/** What a checkpoint file holds. */
export interface Checkpoint {
  format: 'safetensors'
  /** By name, in the order of the file. */
  tensors: Map<string, Tensor>
  /** The writer's own strings. */
  metadata: Record<string, string>
}

/**
 * Reads a checkpoint file.
 *
 * @param options.device where its tensors go: 'cpu' (default), 'cuda' or 'cuda:N'
 * @throws BeitError ERR_FORMAT with what the file looks like when it is no safetensors file; ERR_IO when it
 * cannot be read.
 * @example
 * const { tensors } = await readCheckpoint('beit.safetensors')
 * await model.loadStateDict(tensors)
 */
export async function readCheckpoint(path: string, options: { device?: string } = {}): Promise<Checkpoint> {
  await refuseOtherFormats(path)
  return { format: 'safetensors', ...(await readSafetensors(path, options)) }
}

/**
 * @throws BeitError ERR_FORMAT with what the file is and what to do, when it is clearly not a safetensors
 * file.
 */
export async function refuseOtherFormats(path: string): Promise<void> {
  const other = otherFormat(await firstBytes(path))
  if (other !== null) throw new BeitError('ERR_FORMAT', `${path} ${other}`)
}

async function firstBytes(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new BeitError('ERR_IO', `cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}

const CONVERT =
  'Convert it once in Python: safetensors.torch.save_file(state_dict, path), ' +
  'with state_dict a dict of contiguous tensors.'

/** What the file is if not safetensors, and what to do; null when it may be safetensors. */
function otherFormat(head: Buffer): string | null {
  // A safetensors header of less than 4 GB has zeros here, and '{' behind the length.
  if (head.length > 8 && head[8] === 0x7b) return null
  if (head.subarray(0, 2).toString('latin1') === 'PK') {
    return `is a zip file, as torch.save writes it: .pth and .pt files are not read yet. ${CONVERT}`
  }
  if (head[0] === 0x80) {
    return (
      'is a Python pickle, as torch.save wrote it before 1.6: ' +
      `pickled modules and state dicts are not read yet. ${CONVERT}`
    )
  }
  if (
    head.length > 0 &&
    head.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte < 127))
  ) {
    const line = head.toString('latin1').split(/[\r\n]/)[0]
    return `is a text file that begins with ${JSON.stringify(line)}: perhaps the log or page of a failed download`
  }
  return null
}
