/** How a run is put into a checkpoint, and how it goes on from one. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  listRunCheckpoints,
  MODEL_FILE,
  newestRunCheckpoint,
  openRunCheckpoint,
  pruneRunCheckpoints,
  saveRunCheckpoint,
  setAsideRunCheckpoint,
  TRAINER_FILE,
  type WholeCheckpoint,
} from '../checkpoint/run_checkpoint.js'
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import type { CheckpointEvent } from './events.js'
import { checkRunConfig } from './run_config.js'
import { CHECKPOINTS_FOLDER, type RunFolder } from './run_folder.js'
import { positionAfter } from './run_length.js'
import { checkRunState, Progress, type RunState, runState } from './run_state.js'
import { torchRunStart } from './torch_start.js'
import type { Trainer } from './trainer.js'
import type { Training } from './training.js'

/** Where a run begins. */
export interface RunStart {
  progress: Progress
  checkpoint: { path: string; restore(trainer: Trainer): Promise<void> } | null
  warnings: string[]
}

/**
 * Finds the checkpoint that the option `resume` asks for and checks that the run can go on from it. Loads
 * nothing yet.
 * @throws BeitError ERR_NO_CHECKPOINT, ERR_CHECKPOINT_MISMATCH, ERR_OUTPUT_EXISTS; ERR_IO when one cannot be read
 */
export async function findRunStart(
  training: Pick<Training, 'kind' | 'config' | 'settings' | 'module' | 'furtherModules' | 'length'>,
  folder: RunFolder,
): Promise<RunStart> {
  const { resume } = training.settings
  if (resume === 'never') return { progress: new Progress(), checkpoint: null, warnings: [] }
  if (resume !== 'auto' && (await isFile(resume))) {
    const path = resolve(resume)
    await refuseOtherCheckpoints(path, folder)
    if (training.kind === 'finetune') throw noTorchResume(path)
    return torchRunStart(path, training)
  }
  const { checkpoint, warnings } =
    resume === 'auto' ? await newestOf(folder.checkpoints) : await chosen(resume, folder)
  if (checkpoint === null) return { progress: new Progress(), checkpoint, warnings }
  const { path, state } = checkpoint
  checkRunState(path, state, training.kind)
  warnings.push(...checkRunConfig(path, state.config, training.config))
  const progress = Progress.from(state.progress)
  // The best checkpoint of another folder is not one of this.
  if (!folder.holds(path)) progress.best = null
  const restore = (trainer: Trainer) => restoreRun(path, training, trainer)
  return { progress, checkpoint: { path, restore }, warnings }
}

/** Puts weights, moments and generator of a checkpoint into modules and trainer. */
async function restoreRun(
  path: string,
  training: Pick<Training, 'module' | 'furtherModules'>,
  trainer: Trainer,
): Promise<void> {
  await scope(async () => {
    for (const [name, module] of modulesOf(training)) {
      await module.loadStateDict((await readSafetensors(join(path, name))).tensors)
    }
    await trainer.load((await readSafetensors(join(path, TRAINER_FILE))).tensors)
  })
}

/** Everything of a run that has weights, by the name of its file in a checkpoint. */
const modulesOf = ({ module, furtherModules = {} }: Pick<Training, 'module' | 'furtherModules'>) =>
  Object.entries({ [MODEL_FILE]: module, ...furtherModules })

/**
 * Saves where the run stands and removes the checkpoints that are no longer kept. No step may be running.
 * @throws BeitError ERR_IO; the checkpoints before it are still there then
 */
export async function saveRun(
  training: Training,
  folder: RunFolder,
  trainer: Trainer,
  progress: Progress,
): Promise<CheckpointEvent> {
  const began = performance.now()
  const { kind, config, settings, length } = training
  const { step } = progress
  const position = positionAfter(step, length.stepsPerEpoch, settings.accumulate)
  const state = runState({ kind, runId: folder.runId, position, progress, config })
  const weights = modulesOf(training).map(
    ([name, module]) => [name, (path: string) => module.save(path)] as const,
  )
  const path = await saveRunCheckpoint(folder.checkpoints, step, state, {
    ...Object.fromEntries(weights),
    [TRAINER_FILE]: (path) => scope(async () => writeSafetensors(path, await trainer.state(), {})),
  })
  await pruneRunCheckpoints(folder.checkpoints, settings.keepCheckpoints, progress.best?.step ?? null)
  return { type: 'checkpoint', step, path, seconds: (performance.now() - began) / 1000 }
}

/** A checkpoint of a run folder, and what to tell about the search. */
interface Found {
  checkpoint: WholeCheckpoint<RunState> | null
  warnings: string[]
}

async function newestOf(checkpoints: string): Promise<Found> {
  const { checkpoint, damaged } = await newestRunCheckpoint<RunState>(checkpoints)
  if (checkpoint === null && damaged.length > 0) {
    throw new BeitError(
      'ERR_NO_CHECKPOINT',
      `no checkpoint in ${checkpoints} is whole:\n  ${damaged.map(({ reason }) => reason).join('\n  ')}\n` +
        'Choose another output to begin anew',
    )
  }
  const warnings: string[] = []
  for (const { path, reason } of damaged) {
    warnings.push(`passed over a damaged checkpoint, now ${await setAsideRunCheckpoint(path)}: ${reason}`)
  }
  return { checkpoint, warnings }
}

/** A checkpoint folder, or the newest whole one of a run folder. */
async function chosen(resume: string, folder: RunFolder): Promise<Found> {
  const path = resolve(resume)
  const inRun = (await newestRunCheckpoint<RunState>(join(path, CHECKPOINTS_FOLDER))).checkpoint
  const checkpoint =
    inRun ??
    (await openRunCheckpoint<RunState>(path).catch((cause) => {
      if (cause.code === 'ERR_IO') throw cause
      throw new BeitError('ERR_NO_CHECKPOINT', `resume: ${path} is no whole checkpoint: ${cause.message}`, {
        cause,
      })
    }))
  await refuseOtherCheckpoints(checkpoint.path, folder)
  return { checkpoint, warnings: [] }
}

async function refuseOtherCheckpoints(path: string, folder: RunFolder): Promise<void> {
  const newest = (await listRunCheckpoints(folder.checkpoints)).at(-1)
  if (newest === undefined || newest.path === path) return
  throw new BeitError(
    'ERR_OUTPUT_EXISTS',
    `the output ${folder.path} holds ${newest.path}, which is not the checkpoint to go on from ` +
      `(${path}): choose another output`,
  )
}

function noTorchResume(path: string): BeitError {
  return new BeitError(
    'ERR_NO_CHECKPOINT',
    `resume: ${path} is a file, and a run of fine-tuning goes on from its own checkpoint folders alone. ` +
      'For the weights of the file, load the model from it and begin a new run',
  )
}

const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
