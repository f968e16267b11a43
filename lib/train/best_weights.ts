/** Which weights of a run are to be used. */
import { join } from 'node:path'
import { EMA_FILE, MODEL_FILE, newestRunCheckpoint, runCheckpointPath } from '../checkpoint/run_checkpoint.js'
import { CHECKPOINTS_FOLDER } from './run_folder.js'
import { JUDGED_ON_TRAINING, type RunState } from './run_state.js'

/**
 * The file of the weights that the evaluations of a fine-tuning run found best, its averaged ones where it has
 * them; of the newest checkpoint when nothing was evaluated: the training loss does not tell which are better. Of other
 * runs the newest as well: pre-training makes a model that serves better as long as it goes on.
 * @returns null for a run without a whole checkpoint
 * @throws BeitError ERR_IO
 */
export async function bestWeights(run: string): Promise<string | null> {
  const checkpoints = join(run, CHECKPOINTS_FOLDER)
  const { checkpoint } = await newestRunCheckpoint<RunState>(checkpoints)
  if (checkpoint === null) return null
  if (checkpoint.state.kind !== 'finetune') return join(checkpoint.path, MODEL_FILE)
  const { progress, config } = checkpoint.state
  const { best } = progress
  const isEvaluated = best !== null && best.judgedOn !== JUDGED_ON_TRAINING
  const folder = isEvaluated ? runCheckpointPath(checkpoints, best.step) : checkpoint.path
  return join(folder, (config.settings?.ema ?? null) === null ? MODEL_FILE : EMA_FILE)
}
