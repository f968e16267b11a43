/** What a run folder or a checkpoint folder holds. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listRunCheckpoints, MODEL_FILE, openRunCheckpoint } from '../../checkpoint/run_checkpoint.js'
import { BeitError } from '../../errors.js'
import { bytes, decimal, percent } from '../../log/format.js'
import { METRICS_FILE, readMetrics } from '../../log/metrics_file.js'
import { CHECKPOINTS_FOLDER, SETTINGS_FILE } from '../../train/run_folder.js'
import type { RunState } from '../../train/run_state.js'
import { columns, flatten } from './table.js'
import { describeWeights } from './weights.js'

/**
 * Describes a run folder (its settings, how far it came, its checkpoints) or one checkpoint.
 * @throws BeitError ERR_FORMAT for a folder that is neither
 */
export async function describeFolder(path: string): Promise<string[]> {
  const names = await readdir(path)
  if (names.includes(MODEL_FILE)) return describeCheckpoint(path)
  if (names.includes(SETTINGS_FILE)) return describeRun(path)
  throw new BeitError(
    'ERR_FORMAT',
    `${path} is neither a run folder (no ${SETTINGS_FILE}) nor a checkpoint (no ${MODEL_FILE})`,
  )
}

async function describeRun(path: string): Promise<string[]> {
  const settings = JSON.parse(await readFile(join(path, SETTINGS_FILE), 'utf8'))
  const checkpoints = await listRunCheckpoints(join(path, CHECKPOINTS_FOLDER))
  const rows = await Promise.all(checkpoints.map((each) => checkpointRow(each.path)))
  return [
    `run  ${path}`,
    ...(await describeProgress(join(path, METRICS_FILE))),
    '',
    'settings',
    ...columns(flatten(settings)).map((line) => `  ${line}`),
    '',
    checkpoints.length === 0 ? 'no checkpoint' : 'checkpoints',
    ...columns(rows).map((line) => `  ${line}`),
  ]
}

/** How far the run came, as its metrics tell. */
async function describeProgress(metrics: string): Promise<string[]> {
  const events = await readMetrics(metrics).catch((): Awaited<ReturnType<typeof readMetrics>> => [])
  const start = events.findLast((event) => event.type === 'start')
  const step = events.findLast((event) => event.type === 'step')
  const evaluation = events.findLast((event) => event.type === 'evaluation')
  const done = events.findLast((event) => event.type === 'done')
  const rows: [string, string][] = []
  if (step !== undefined) {
    const ended = done !== undefined && done.step === step.step ? done.reason : 'not ended'
    rows.push(['steps', `${step.step} of ${start?.steps ?? '?'}, ${ended}`])
    rows.push(['loss', decimal(step.loss)])
  }
  if (evaluation !== undefined) {
    const accuracy =
      'accuracy' in evaluation
        ? `, accuracy ${percent(evaluation.accuracy)}, most frequent token alone ${percent(evaluation.baselineAccuracy)}`
        : ''
    rows.push(['validation', `loss ${decimal(evaluation.loss)}${accuracy}, after step ${evaluation.step}`])
  }
  return columns(rows)
}

async function checkpointRow(path: string): Promise<string[]> {
  const size = bytes(await folderSize(path))
  try {
    await openRunCheckpoint(path, { content: false })
    return [path, size, 'complete']
  } catch (error) {
    return [path, size, `damaged: ${(error as Error).message}`]
  }
}

async function describeCheckpoint(path: string): Promise<string[]> {
  const { state } = await openRunCheckpoint<RunState>(path, { content: false })
  const { progress, position, kind, runId } = state
  return [
    ...columns([
      ['checkpoint', `${path}, complete, ${bytes(await folderSize(path))}`],
      ['run', `${kind}, ${runId}`],
      ['trained', `${progress.step} steps, ${progress.skipped} of them skipped`],
      ['goes on at', `epoch ${position.epoch}, batch ${position.batch}`],
    ]),
    '',
    'config',
    ...columns(flatten(state.config)).map((line) => `  ${line}`),
    '',
    ...(await describeWeights(join(path, MODEL_FILE))),
  ]
}

async function folderSize(path: string): Promise<number> {
  const names = await readdir(path)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
