/** What a run folder or a checkpoint folder holds, as lines to read. */
import { bytes, counted, decimal } from '../../log/format.js'
import { evaluationText } from '../../log/run_status.js'
import { columns, facts, flatten, indented, section } from '../../log/table.js'
import type { CheckpointReport, RunReport } from './run_report.js'
import { weightsLines } from './weights_text.js'

/** A run: its settings, how far it came, its checkpoints. */
export function runLines(report: RunReport): string[] {
  const { path, settings, checkpoints } = report
  return [
    ...facts([['run', path]]),
    ...facts(progressRows(report)),
    ...section('settings', flatten(settings)),
    '',
    checkpoints.length === 0 ? 'no checkpoint' : 'checkpoints',
    ...indented(columns(checkpoints.map(checkpointRow))),
  ]
}

/** How far the run came, as its metrics tell. */
function progressRows({ start, step, evaluation, best, done }: RunReport): [string, string][] {
  const rows: [string, string][] = []
  if (step !== null) {
    const ended = done !== null && done.step === step.step ? done.reason : 'not ended'
    rows.push(['steps', `${step.step} of ${start?.steps ?? '?'}, ${ended}`])
    rows.push(['loss', decimal(step.loss)])
  }
  if (evaluation !== null) {
    rows.push(['validation', `${evaluationText(evaluation)}, after step ${evaluation.step}`])
  }
  if (best !== null && best.step !== evaluation?.step) {
    rows.push(['best', `${evaluationText(best)}, after step ${best.step}`])
  }
  return rows
}

function checkpointRow({ path, bytes: size, problem }: RunReport['checkpoints'][number]): string[] {
  return [path, bytes(size), problem === null ? 'complete' : `damaged: ${problem}`]
}

/** One checkpoint of a run. */
export function checkpointLines({ path, bytes: size, state, weights }: CheckpointReport): string[] {
  const { progress, position, kind, runId, config } = state
  return [
    ...facts([
      ['checkpoint', `${path}, complete, ${bytes(size)}`],
      ['run', `${kind}, ${runId}`],
      ['trained', `${counted(progress.step, 'step')}, ${progress.skipped} of them skipped`],
      ['goes on at', `epoch ${position.epoch}, batch ${position.batch}`],
    ]),
    ...section('config of the run', flatten(config)),
    '',
    ...weightsLines(weights),
  ]
}
