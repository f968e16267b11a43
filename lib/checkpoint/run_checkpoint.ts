/**
 * The checkpoints of a training run: folders checkpoints/step-00000030 with
 *   model.safetensors  the weights, loadable by themselves; beside them other modules of the run
 *   state.safetensors  moments and generator of the trainer
 *   state.json         where the run stands and what it must agree with when it goes on
 *   manifest.json      sizes and SHA-256 of the others, written last
 * What stands in the files is the business of lib/train; here they are saved whole or not at all, found, and
 * pruned.
 */
import fs from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BeitError } from '../errors.js'
import { removeFolderAtomically, removePartialFolders, writeFolderAtomically } from './atomic_folder.js'
import { makeFolder } from './make_folder.js'
import { unreadable, verifyManifest, writeManifest } from './manifest.js'

export const MODEL_FILE = 'model.safetensors'
/** A running average of the weights, where a run keeps one. */
export const EMA_FILE = 'model_ema.safetensors'
export const TRAINER_FILE = 'state.safetensors'
export const STATE_FILE = 'state.json'

const NAME = /^step-(\d{8,})$/

/** A checkpoint folder, whole or not. */
export interface CheckpointEntry {
  step: number
  path: string
}

/** A checkpoint whose files are all as they were saved. */
export interface WholeCheckpoint<State> {
  path: string
  /** Of state.json. */
  state: State
}

/**
 * Saves a checkpoint after step `step` into the folder `checkpoints`, and gives its path. Each of `files`
 * writes one file at the path it is given.
 * @throws BeitError ERR_IO; the checkpoints that were there are untouched then
 */
export async function saveRunCheckpoint(
  checkpoints: string,
  step: number,
  state: object,
  files: Record<string, (path: string) => Promise<void>>,
): Promise<string> {
  const path = runCheckpointPath(checkpoints, step)
  await writeFolderAtomically(path, async (folder) => {
    for (const [name, write] of Object.entries(files)) await write(join(folder, name))
    await fs.writeFile(join(folder, STATE_FILE), `${JSON.stringify(state)}\n`)
    await writeManifest(folder)
  })
  return path
}

/** The folder of the checkpoint of step `step`. */
export const runCheckpointPath = (checkpoints: string, step: number) =>
  join(checkpoints, `step-${String(step).padStart(8, '0')}`)

/** Checkpoint folders, oldest first. */
export async function listRunCheckpoints(checkpoints: string): Promise<CheckpointEntry[]> {
  const names = await fs.readdir(checkpoints).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new BeitError('ERR_IO', `cannot list ${checkpoints}: ${error.message}`, { cause: error })
  })
  return names
    .flatMap((name) => {
      const step = NAME.exec(name)?.[1]
      return step === undefined ? [] : [{ step: Number(step), path: join(checkpoints, name) }]
    })
    .sort((a, b) => a.step - b.step)
}

/**
 * Verifies a checkpoint, with `content: false` by the sizes of its files alone, and reads its state.
 * @throws BeitError ERR_FORMAT that says which file is missing or damaged; ERR_IO
 */
export async function openRunCheckpoint<State>(
  path: string,
  options: { content?: boolean } = {},
): Promise<WholeCheckpoint<State>> {
  await verifyManifest(path, options)
  try {
    return { path, state: JSON.parse(await fs.readFile(join(path, STATE_FILE), 'utf8')) }
  } catch (cause) {
    throw unreadable(join(path, STATE_FILE), cause)
  }
}

/**
 * How many bytes a checkpoint folder has, and why it is not whole: null where it is, by the sizes of its files. One that is
 * gone is empty, as the run that goes on may have pruned it.
 */
export async function lookAtRunCheckpoint(path: string): Promise<{ bytes: number; problem: string | null }> {
  const [bytes, problem] = await Promise.all([
    runCheckpointSize(path).catch(() => 0),
    openRunCheckpoint(path, { content: false }).then(
      () => null,
      (error: Error) => error.message,
    ),
  ])
  return { bytes, problem }
}

/** Bytes of the files of a checkpoint folder. */
export async function runCheckpointSize(path: string): Promise<number> {
  const names = await fs.readdir(path)
  const sizes = await Promise.all(names.map(async (name) => (await fs.stat(join(path, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A checkpoint folder that was passed over, and why. */
export interface DamagedCheckpoint extends CheckpointEntry {
  reason: string
}

/**
 * The newest whole checkpoint, and the newer ones that are not whole.
 * @throws BeitError ERR_IO when one cannot be read: it may be whole
 */
export async function newestRunCheckpoint<State>(
  checkpoints: string,
): Promise<{ checkpoint: WholeCheckpoint<State> | null; damaged: DamagedCheckpoint[] }> {
  const damaged: DamagedCheckpoint[] = []
  for (const entry of (await listRunCheckpoints(checkpoints)).reverse()) {
    try {
      return { checkpoint: await openRunCheckpoint(entry.path), damaged }
    } catch (error) {
      if (!(error instanceof BeitError && error.code === 'ERR_FORMAT')) throw error
      damaged.push({ ...entry, reason: error.message })
    }
  }
  return { checkpoint: null, damaged }
}

/**
 * Renames a damaged checkpoint, so that it is neither found nor counted again, and gives the new path. One that
 * was set aside before stays.
 */
export async function setAsideRunCheckpoint(path: string): Promise<string> {
  const names = await fs.readdir(dirname(path))
  let aside = `${path}.damaged`
  for (let i = 2; names.includes(basename(aside)); i++) aside = `${path}.damaged-${i}`
  await fs.rename(path, aside)
  return aside
}

/**
 * Removes all but the newest `keep` checkpoints and the one of step `best`.
 * @throws BeitError ERR_IO
 */
export async function pruneRunCheckpoints(
  checkpoints: string,
  keep: number,
  best: number | null,
): Promise<void> {
  const entries = await listRunCheckpoints(checkpoints)
  for (const { step, path } of entries.slice(0, Math.max(0, entries.length - keep))) {
    if (step !== best) await removeFolderAtomically(path)
  }
}

/**
 * Makes the folder `checkpoints` ready for the one process that writes there: removes what killed saves left.
 */
export async function prepareRunCheckpoints(checkpoints: string): Promise<void> {
  await makeFolder(checkpoints)
  await removePartialFolders(checkpoints)
}
