/** The flag --tokenizer: a file, or a run or checkpoint folder of a tokenizer. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listRunCheckpoints, MODEL_FILE } from '../checkpoint/run_checkpoint.js'
import { BeitError } from '../errors.js'
import type { OptionSpec } from '../options.js'
import type { ConvDiscreteVae } from '../tokenizers/conv_discrete_vae.js'
import { DalleTokenizer } from '../tokenizers/dalle_tokenizer.js'
import { loadTokenizer } from '../tokenizers/load_tokenizer.js'
import { CHECKPOINTS_FOLDER } from '../train/run_folder.js'

/** The trained tokenizer in its run folder. */
export const TOKENIZER_FILE = 'tokenizer.safetensors'

export const TOKENIZER_FLAG: OptionSpec = {
  type: 'string',
  default: null,
  doc: "Tokenizer: a checkpoint file, as DALL-E's encoder.pkl, or the output folder of 'beit tokenizer train'",
}

export const DECODER_FLAG: OptionSpec = {
  type: 'string',
  default: null,
  optional: true,
  doc: 'The decoder, where --tokenizer is the encoder of DALL-E alone; only pictures need it',
}

/** @throws BeitError ERR_FORMAT, ERR_IO, ERR_NO_CHECKPOINT */
export async function openTokenizer(
  values: Readonly<Record<string, unknown>>,
  device: string | undefined,
): Promise<DalleTokenizer | ConvDiscreteVae> {
  const path = await weightsOf(values.tokenizer as string)
  const decoder = values.decoder as string | null | undefined
  return decoder == null ? loadTokenizer(path, { device }) : DalleTokenizer.load(path, { decoder, device })
}

/** A folder stands for its finished tokenizer, or for the newest checkpoint of a run that is not finished. */
async function weightsOf(path: string): Promise<string> {
  const exists = (file: string) => stat(file).catch(() => null)
  if (!(await exists(path))?.isDirectory()) return path
  const candidates = [join(path, TOKENIZER_FILE), join(path, MODEL_FILE)]
  const newest = (await listRunCheckpoints(join(path, CHECKPOINTS_FOLDER))).at(-1)
  if (newest !== undefined) candidates.push(join(newest.path, MODEL_FILE))
  for (const file of candidates) if (await exists(file)) return file
  throw new BeitError(
    'ERR_NO_CHECKPOINT',
    `${path} holds neither ${TOKENIZER_FILE} nor a checkpoint of a tokenizer`,
  )
}
