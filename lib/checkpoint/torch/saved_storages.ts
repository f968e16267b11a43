/**
 * Which stretches of memory a file of torch.save gets for a set of tensors. Tensors of one storage share one
 * in the file too, so that tied weights are tied again where they are loaded.
 */

import { native } from '../../binding.js'
import type { FilePiece, TensorLayout } from '../../native.js'
import type { Tensor } from '../../tensor.js'
import { elementSize } from '../../tensor_data.js'
import { contiguousStrides } from '../records.js'

/** Elements that lie one after the other in the file. */
export interface SavedStorage {
  /** Its number: the file has it under this name. */
  key: string
  dtype: Tensor['dtype']
  elements: number
  piece: FilePiece
}

/** Where in its storage a tensor lies, in elements. */
export interface SavedTensor {
  storage: SavedStorage
  offset: number
  strides: readonly number[]
}

interface Placed {
  tensor: Tensor
  layout: TensorLayout
}

/**
 * Plans the storages of `tensors`: as PyTorch does, but without the memory that none of them uses. A storage
 * that has one tensor holds its elements alone.
 */
export async function planStorages(tensors: readonly Tensor[]): Promise<Map<Tensor, SavedTensor>> {
  const layouts = await native().tensorLayouts(tensors.map((tensor) => tensor.handle))
  // A storage has one dtype in the file.
  const groups = new Map<string, Placed[]>()
  tensors.forEach((tensor, i) => {
    const layout = layouts[i] as TensorLayout
    const name = `${layout.storage} ${tensor.dtype}`
    groups.set(name, [...(groups.get(name) ?? []), { tensor, layout }])
  })
  const plan = new Map<Tensor, SavedTensor>()
  let key = 0
  for (const group of groups.values()) {
    for (const [tensor, saved] of planGroup(String(key++), group)) plan.set(tensor, saved)
  }
  return plan
}

function planGroup(key: string, group: readonly Placed[]): [Tensor, SavedTensor][] {
  const [first] = group as [Placed, ...Placed[]]
  const { dtype, handle } = first.tensor
  if (group.length === 1 && !first.layout.dense) {
    const { size, shape } = first.tensor
    const storage = { key, dtype, elements: size, piece: { tensor: handle } }
    return [[first.tensor, { storage, offset: 0, strides: contiguousStrides(shape) }]]
  }
  const begin = Math.min(...group.map(({ layout }) => layout.offset))
  const end = Math.max(...group.map(endOf))
  const bytes = elementSize(dtype)
  const range = [begin * bytes, end * bytes] as const
  const storage = { key, dtype, elements: end - begin, piece: { tensor: handle, range } }
  return group.map(({ tensor, layout }) => {
    return [tensor, { storage, offset: layout.offset - begin, strides: layout.strides }]
  })
}

/** One past the last element in the storage. */
function endOf({ tensor, layout }: Placed): number {
  if (tensor.size === 0) return layout.offset
  return tensor.shape.reduce(
    (end, size, i) => end + (size - 1) * (layout.strides[i] as number),
    layout.offset + 1,
  )
}
