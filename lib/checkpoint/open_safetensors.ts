/** A safetensors file as a checkpoint. */
import { BeitError } from '../errors.js'
import type { FileIdentity } from './byte_source.js'
import type { CheckpointContents } from './checkpoint_file.js'
import { TensorRecord } from './records.js'
import { readSafetensorsHeader } from './safetensors_header.js'

/** @throws BeitError as readSafetensorsHeader does; ERR_INVALID_ARGUMENT for a `pick`, of which there is none */
export async function openSafetensors(
  path: string,
  identity: FileIdentity,
  pick: string | null,
): Promise<CheckpointContents> {
  if (pick !== null) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `pick: ${path} is a safetensors file, which has no keys to pick from`,
    )
  }
  const { tensors, metadata } = await readSafetensorsHeader(path)
  const records = tensors.map(({ name, dtype, shape, offset, bytes }): [string, TensorRecord] => [
    name,
    new TensorRecord({
      name,
      dtype,
      shape,
      storage: { key: name, path, offset, byteLength: bytes, crc32: null },
    }),
  ])
  return {
    path,
    format: 'safetensors',
    container: 'safetensors',
    tensors: new Map(records),
    unreadable: new Map(),
    picked: null,
    data: Object.assign(Object.create(null), metadata),
    metadata,
    notes: [],
    files: new Map([[path, identity]]),
  }
}
