/** Opens whichever tokenizer a file holds. */
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { BeitError } from '../errors.js'
import { describeModuleFile } from '../models/module_file.js'
import type { LoadOptions } from '../models/module_options.js'
import { ConvDiscreteVae } from './conv_discrete_vae.js'
import { DalleTokenizer } from './dalle_tokenizer.js'

/**
 * The tokenizer of a checkpoint file: the kind is in the metadata of our own files; the original DALL-E
 * weights, pickled or not, are known by their names.
 *
 * @throws BeitError ERR_FORMAT when the file holds no tokenizer, ERR_IO when it cannot be read.
 * @example
 * using tokenizer = await loadTokenizer('runs/tokenizer/model.safetensors', { device: 'cuda' })
 */
export async function loadTokenizer(
  path: string,
  options: LoadOptions = {},
): Promise<DalleTokenizer | ConvDiscreteVae> {
  const file = await openCheckpoint(path)
  const own = file.container === 'safetensors' ? await describeModuleFile(path) : null
  const kind = own?.kind ?? kindByNames(file.tensors.keys())
  if (kind === 'conv_discrete_vae') return ConvDiscreteVae.load(path, options)
  if (kind === 'dalle_dvae') return DalleTokenizer.load(path, options)
  throw new BeitError(
    'ERR_FORMAT',
    `${path} holds ${kind === null ? 'no known kind of module' : `a ${kind}`}, expected a tokenizer: ` +
      "a file that trainTokenizer or a tokenizer's save() wrote, or the weights of a DALL-E dVAE",
  )
}

function kindByNames(names: Iterable<string>): string | null {
  const dalle = [...names].some((name) => /^(encoder\.)?blocks\.input\.w$/.test(name))
  return dalle ? 'dalle_dvae' : null
}
