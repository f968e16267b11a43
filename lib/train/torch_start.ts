/**
 * Goes on from a training checkpoint of PyTorch, such as the original's checkpoint-19.pth: { model, optimizer,
 * epoch }. It knows whole epochs alone and no generator, so the run begins at the next epoch with a fresh one.
 */

import type { CheckpointFile } from '../checkpoint/checkpoint_file.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { isPlainObject, type PlainData, TensorRecord } from '../checkpoint/records.js'
import { readAdamWState, type SavedAdamW } from '../checkpoint/torch/read_adamw_state.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import { Tensor } from '../tensor.js'
import { weightDecaySchedule } from './optimizer_schedules.js'
import type { RunStart } from './run_checkpoints.js'
import { Progress } from './run_state.js'
import type { Trainer } from './trainer.js'
import type { Training } from './training.js'

const MOMENTS = ['exp_avg.', 'exp_avg_sq.'] as const

/**
 * Where a run begins that goes on from the file `path`. Loads nothing yet.
 * @throws BeitError ERR_NO_CHECKPOINT when it is no training checkpoint; ERR_CHECKPOINT_MISMATCH, ERR_FORMAT,
 * ERR_IO
 */
export async function torchRunStart(
  path: string,
  { module, settings, length }: Pick<Training, 'module' | 'settings' | 'length'>,
): Promise<RunStart> {
  const file = await openCheckpoint(path)
  const { optimizer, epoch } = trainingState(file)
  const saved = readAdamWState(optimizer, await module.parameterShapes(), path)
  const updates = await commonStep(file, saved.moments)
  const progress = new Progress()
  progress.step = (epoch + 1) * length.stepsPerEpoch
  const warnings = differences({ ...saved, path }, { settings, length }, progress.step)
  // Updates that a gradient scaler skipped are not counted.
  if (updates > progress.step || (updates > 0 && updates < 0.95 * progress.step)) {
    warnings.push(
      `${path} was made by ${updates} updates in ${epoch + 1} epochs, and this run has ` +
        `${length.stepsPerEpoch} steps an epoch: its data, batchSize or accumulate are others`,
    )
  }
  const restore = (trainer: Trainer) => restoreTorchRun(file, saved.moments, updates, module, trainer)
  return { progress, checkpoint: { path, restore }, warnings }
}

function trainingState({ path, data }: CheckpointFile): { optimizer: PlainData; epoch: number } {
  const { optimizer = null, epoch = null } = isPlainObject(data) ? data : {}
  const missing = optimizer === null ? 'optimizer' : 'epoch'
  if (optimizer !== null && typeof epoch === 'number' && Number.isInteger(epoch) && epoch >= -1) {
    return { optimizer, epoch }
  }
  throw new BeitError(
    'ERR_NO_CHECKPOINT',
    `resume: ${path} has no ${missing}, so it is no training checkpoint to go on from. ` +
      'For its weights alone, load the model from it and begin a new run',
  )
}

async function restoreTorchRun(
  file: CheckpointFile,
  moments: SavedAdamW['moments'],
  updates: number,
  module: Training['module'],
  trainer: Trainer,
): Promise<void> {
  await scope(async () => {
    const weights = await file.read([...file.tensors.values()])
    await module.loadStateDict(
      new Map([...file.tensors.keys()].map((name, i) => [name, weights[i] as Tensor])),
    )
    if (moments.length === 0) return
    const step = Tensor.from(BigInt64Array.of(BigInt(updates)), [])
    const state = new Map<string, Tensor>([['step', step]])
    const records = moments.flatMap(({ expAvg, expAvgSq }) => [expAvg, expAvgSq])
    const tensors = await file.read(records)
    for (const [i, tensor] of tensors.entries()) {
      const { name } = moments[i >> 1] as { name: string }
      const float32 = tensor.dtype === 'float32' ? tensor : await tensor.to({ dtype: 'float32' })
      state.set(`${MOMENTS[i & 1]}${name}`, float32)
    }
    // The file has no generator: that of this run's seed stays.
    state.set('generator', (await trainer.state()).get('generator') as Tensor)
    await trainer.load(state)
  })
}

/** The number of updates, which is that of every parameter here; 0 before the first. */
async function commonStep(file: CheckpointFile, moments: SavedAdamW['moments']): Promise<number> {
  const records = moments.map(({ step }) => step).filter((step) => step instanceof TensorRecord)
  const numbers = moments.map(({ step }) => step).filter((step) => typeof step === 'number')
  await scope(async () => {
    for (const tensor of await file.read(records)) numbers.push(...(await tensor.toFloat32()))
  })
  const [step = 0] = numbers
  if (numbers.every((number) => number === step) && Number.isSafeInteger(step) && step >= 0) return step
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `${file.path}: its optimizer made ${Math.min(...numbers)} to ${Math.max(...numbers)} updates of single ` +
      'parameters, and this one counts them for all together',
  )
}

/**
 * What the run will do otherwise than the one that wrote the file.
 * @param step the first one of this run
 */
function differences(
  { path, settings: groups }: SavedAdamW & { path: string },
  { settings, length }: Pick<Training, 'settings' | 'length'>,
  step: number,
): string[] {
  const found: string[] = []
  const betas = groups
    .map((group) => group.betas)
    .find((pair) => pair !== null && pair.join() !== settings.betas.join())
  if (betas) found.push(`betas [${betas.join(', ')}], this run has [${settings.betas.join(', ')}]`)
  const eps = groups.map((group) => group.eps).find((value) => value !== null && value !== settings.eps)
  if (eps !== undefined) found.push(`eps ${eps}, this run has ${settings.eps}`)
  // The largest: one of the original's groups has none. It is that of the last step, or of the next.
  const decay = Math.max(...groups.map((group) => group.weightDecay ?? -1))
  const schedule = weightDecaySchedule(settings, length.steps)
  const around = [schedule(Math.max(step - 1, 0)), schedule(step)]
  const isNear = decay >= Math.min(...around) * (1 - 1e-6) && decay <= Math.max(...around) * (1 + 1e-6)
  if (decay >= 0 && !isNear) found.push(`weightDecay ${decay}, this run has ${schedule(step)} then`)
  return found.map((difference) => `the optimizer in ${path} had ${difference}`)
}
