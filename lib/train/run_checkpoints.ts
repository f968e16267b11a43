/** How a run is put into a checkpoint, and how it goes on from one. */
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
import type { Trainer } from './trainer.js'
import type { Training } from './training.js'

/** Where a run begins. */
export interface RunStart {
  progress: Progress
  checkpoint: WholeCheckpoint<RunState> | null
  warnings: string[]
}

/**
 * Finds the checkpoint that the option `resume` asks for and checks that the run can go on from it. Loads
 * nothing yet.
 * @throws BeitError ERR_NO_CHECKPOINT, ERR_CHECKPOINT_MISMATCH, ERR_OUTPUT_EXISTS; ERR_IO when one cannot be read
 */
export async function findRunStart(
  { kind, config, settings: { resume } }: Pick<Training, 'kind' | 'config' | 'settings'>,
  folder: RunFolder,
): Promise<RunStart> {
  if (resume === 'never') return { progress: new Progress(), checkpoint: null, warnings: [] }
  const { checkpoint, warnings } =
    resume === 'auto' ? await newestOf(folder.checkpoints) : await chosen(resume, folder)
  if (checkpoint === null) return { progress: new Progress(), checkpoint, warnings }
  checkRunState(checkpoint.path, checkpoint.state, kind)
  warnings.push(...checkRunConfig(checkpoint.path, checkpoint.state.config, config))
  const progress = Progress.from(checkpoint.state.progress)
  // The best checkpoint of another folder is not one of this.
  if (!folder.holds(checkpoint.path)) progress.best = null
  return { progress, checkpoint, warnings }
}

/** Puts weights, moments and generator of a checkpoint into module and trainer. */
export async function restoreRun(
  { path }: WholeCheckpoint<RunState>,
  training: Pick<Training, 'module'>,
  trainer: Trainer,
): Promise<void> {
  await scope(async () => {
    await training.module.loadStateDict((await readSafetensors(join(path, MODEL_FILE))).tensors)
    await trainer.load((await readSafetensors(join(path, TRAINER_FILE))).tensors)
  })
}

/**
 * Saves where the run stands and removes the checkpoints that are no longer kept. No step may be running.
 * @throws BeitError ERR_IO; the checkpoints before it are still there then
 */
export async function saveRun(
  { kind, config, module, settings, length }: Training,
  folder: RunFolder,
  trainer: Trainer,
  progress: Progress,
): Promise<CheckpointEvent> {
  const began = performance.now()
  const { step } = progress
  const position = positionAfter(step, length.stepsPerEpoch, settings.accumulate)
  const state = runState({ kind, runId: folder.runId, position, progress, config })
  const path = await saveRunCheckpoint(folder.checkpoints, step, state, {
    [MODEL_FILE]: (path) => module.save(path),
    [TRAINER_FILE]: (path) => scope(async () => writeSafetensors(path, await trainer.state(), {})),
  })
  await pruneRunCheckpoints(folder.checkpoints, settings.keepCheckpoints, progress.best?.step ?? null)
  return { type: 'checkpoint', step, path, seconds: (performance.now() - began) / 1000 }
}

async function newestOf(checkpoints: string): Promise<Omit<RunStart, 'progress'>> {
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
async function chosen(resume: string, folder: RunFolder): Promise<Omit<RunStart, 'progress'>> {
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
  const newest = (await listRunCheckpoints(folder.checkpoints)).at(-1)
  if (newest !== undefined && newest.path !== checkpoint.path) {
    throw new BeitError(
      'ERR_OUTPUT_EXISTS',
      `the output ${folder.path} holds ${newest.path}, which is not the checkpoint to go on from ` +
        `(${checkpoint.path}): choose another output`,
    )
  }
  return { checkpoint, warnings: [] }
}
