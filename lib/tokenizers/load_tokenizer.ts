/** Opens whichever tokenizer a file holds. */
import { refuseOtherFormats } from '../checkpoint/read_checkpoint.js'
import { readSafetensorsHeader } from '../checkpoint/safetensors.js'
import { BeitError } from '../errors.js'
import { describeModuleFile } from '../models/module_file.js'
import type { LoadOptions } from '../models/module_options.js'
import { ConvDiscreteVae } from './conv_discrete_vae.js'
import { DalleTokenizer } from './dalle_tokenizer.js'

/**
 * The tokenizer of a safetensors file: the kind is in the metadata of our own files; the original DALL-E
 * weights are known by their names.
 *
 * @throws BeitError ERR_FORMAT when the file holds no tokenizer, ERR_IO when it cannot be read.
 * @example
 * using tokenizer = await loadTokenizer('runs/tokenizer/model.safetensors', { device: 'cuda' })
 */
export async function loadTokenizer(
  path: string,
  options: LoadOptions = {},
): Promise<DalleTokenizer | ConvDiscreteVae> {
  await refuseOtherFormats(path)
  const kind = (await describeModuleFile(path))?.kind ?? (await kindByNames(path))
  if (kind === 'conv_discrete_vae') return ConvDiscreteVae.load(path, options)
  if (kind === 'dalle_dvae') return DalleTokenizer.load(path, options)
  throw new BeitError(
    'ERR_FORMAT',
    `${path} holds ${kind === null ? 'no known kind of module' : `a ${kind}`}, expected a tokenizer: ` +
      "a file that trainTokenizer or a tokenizer's save() wrote, or the weights of a DALL-E dVAE",
  )
}

async function kindByNames(path: string): Promise<string | null> {
  const { tensors } = await readSafetensorsHeader(path)
  const dalle = tensors.some(({ name }) => /^(encoder\.)?blocks\.input\.w$/.test(name))
  return dalle ? 'dalle_dvae' : null
}
