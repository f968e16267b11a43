/** Opens whichever tokenizer a file holds. */
import { expectModel } from '../checkpoint/naming/expect_model.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import type { LoadOptions } from '../models/module_options.js'
import { ConvDiscreteVae } from './conv_discrete_vae.js'
import { DalleTokenizer } from './dalle_tokenizer.js'

/**
 * The tokenizer of a checkpoint file, known by its names: one that `save` or trainTokenizer wrote, the published
 * weights of DALL-E, pickled or not, or transformers' FLAVA codebook.
 *
 * @throws BeitError ERR_FORMAT or ERR_CHECKPOINT_MISMATCH when the file holds no tokenizer, ERR_IO when it
 * cannot be read.
 * @example
 * using tokenizer = await loadTokenizer('tokenizer.safetensors')
 */
export async function loadTokenizer(
  path: string,
  options: LoadOptions = {},
): Promise<DalleTokenizer | ConvDiscreteVae> {
  const { identity } = await expectModel(await openCheckpoint(path), ['dalle_dvae', 'conv_discrete_vae'])
  if (identity.model === 'dalle_dvae') return DalleTokenizer.load(path, options)
  return ConvDiscreteVae.load(path, options)
}
