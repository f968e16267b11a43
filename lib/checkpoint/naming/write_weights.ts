/** Writes the weights of a model under the names of a naming. */
import type { Tensor } from '../../tensor.js'
import { type CheckpointFormat, formatOf, writeCheckpoint } from '../write_checkpoint.js'
import type { Naming } from './identify.js'

/**
 * @param options.metadata `kind` and `config` of a module, which this library reads back; empty for none
 * @throws BeitError ERR_INVALID_ARGUMENT for an extension that tells no format, ERR_IO
 */
export async function writeWeights(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  {
    naming,
    format = formatOf(path),
    metadata,
  }: { naming: Naming; format?: CheckpointFormat | undefined; metadata: Readonly<Record<string, string>> },
): Promise<void> {
  // transformers takes a .bin file for a state dict and nothing else: its config.json has to do.
  const bare = naming === 'transformers' && format === 'pth'
  await writeCheckpoint(path, tensors, {
    format,
    metadata: bare ? {} : { format: 'pt', library: 'beit-torch', ...metadata },
  })
}
