/** A PyTorch file as a checkpoint: its container read, its weights picked, the rest made plain. */
import type { FileSource } from '../byte_source.js'
import type { CheckpointContents } from '../checkpoint_file.js'
import { isPlainObject, type PlainData, TensorRecord, UnreadableTensor } from '../records.js'
import { collectState } from './collect_state.js'
import { PlainConverter } from './plain_data.js'
import { readTorchLegacy } from './read_legacy.js'
import { readBarePickle } from './read_pickle.js'
import { readTorchZip } from './read_zip.js'

const READERS = { zip: readTorchZip, legacy: readTorchLegacy, pickle: readBarePickle }

/** @throws BeitError ERR_FORMAT that says which rule is broken; ERR_INVALID_ARGUMENT for an unknown `pick` */
export function readTorchContents(
  source: FileSource,
  container: keyof typeof READERS,
  pick: string | null,
): CheckpointContents {
  const { root } = READERS[container](source)
  const { picked, tensors, notes } = collectState(root, source.name, pick)
  const converter = new PlainConverter(source.name, source.size)
  // First, so that these names are the ones that stand in `data`.
  const records = [...tensors].map(([name, tensor]) => converter.record(tensor, name))
  const data = converter.convert(root)
  return {
    path: source.name,
    format: 'pytorch',
    container,
    tensors: new Map(
      records.filter((record) => record instanceof TensorRecord).map((record) => [record.name, record]),
    ),
    unreadable: new Map(
      records.filter((record) => record instanceof UnreadableTensor).map((record) => [record.name, record]),
    ),
    picked,
    data,
    metadata: metadataIn(data),
    notes,
    files: new Map([[source.name, source.identity]]),
  }
}

/** The strings that writeCheckpoint keeps under 'metadata'. */
function metadataIn(data: PlainData): Record<string, string> {
  const found = isPlainObject(data) ? data.metadata : null
  const isMetadata = isPlainObject(found) && Object.values(found).every((value) => typeof value === 'string')
  return isMetadata ? (found as Record<string, string>) : Object.create(null)
}
