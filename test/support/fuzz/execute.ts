/** One execution of the fuzzer: an input read from memory, and the verdict on what came of it. */
import { memorySource } from '../../../lib/checkpoint/byte_source.js'
import type { CheckpointContents } from '../../../lib/checkpoint/checkpoint_file.js'
import { readContents } from '../../../lib/checkpoint/read_contents.js'
import type { TensorRecord } from '../../../lib/checkpoint/records.js'
import { ITEM_SIZES } from '../../../lib/checkpoint/torch/dtypes.js'
import { BeitError } from '../../../lib/errors.js'
import { isMistake } from '../errors.js'
import { portable } from '../portable.js'

export interface Verdict {
  readonly outcome: 'read' | 'refused' | 'offender'
  /** Like inputs have the same: the rule that was broken without its numbers and names, or what was read. */
  readonly signature: string
}

/** Of the processor. */
const LIMIT = 1000

/** Under no folder: shards that an index names are never there. */
const NAME = '/dev/null/input'
const IDENTITY = { size: 0n, mtimeNs: 0n, ino: 0n, dev: 0n }

export function execute(file: Buffer): Verdict {
  const start = performance.now()
  const verdict = read(file)
  if (performance.now() - start <= LIMIT) return verdict
  // The machine may have been busy with other things.
  const before = process.cpuUsage()
  read(file)
  const { user, system } = process.cpuUsage(before)
  const milliseconds = (user + system) / 1000
  if (milliseconds <= LIMIT) return verdict
  return { outcome: 'offender', signature: `it takes ${milliseconds} ms: ${verdict.signature}` }
}

function read(file: Buffer): Verdict {
  try {
    const contents = readContents(
      { ...memorySource(file, NAME), identity: IDENTITY, close: () => undefined },
      null,
    )
    const problem = problemOf(contents, file.length)
    if (problem !== null) return { outcome: 'offender', signature: problem }
    return { outcome: 'read', signature: shapeOf(contents) }
  } catch (error) {
    const typed = error instanceof BeitError && !isMistake(error.cause)
    const missingShard = typed && error.code === 'ERR_IO' && /ENOTDIR/.test(error.message)
    if (typed && (error.code === 'ERR_FORMAT' || missingShard)) {
      return { outcome: 'refused', signature: ruleOf(error.message) }
    }
    return { outcome: 'offender', signature: String((error as Error).stack) }
  }
}

/** What must hold for all that is read; null when it does. */
function problemOf({ tensors, data }: CheckpointContents, size: number): string | null {
  for (const [name, record] of tensors) {
    if (record.name !== name) return `tensor ${name} is called ${record.name}`
    const problem = outOfBounds(record, size)
    if (problem !== null) return `tensor ${name} ${problem}`
  }
  portable(data) // throws for anything that is not plain data
  return null
}

function outOfBounds({ shape, strides, dtype, storage, storageOffset }: TensorRecord, size: number) {
  const whole = [...shape, ...strides, storageOffset, storage.offset, storage.byteLength]
  if (!whole.every((value) => Number.isSafeInteger(value) && value >= 0)) return `has numbers ${whole}`
  if (storage.offset + storage.byteLength > size) return 'has a storage outside of the file'
  if (shape.length !== strides.length) return 'has not as many strides as sizes'
  if (shape.includes(0)) return null
  const last = shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), storageOffset)
  return (last + 1) * ITEM_SIZES[dtype] > storage.byteLength ? 'reaches out of its storage' : null
}

/** A message without what differs from file to file: numbers, names, and whatever is in quotes. */
function ruleOf(message: string): string {
  if (message.startsWith('cannot open')) return 'a shard is missing'
  return message
    .slice(0, 400)
    .replace(/(tensor|weight|name) '.*' (is|has|needs|begins|of)\b/s, '$1 $2')
    .replace(/"(?:[^"\\]|\\.)*"?|'[^']*'?/gs, '"')
    .replace(/JSON: (?!the name|it is nested).*/s, 'JSON')
    .replace(/(no record data\/|the name |an object of ).*?(?=, (expected|which|and it|the name)|$)/gs, '$1X')
    .replace(/0x[\da-f]+|-?\d[\d.e+]*/gi, '#')
    .replace(/\[#(, #)*\]/g, '[#]')
    .slice(0, 160)
}

/** Kinds and counts, roughly. */
function shapeOf({ container, tensors, unreadable, picked, data }: CheckpointContents): string {
  const text = JSON.stringify(portable(data)).slice(0, 2000)
  const kinds = ['record', 'map', 'bigint', 'bytes', 'number', 'tensor', 'again'].filter((kind) =>
    text.includes(kind),
  )
  return [container, picked, Math.min(tensors.size, 4), unreadable.size, ...kinds].join(' ')
}
