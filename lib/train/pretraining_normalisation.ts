/** With which normalisation a checkpoint of pretrain() was trained: what is trained further should have the same. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { STATE_FILE } from '../checkpoint/run_checkpoint.js'
import { normalizationOf } from './pretrain.js'
import type { PretrainSettings } from './pretrain_options.js'
import type { RunState } from './run_state.js'

/**
 * Mean and deviation of each channel.
 * @param weights the model.safetensors of a checkpoint
 * @returns null for a file that lies in no checkpoint of pretrain()
 */
export async function pretrainingNormalisation(
  weights: string,
): Promise<ReturnType<typeof normalizationOf> | null> {
  const text = await readFile(join(dirname(weights), STATE_FILE), 'utf8').catch(() => null)
  if (text === null) return null
  const { kind, config } = JSON.parse(text) as RunState
  return kind === 'pretrain' ? normalizationOf(config.settings as unknown as PretrainSettings) : null
}
