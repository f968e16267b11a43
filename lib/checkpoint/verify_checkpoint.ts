/** Reads all of a checkpoint and tells what is wrong with it. */

import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import { openFileSource } from './byte_source.js'
import type { CheckpointFile, Container } from './checkpoint_file.js'
import { countNonFinite } from './finite.js'
import { openCheckpoint } from './read_checkpoint.js'
import { recordsByStorage, type StorageRecord, TensorRecord } from './records.js'
import { tensorRecordsIn } from './walk_data.js'
import { checkZipEntry, readZipDirectory } from './zip/zip_reader.js'

/** What {@link verifyCheckpoint} found. */
export interface Verification {
  /** The file. */
  readonly path: string
  /** One line each, with the rule that is broken; empty: the checkpoint is whole. */
  readonly problems: readonly string[]
  /** null: not even its structure could be read. */
  readonly container: Container | null
  /** Tensors of the file, weights and others, that were read. */
  readonly tensors: number
  /** Of the storages that were read. */
  readonly bytes: number
  /** Parts of the file that have a checksum: only PyTorch's zip files do. */
  readonly checksums: number
}

/**
 * Verifies a checkpoint file: its structure, the checksums that it has, and that every tensor in it can be read.
 *
 * @param options.finite also look for numbers that are NaN or infinite
 * @param options.pick the key of the weights, as for `openCheckpoint`
 * @throws BeitError ERR_IO when the file cannot be read; what is wrong with it is in `problems`
 * @example
 * const { problems } = await verifyCheckpoint('checkpoint-799.pth', { finite: true })
 * for (const problem of problems) console.log(problem)
 */
export async function verifyCheckpoint(
  path: string,
  options: { finite?: boolean; pick?: string | undefined } = {},
): Promise<Verification> {
  const { finite = false, pick } = options
  const problems: string[] = []
  const file = await noting(problems, () => openCheckpoint(path, pick === undefined ? {} : { pick }))
  if (file === null) return { path, problems, container: null, tensors: 0, bytes: 0, checksums: 0 }
  for (const { name, reason } of file.unreadable.values()) {
    problems.push(`${path}: tensor '${name}' cannot be read: ${reason}`)
  }
  const records = recordsByStorage(new Set([...file.tensors.values(), ...tensorRecordsIn(file.data)]))
  for (const [storage, tensors] of records) await verifyStorage(file, storage, tensors, finite, problems)
  const others = file.container === 'zip' ? await verifyOtherEntries(file, records, problems) : 0
  const storages = [...records.keys()]
  return {
    path,
    problems,
    container: file.container,
    tensors: [...records.values()].reduce((sum, tensors) => sum + tensors.length, 0),
    bytes: storages.reduce((sum, { byteLength }) => sum + byteLength, 0),
    checksums: others + storages.filter(({ crc32 }) => crc32 !== null).length,
  }
}

/** One storage at a time, so that memory stays near the largest of them. */
async function verifyStorage(
  file: CheckpointFile,
  storage: StorageRecord,
  records: readonly TensorRecord[],
  finite: boolean,
  problems: string[],
): Promise<void> {
  // Of a tensor in a large storage only that part would be read, and not its checksum.
  const dtype = records[0]?.dtype === 'bool' ? 'bool' : 'uint8'
  const whole = new TensorRecord({ name: storage.key, dtype, shape: [storage.byteLength], storage })
  const more = records.length > 1 ? ` and ${records.length - 1} more in the same storage` : ''
  await scope(async () => {
    const where = `tensor '${records[0]?.name}'${more}`
    const tensors = await noting(problems, () => file.read([whole, ...(finite ? records : [])]), where)
    if (tensors === null) return
    for (const [i, tensor] of tensors.slice(1).entries()) {
      const { nan, infinite } = await countNonFinite(tensor)
      if (nan + infinite === 0) continue
      problems.push(
        `${storage.path}: tensor '${records[i]?.name}' has ${nan} NaN and ${infinite} infinite numbers`,
      )
    }
  })
}

/** The entries of a zip file that no tensor lies in: the pickle, the version, storages that nothing uses. */
async function verifyOtherEntries(
  file: CheckpointFile,
  records: ReadonlyMap<StorageRecord, unknown>,
  problems: string[],
): Promise<number> {
  const offsets = new Set([...records.keys()].map(({ offset }) => offset))
  const source = openFileSource(file.path)
  try {
    const entries = [...readZipDirectory(source).values()].filter(({ offset }) => !offsets.has(offset))
    for (const entry of entries) await noting(problems, async () => checkZipEntry(source, entry))
    return entries.length
  } finally {
    source.close()
  }
}

/** What `work` gives, or null where it finds damage: that becomes a problem. */
async function noting<T>(problems: string[], work: () => Promise<T>, where?: string): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BeitError) || error.code !== 'ERR_FORMAT') throw error
    problems.push(where === undefined ? error.message : `${error.message} (${where})`)
    return null
  }
}
