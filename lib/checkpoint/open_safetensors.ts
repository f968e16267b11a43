/** A safetensors file as a checkpoint. */
import type { FileSource } from './byte_source.js'
import type { CheckpointContents } from './checkpoint_file.js'
import { TensorRecord } from './records.js'
import { parseSafetensorsHeader, type SafetensorsRecord } from './safetensors_header.js'

/** @throws BeitError as readSafetensorsHeader does */
export function openSafetensors(source: FileSource): CheckpointContents {
  const { tensors, unreadable, metadata } = parseSafetensorsHeader(source)
  return {
    path: source.name,
    format: 'safetensors',
    container: 'safetensors',
    tensors: safetensorsRecords(source.name, tensors),
    unreadable: new Map(unreadable.map((tensor) => [tensor.name, tensor])),
    picked: null,
    data: Object.assign(Object.create(null), metadata),
    metadata,
    notes: [],
    files: new Map([[source.name, source.identity]]),
  }
}

/** The tensors of a header, each with a storage of its own, by name. */
export function safetensorsRecords(
  path: string,
  tensors: readonly SafetensorsRecord[],
): Map<string, TensorRecord> {
  const records = tensors.map(({ name, dtype, shape, offset, bytes }): [string, TensorRecord] => [
    name,
    new TensorRecord({
      name,
      dtype,
      shape,
      storage: { key: name, path, offset, byteLength: bytes, crc32: null },
    }),
  ])
  return new Map(records)
}
