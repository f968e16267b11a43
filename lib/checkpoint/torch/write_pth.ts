/**
 * Files as torch.save writes them since PyTorch 1.6: a zip with data.pkl, a pickle of protocol 2, and the
 * storages of its tensors beside it (torch/serialization.py).
 */
import { resolve } from 'node:path'
import { native } from '../../binding.js'
import { type DType, Tensor } from '../../tensor.js'
import { elementSize } from '../../tensor_data.js'
import { replaceFile } from '../atomic_file.js'
import { pickle } from '../pickle/pickler.js'
import {
  orderedDict,
  PersistentId,
  PythonCall,
  PythonGlobal,
  PythonTuple,
  type PythonValue,
} from '../pickle/python_values.js'
import { zipPieces } from '../zip/zip_writer.js'
import { planStorages, type SavedTensor } from './saved_storages.js'

/** Readers take the folder from the first entry; PyTorch uses this name when it writes to memory. */
const FOLDER = 'archive'
const REBUILD_TENSOR = new PythonGlobal('torch._utils', '_rebuild_tensor_v2')
const STORAGE_CLASSES: Record<DType, string> = {
  float32: 'FloatStorage',
  float64: 'DoubleStorage',
  float16: 'HalfStorage',
  bfloat16: 'BFloat16Storage',
  int64: 'LongStorage',
  int32: 'IntStorage',
  int16: 'ShortStorage',
  int8: 'CharStorage',
  uint8: 'ByteStorage',
  bool: 'BoolStorage',
}

/**
 * Writes `value` so that torch.load(path, weights_only=True) gives it, tensors on the CPU. The file is there
 * whole or not at all.
 *
 * @throws BeitError ERR_INVALID_ARGUMENT for a value that Python has no form for; ERR_IO when the file cannot
 * be written; what was at `path` is then still there.
 */
export async function writePth(path: string, value: PythonValue): Promise<void> {
  const plan = await planStorages(tensorsIn(value))
  const data = pickle(value, (leaf) => {
    const saved = leaf instanceof Tensor ? plan.get(leaf) : undefined
    return saved === undefined ? null : tensorCall(leaf as Tensor, saved)
  })
  const storages = new Set([...plan.values()].map(({ storage }) => storage))
  const pieces = zipPieces([
    bytesRecord('data.pkl', data),
    bytesRecord('byteorder', Buffer.from('little')),
    ...[...storages].map(({ key, dtype, elements, piece }) => ({
      name: `${FOLDER}/data/${key}`,
      byteLength: elements * elementSize(dtype),
      piece,
    })),
    bytesRecord('version', Buffer.from('3\n')),
  ])
  await replaceFile(resolve(path), (temporary) => native().piecesToFile(temporary, pieces))
}

/** The tensors of `value`, found by pickling it once: each of them, in the order of the file. */
function tensorsIn(value: PythonValue): Tensor[] {
  const tensors = new Set<Tensor>()
  pickle(value, (leaf) => {
    if (!(leaf instanceof Tensor)) return null
    tensors.add(leaf)
    return 0
  })
  return [...tensors]
}

/** _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks) */
function tensorCall(tensor: Tensor, { storage, offset, strides }: SavedTensor): PythonValue {
  const id = new PersistentId(
    new PythonTuple(
      'storage',
      new PythonGlobal('torch', STORAGE_CLASSES[storage.dtype]),
      storage.key,
      'cpu',
      storage.elements,
    ),
  )
  const shape = new PythonTuple(...tensor.shape)
  return new PythonCall(
    REBUILD_TENSOR,
    new PythonTuple(id, offset, shape, new PythonTuple(...strides), false, orderedDict()),
  )
}

const bytesRecord = (name: string, bytes: Uint8Array) => ({
  name: `${FOLDER}/${name}`,
  byteLength: bytes.length,
  piece: { bytes },
})
