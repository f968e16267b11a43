/** What the state.json of a checkpoint of pretrain() says of the images that its weights were trained on. */
import { type NormalizationSettings, normalizationOf } from '../../data/normalization.js'
import type { ImagePreprocessing } from '../../data/preprocessing.js'
import { BeitError } from '../../errors.js'
import { STATE_FILE } from '../run_checkpoint.js'
import { isJsonObject } from '../strict_json.js'
import { readConfigBeside } from './config_file.js'

/**
 * Normalisation and interpolation of the run.
 * @param weights the model.safetensors of a checkpoint
 * @returns null for a file that lies in no checkpoint of pretrain()
 */
export async function pretrainingPreprocessing(weights: string): Promise<Partial<ImagePreprocessing> | null> {
  const state = await readConfigBeside(weights, STATE_FILE).catch((error) => {
    // A file of that name need not be ours.
    if (error instanceof BeitError && error.code === 'ERR_FORMAT') return null
    throw error
  })
  const { kind, config } = (state ?? {}) as Record<string, unknown>
  const settings = isJsonObject(config) ? (config as Record<string, unknown>).settings : null
  if (kind !== 'pretrain' || !isJsonObject(settings)) return null
  const { normalization, mean, std, interpolation } = settings as Partial<
    NormalizationSettings & Pick<ImagePreprocessing, 'interpolation'>
  >
  if (normalization !== 'imagenet' && normalization !== 'inception') return null
  return {
    ...normalizationOf({ normalization, mean: mean ?? null, std: std ?? null }),
    ...(interpolation !== undefined && { interpolation }),
  }
}
