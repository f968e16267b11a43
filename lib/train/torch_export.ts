/** A checkpoint of a run as a training checkpoint of PyTorch: the original's checkpoint-N.pth. */
import { join, resolve } from 'node:path'
import { inUnilmOrder } from '../checkpoint/naming/unilm.js'
import { namespace } from '../checkpoint/pickle/python_values.js'
import {
  MODEL_FILE,
  newestRunCheckpoint,
  openRunCheckpoint,
  TRAINER_FILE,
} from '../checkpoint/run_checkpoint.js'
import { readSafetensors } from '../checkpoint/safetensors.js'
import { adamWStateDict } from '../checkpoint/torch/write_adamw_state.js'
import { writeCheckpoint } from '../checkpoint/write_checkpoint.js'
import { scope } from '../dispose.js'
import { BeitError, invalidArgument } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { optimizerSchedules } from './optimizer_schedules.js'
import { CHECKPOINTS_FOLDER } from './run_folder.js'
import { runLength } from './run_length.js'
import type { RunSettings } from './run_options.js'
import { checkRunState, type RunState } from './run_state.js'
import { type SavedPretrainConfig, unilmArguments } from './unilm_arguments.js'

const MOMENT = 'exp_avg.'

/** How {@link exportTrainingCheckpoint} writes. */
export interface ExportOptions {
  /**
   * 'dict' (default): `args` is a dict, and torch.load reads the file as it reads any. 'namespace': the
   * argparse.Namespace of the original, for which torch.load needs weights_only=False.
   */
  args?: 'dict' | 'namespace'
}

/**
 * Writes a checkpoint of pretrain() as the original keeps its own: { model, optimizer, epoch, args }, where
 * the optimizer is torch.optim.AdamW's state_dict() over the original's two groups. Its training script goes
 * on from it, and so does any loop that calls load_state_dict. `epoch` is the last finished one, from 0;
 * PyTorch's files know no step within an epoch, so the steps after it are made again.
 *
 * @param run a run folder, whose newest whole checkpoint is taken, or one of its checkpoints
 * @param path of the .pth file, such as checkpoint-19.pth: the original finds its newest by that name
 * @throws BeitError ERR_NO_CHECKPOINT when `run` has none, ERR_CHECKPOINT_MISMATCH when it is of a tokenizer,
 * ERR_FORMAT, ERR_IO
 * @example
 * await exportTrainingCheckpoint('runs/first', 'checkpoint-19.pth')
 * // optimizer.load_state_dict(torch.load('checkpoint-19.pth')['optimizer'])
 */
export async function exportTrainingCheckpoint(
  run: string,
  path: string,
  { args = 'dict' }: ExportOptions = {},
): Promise<{ step: number; epoch: number }> {
  if (args !== 'dict' && args !== 'namespace') throw invalidArgument('args', "'dict' or 'namespace'", args)
  const { path: from, state } = await checkpointOf(run)
  checkRunState(from, state, 'pretrain')
  const config = state.config as SavedPretrainConfig
  const { step } = state.progress
  const epoch = state.position.epoch - 1
  await scope(async () => {
    const { tensors: model } = await readSafetensors(join(from, MODEL_FILE))
    const { tensors: trainer } = await readSafetensors(join(from, TRAINER_FILE))
    const [updates] = (await (trainer.get('step') as Tensor).toTypedArray()) as BigInt64Array
    const optimizer = adamWStateDict(momentsIn(trainer), Number(updates), settingsAt(step, config))
    const values = unilmArguments(config)
    const data = { optimizer, epoch, args: args === 'dict' ? values : namespace(values) }
    const inOrder = inUnilmOrder([...model.keys()]).map((name) => [name, model.get(name) as Tensor] as const)
    await writeCheckpoint(path, new Map(inOrder), { format: 'pth', data })
  })
  return { step, epoch }
}

async function checkpointOf(run: string) {
  const folder = resolve(run)
  const { checkpoint } = await newestRunCheckpoint<RunState>(join(folder, CHECKPOINTS_FOLDER))
  if (checkpoint !== null) return checkpoint
  return openRunCheckpoint<RunState>(folder).catch((cause) => {
    if (cause.code === 'ERR_IO') throw cause
    throw new BeitError(
      'ERR_NO_CHECKPOINT',
      `${folder} is neither a run with a whole checkpoint nor a checkpoint of one: ${cause.message}`,
      { cause },
    )
  })
}

/** In state-dict order, in which the trainer saved them. */
function momentsIn(state: ReadonlyMap<string, Tensor>) {
  const names = [...state.keys()].filter((name) => name.startsWith(MOMENT))
  return names.map((key) => {
    const name = key.slice(MOMENT.length)
    const expAvg = state.get(key) as Tensor
    return { name, shape: expAvg.shape, expAvg, expAvgSq: state.get(`exp_avg_sq.${name}`) as Tensor }
  })
}

/** What the schedules have for the step that comes next. */
function settingsAt(step: number, { settings, data }: SavedPretrainConfig) {
  const { learningRate, weightDecay } = optimizerSchedules(
    settings as unknown as RunSettings,
    runLength((data as { length: number }).length, settings as unknown as RunSettings),
  )(step)
  return { learningRate, weightDecay, betas: settings.betas, eps: settings.eps }
}
