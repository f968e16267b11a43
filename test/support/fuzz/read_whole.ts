/** What the fuzzer's inputs come to when the addon reads their tensors from a file. */
import { writeFileSync } from 'node:fs'
import { readCheckpoint } from '../../../lib/checkpoint/read_checkpoint.js'
import { BeitError } from '../../../lib/errors.js'

/** Reads `file` from `path`, where it is written first. Gives what is wrong; null when it is read or refused. */
export async function readWhole(path: string, file: Uint8Array): Promise<string | null> {
  writeFileSync(path, file)
  try {
    const { tensors } = await readCheckpoint(path)
    for (const [name, tensor] of tensors) {
      const { length } = await tensor.toTypedArray()
      if (length !== tensor.size) return `tensor ${name} has ${length} elements, expected ${tensor.size}`
      tensor.dispose()
    }
    return null
  } catch (error) {
    const typed = error instanceof BeitError && (error.code === 'ERR_FORMAT' || error.code === 'ERR_IO')
    return typed ? null : String((error as Error).stack)
  }
}
