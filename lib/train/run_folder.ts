/**
 * The folder of a training run: settings.json (which run it is, and how it was started), checkpoints/, and
 * the lock. What else lies there (metrics.jsonl, curves, samples) is written by consumers of the events.
 */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { replaceFile } from '../checkpoint/atomic_file.js'
import { makeFolder } from '../checkpoint/make_folder.js'
import { listRunCheckpoints, prepareRunCheckpoints } from '../checkpoint/run_checkpoint.js'
import { BeitError } from '../errors.js'
import { lockRun, type RunLock } from './run_lock.js'

export const SETTINGS_FILE = 'settings.json'
export const CHECKPOINTS_FOLDER = 'checkpoints'

/** Enough to tell a run by, and not the folders of a machine in a report or picture that is passed on. */
export const runName = (folder: string) => join(basename(dirname(folder)), basename(folder))

/** A run folder that this process holds. */
export class RunFolder {
  readonly path: string
  readonly checkpoints: string
  /** Stays with the folder when the run is resumed. */
  readonly runId: string
  readonly #lock: RunLock

  private constructor(path: string, runId: string, lock: RunLock) {
    this.path = path
    this.checkpoints = join(path, CHECKPOINTS_FOLDER)
    this.runId = runId
    this.#lock = lock
  }

  /**
   * Creates or enters the folder and locks it.
   * @param resume false: refuse a folder that holds a run
   * @throws BeitError ERR_OUTPUT_EXISTS when it does, or when another process trains into it; ERR_IO
   */
  static async open(output: string, resume: boolean): Promise<RunFolder> {
    const path = resolve(output)
    if (!resume) await refuseOccupied(path)
    try {
      await makeFolder(path)
      const lock = await lockRun(path)
      try {
        // Once more under the lock: another process may have come first.
        if (!resume) await refuseOccupied(path)
        await prepareRunCheckpoints(join(path, CHECKPOINTS_FOLDER))
        return new RunFolder(path, (await savedRunId(path)) ?? randomUUID(), lock)
      } catch (error) {
        await lock.release()
        throw error
      }
    } catch (cause) {
      if (cause instanceof BeitError) throw cause
      throw new BeitError('ERR_IO', `cannot use the output ${path}: ${(cause as Error).message}`, { cause })
    }
  }

  /** Writes settings.json. */
  async writeSettings(settings: Record<string, unknown>): Promise<void> {
    const text = `${JSON.stringify({ runId: this.runId, ...settings }, null, 2)}\n`
    await replaceFile(join(this.path, SETTINGS_FILE), (temporary) =>
      fs.writeFile(temporary, text, { flush: true }),
    )
  }

  /** Whether `checkpoint` is one of this run, or of another folder. */
  holds(checkpoint: string): boolean {
    return dirname(checkpoint) === this.checkpoints
  }

  /** Gives the folder free for other processes. */
  async close(): Promise<void> {
    await this.#lock.release()
  }
}

async function refuseOccupied(path: string): Promise<void> {
  const checkpoints = await listRunCheckpoints(join(path, CHECKPOINTS_FOLDER))
  if (checkpoints.length === 0 && (await savedRunId(path)) === null) return
  const found =
    checkpoints.length === 0
      ? 'without a checkpoint'
      : `whose newest checkpoint is of step ${checkpoints.at(-1)?.step}`
  throw new BeitError(
    'ERR_OUTPUT_EXISTS',
    `${path} holds a run ${found}: give resume: 'auto' to go on with it, or another output`,
  )
}

async function savedRunId(path: string): Promise<string | null> {
  try {
    return JSON.parse(await fs.readFile(join(path, SETTINGS_FILE), 'utf8')).runId ?? null
  } catch {
    return null
  }
}
