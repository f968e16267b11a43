/** What is in a checkpoint, by its bytes: structure alone, no tensor. */
import { BeitError } from '../errors.js'
import type { FileSource } from './byte_source.js'
import type { CheckpointContents } from './checkpoint_file.js'
import { detectFormat } from './detect_format.js'
import { openSafetensors } from './open_safetensors.js'
import { openShardedSafetensors } from './sharded_safetensors.js'
import { readTorchContents } from './torch/read_torch.js'

/**
 * Reads the structure of an open checkpoint of whatever format.
 *
 * @param pick the key of the weights; null: the likeliest
 * @throws BeitError, and nothing else: ERR_FORMAT with the rule that the file breaks, ERR_IO when it or a file
 * it names cannot be read, ERR_INVALID_ARGUMENT when there is nothing under `pick`
 */
export function readContents(source: FileSource, pick: string | null): CheckpointContents {
  try {
    const format = detectFormat(source)
    if (format !== 'safetensors' && format !== 'sharded-safetensors') {
      return readTorchContents(source, format, pick)
    }
    if (pick !== null) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        `pick: ${source.name} holds safetensors, which have no keys to pick from`,
      )
    }
    return format === 'safetensors' ? openSafetensors(source) : openShardedSafetensors(source)
  } catch (cause) {
    if (cause instanceof BeitError) throw cause
    // Limits of the engine itself, such as the number of keys of a Map.
    throw new BeitError('ERR_FORMAT', `${source.name}: ${(cause as Error).message}`, { cause })
  }
}
