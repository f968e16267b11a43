/** All weights of a checkpoint that is open. */
import { BeitError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import type { CheckpointFile } from './checkpoint_file.js'

/**
 * Reads every weight of `file`, in its order.
 * @throws BeitError ERR_FORMAT when one has a dtype that this library does not have, and as `CheckpointFile.read`
 */
export async function readAll(
  file: CheckpointFile,
  options: { device?: string } = {},
): Promise<Map<string, Tensor>> {
  const [unreadable] = file.unreadable.values()
  if (unreadable !== undefined) {
    throw new BeitError('ERR_FORMAT', `${file.path}: tensor '${unreadable.name}': ${unreadable.reason}`)
  }
  const tensors = await file.read([...file.tensors.values()], options)
  return new Map([...file.tensors.keys()].map((name, i) => [name, tensors[i] as Tensor]))
}
