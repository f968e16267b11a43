/** A bare pickle, as pickle.dump writes it. */
import { BeitError } from '../../errors.js'
import type { ByteSource } from '../byte_source.js'
import { unpickleAt } from './grow.js'
import { CHECKPOINT_FUNCTIONS, type TorchFile } from './torch_file.js'

/**
 * Reads a file that is one pickle.
 * @throws BeitError ERR_FORMAT that says which rule is broken
 */
export function readBarePickle(source: ByteSource): TorchFile {
  const { value, end } = unpickleAt(source, 0, { functions: CHECKPOINT_FUNCTIONS })
  if (end !== source.size) {
    throw new BeitError(
      'ERR_FORMAT',
      `${source.name}: pickle: it ends at byte ${end}, the file at ${source.size}`,
    )
  }
  return { container: 'pickle', root: value }
}
