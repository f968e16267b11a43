/** safetensors files: weights of the field's common format, read strictly and written atomically. */
import { resolve } from 'node:path'
import { native } from '../binding.js'
import { BeitError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import { elementSize } from '../tensor_data.js'
import { checkPath, replaceFile } from './atomic_file.js'
import { openFileSource } from './byte_source.js'
import { CheckpointFile } from './checkpoint_file.js'
import { openSafetensors } from './open_safetensors.js'
import { readAll } from './read_all.js'
import { encodeSafetensorsHeader } from './safetensors_header.js'
import { checkTensors } from './tensor_map.js'

export {
  readSafetensorsHeader,
  type SafetensorsHeader,
  type SafetensorsRecord,
} from './safetensors_header.js'

/**
 * Reads all tensors of a safetensors file.
 *
 * @param options.device where they go: 'cpu' (default), 'cuda' or 'cuda:N'
 * @throws BeitError ERR_FORMAT when the file breaks a rule of the format or changes while it is read; ERR_IO when it
 * cannot be read.
 * @example
 * const { tensors, metadata } = await readSafetensors('beit.safetensors')
 * tensors.get('cls_token') // Tensor(float32[1, 1, 768], cpu)
 */
export async function readSafetensors(
  path: string,
  options: { device?: string } = {},
): Promise<{ tensors: Map<string, Tensor>; metadata: Record<string, string> }> {
  const source = openFileSource(path)
  let file: CheckpointFile
  try {
    file = new CheckpointFile(openSafetensors(source))
  } finally {
    source.close()
  }
  return { tensors: await readAll(file, options), metadata: file.metadata }
}

/**
 * Writes `tensors` as one safetensors file: to a temporary name in the same folder, synced, renamed. A crash
 * at any moment leaves either the file that was there or the new one. Tensors of larger elements come first,
 * so that every one is aligned; equal sizes keep the order of the map.
 *
 * @param metadata strings to keep with them
 * @throws BeitError ERR_IO when the file cannot be written.
 * @example
 * await writeSafetensors('means.safetensors', new Map([['mean', Tensor.from([0.5, 0.5, 0.5])]]), { of: 'photos' })
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  checkPath(path)
  checkInput(tensors, metadata)
  const sorted = [...tensors].sort(([, a], [, b]) => elementSize(b.dtype) - elementSize(a.dtype))
  const header = encodeSafetensorsHeader(sorted, metadata)
  const pieces = [{ bytes: header }, ...sorted.map(([, tensor]) => ({ tensor: tensor.handle }))]
  await replaceFile(resolve(path), (temporary) => native().piecesToFile(temporary, pieces))
}

function checkInput(tensors: unknown, metadata: unknown): void {
  checkTensors(tensors, metadata)
  if ((tensors as Map<string, Tensor>).has('__metadata__')) {
    throw new BeitError('ERR_INVALID_ARGUMENT', "'__metadata__' cannot be the name of a tensor")
  }
}
