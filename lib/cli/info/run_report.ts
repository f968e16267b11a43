/** What a run folder or a checkpoint folder holds, as data. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unreadable } from '../../checkpoint/manifest.js'
import {
  listRunCheckpoints,
  lookAtRunCheckpoint,
  MODEL_FILE,
  openRunCheckpoint,
  runCheckpointSize,
} from '../../checkpoint/run_checkpoint.js'
import { METRICS_FILE, readMetrics } from '../../log/metrics_file.js'
import type { RunEvent } from '../../train/events.js'
import { CHECKPOINTS_FOLDER, SETTINGS_FILE } from '../../train/run_folder.js'
import type { RunState } from '../../train/run_state.js'
import { reportWeights, type WeightsReport } from './weights_report.js'

type Event<T extends string> = Extract<RunEvent, { type: T }>

export interface RunReport {
  kind: 'run'
  path: string
  settings: object
  /** The last events of each type, as metrics.jsonl has them. */
  start: Event<'start'> | null
  step: Event<'step'> | null
  evaluation: Event<'evaluation'> | null
  /** Of a run that ended: the evaluation of its best checkpoint. */
  best: Event<'evaluation'> | null
  done: Event<'done'> | null
  checkpoints: { path: string; bytes: number; problem: string | null }[]
}

export interface CheckpointReport {
  kind: 'checkpoint'
  path: string
  bytes: number
  state: RunState
  weights: WeightsReport
}

/** @throws BeitError ERR_FORMAT when its settings cannot be read, ERR_IO */
export async function reportRun(path: string): Promise<RunReport> {
  const events = await readMetrics(join(path, METRICS_FILE)).catch(
    (): Awaited<ReturnType<typeof readMetrics>> => [],
  )
  const last = <T extends 'start' | 'step' | 'evaluation' | 'done'>(type: T) =>
    (events.findLast((event) => event.type === type) ?? null) as Event<T> | null
  const done = last('done')
  const best = (event: RunEvent) => event.type === 'evaluation' && event.step === done?.best?.step
  const checkpoints = await listRunCheckpoints(join(path, CHECKPOINTS_FOLDER))
  return {
    kind: 'run',
    path,
    settings: await readSettings(join(path, SETTINGS_FILE)),
    start: last('start'),
    step: last('step'),
    evaluation: last('evaluation'),
    best: (events.findLast(best) ?? null) as Event<'evaluation'> | null,
    done,
    checkpoints: await Promise.all(
      checkpoints.map(async ({ path }) => ({ path, ...(await lookAtRunCheckpoint(path)) })),
    ),
  }
}

/** @throws BeitError ERR_FORMAT when it is not complete, ERR_IO */
export async function reportCheckpoint(path: string): Promise<CheckpointReport> {
  const { state } = await openRunCheckpoint<RunState>(path, { content: false })
  const weights = await reportWeights(join(path, MODEL_FILE))
  return { kind: 'checkpoint', path, bytes: await runCheckpointSize(path), state, weights }
}

async function readSettings(path: string): Promise<object> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw unreadable(path, cause)
  }
}
