/**
 * Changes every byte of small valid checkpoints four ways and cuts them off at every length, reads each as a user
 * would, and prints what came of it as one line of JSON.
 *
 *   mutate_seeds.js FOLDER
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Checkpoint, readCheckpoint } from '../../../lib/checkpoint/read_checkpoint.js'
import { BeitError } from '../../../lib/errors.js'
import { isMistake } from '../../support/errors.js'
import { peakAbove, startPeak } from '../../support/peak_memory.js'
import { portable } from '../../support/portable.js'
import { SEEDS, type Seed } from '../../support/seeds.js'

export interface MutationReport {
  seed: string
  /** Files of which every byte counts: the tensors that come back must be those that were written. */
  covered: boolean
  read: number
  refused: number
  /** What must not be: other tensors, other errors. */
  problems: string[]
  /** Of the processor, at the worst. */
  milliseconds: number
  /** Of the whole run over all mutations; null when it was not measured. */
  memory: number | null
  bytes: number
}

const [folder = ''] = process.argv.slice(2)
const reports: MutationReport[] = []
for (const seed of SEEDS) reports.push(await mutate(seed))
console.log(JSON.stringify(reports))

async function mutate(seed: Seed): Promise<MutationReport> {
  const place = join(folder, seed.name)
  mkdirSync(place)
  for (const [name, bytes] of Object.entries(seed.files)) writeFileSync(join(place, name), bytes)
  const path = join(place, seed.main)
  const good = await contents(await readCheckpoint(path))
  const report: MutationReport = {
    seed: seed.name,
    covered: seed.covered,
    read: 0,
    refused: 0,
    problems: [],
    milliseconds: 0,
    memory: null,
    bytes: Object.values(seed.files).reduce((sum, bytes) => sum + bytes.length, 0),
  }
  globalThis.gc?.()
  const start = startPeak()
  for (const [name, bytes] of Object.entries(seed.files)) {
    // Written in place: a file that is emptied and written anew waits for the disk on some systems.
    const file = openSync(join(place, name), 'r+')
    const write = (content: Uint8Array) => {
      writeSync(file, content, 0, content.length, 0)
      ftruncateSync(file, content.length)
    }
    for (const [what, mutated] of mutations(bytes)) {
      write(mutated)
      const problem = await readMutated(path, seed, good, report)
      if (problem !== null) report.problems.push(`${name}: ${what}: ${problem}`)
    }
    write(bytes)
    closeSync(file)
  }
  report.memory = peakAbove(start)
  return report
}

/** Each of the four differs from the byte and from the others. */
function* mutations(bytes: Buffer): Iterable<[string, Uint8Array]> {
  for (const [at, byte] of bytes.entries()) {
    for (const value of [byte ^ 1, byte ^ 0x20, byte ^ 0x80, byte ^ 0xff]) {
      const mutated = Buffer.from(bytes)
      mutated[at] = value
      yield [`byte ${at} = ${value}`, mutated]
    }
  }
  for (let length = 0; length < bytes.length; length++) {
    yield [`${length} bytes`, bytes.subarray(0, length)]
  }
}

/** What is wrong with how reading ended; null when nothing is. */
async function readMutated(
  path: string,
  seed: Seed,
  good: string,
  report: MutationReport,
): Promise<string | null> {
  const before = process.cpuUsage()
  try {
    const found = await contents(await readCheckpoint(path))
    report.read++
    return seed.covered && found !== good ? `read as ${found}` : null
  } catch (error) {
    report.refused++
    // An index whose file name was changed names a file that is not there.
    const absent = seed.name === 'sharded' && error instanceof BeitError && error.code === 'ERR_IO'
    const format = error instanceof BeitError && error.code === 'ERR_FORMAT'
    const typed = format && error.message !== '' && !isMistake(error.cause)
    return typed || absent ? null : String((error as Error).stack)
  } finally {
    const { user, system } = process.cpuUsage(before)
    report.milliseconds = Math.max(report.milliseconds, (user + system) / 1000)
  }
}

/** Everything that a reader gives, as text: names, dtypes, shapes and elements of tensors, and plain data. */
async function contents({ tensors, data, metadata, picked, container }: Checkpoint): Promise<string> {
  const described: unknown[] = []
  for (const [name, tensor] of tensors) {
    const elements = await tensor.toTypedArray()
    const count = tensor.shape.reduce((product, size) => product * size, 1)
    if (elements.length !== count) throw new Error(`${name} has ${elements.length} of ${count} elements`)
    described.push([name, tensor.dtype, tensor.shape, Array.from(elements, String)])
    tensor.dispose()
  }
  return JSON.stringify([container, picked, described, portable(data), metadata])
}
