/**
 * Reads files that may do harm, under the guard, and prints what each came to as one line of JSON.
 *
 *   read_attacks.js FOLDER measure|trace
 *
 * FOLDER/list.json names the files. To trace is to leave the measuring out, which opens files of its own, and
 * to open FOLDER/begin and FOLDER/end before and after the reading, so that a trace shows where it lies.
 */

import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Checkpoint, readCheckpoint } from '../../../lib/checkpoint/read_checkpoint.js'
import { BeitError } from '../../../lib/errors.js'
import { guarded, violations } from '../../support/guard.js'
import { peakAbove, startPeak } from '../../support/peak_memory.js'
import { type Portable, portable } from '../../support/portable.js'

export interface Outcome {
  /** Of a BeitError; 'none' for any other error. */
  code?: string
  message?: string
  data?: Portable
  /** Of the processor, all threads together. */
  milliseconds: number
  /** At the worst; null when it was not measured. */
  memory: number | null
}

export interface Report {
  outcomes: Outcome[]
  violations: string[]
  /** Names that a file put on every object. */
  polluted: string[]
}

const [folder = '', mode] = process.argv.slice(2)
const { warmUp, files } = JSON.parse(readFileSync(join(folder, 'list.json'), 'utf8'))

// Loads the addon and starts its threads.
for (const path of warmUp as string[]) await readAll(path)
const before = new Set(Object.getOwnPropertyNames(Object.prototype))
existsSync(join(folder, 'begin'))
const outcomes: Outcome[] = []
for (const path of files as string[]) outcomes.push(await outcome(path))
existsSync(join(folder, 'end'))
const polluted = Object.getOwnPropertyNames(Object.prototype).filter((name) => !before.has(name))
console.log(JSON.stringify({ outcomes, violations, polluted } satisfies Report))

async function readAll(path: string): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(path)
  for (const tensor of checkpoint.tensors.values()) {
    await tensor.toTypedArray()
    tensor.dispose()
  }
  return checkpoint
}

async function outcome(path: string): Promise<Outcome> {
  // Waste of the files before would count for this one; collecting it each time would take long.
  if (statSync(path).size > 1 << 16) globalThis.gc?.()
  const start = mode === 'measure' ? startPeak() : null
  const before = process.cpuUsage()
  // Every attack lies in a folder of its own.
  const own = dirname(path)
  const reading = guarded(
    (other) => dirname(other) === own,
    () => readAll(path),
  )
  const result = await reading.then(
    ({ data }) => ({ data: portable(data) }),
    (error: unknown) => ({
      code: error instanceof BeitError ? error.code : 'none',
      message: String((error as Error).message).slice(0, 1000),
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return { ...result, milliseconds: (user + system) / 1000, memory: peakAbove(start) }
}
