/** The tensors of a checkpoint, for listings: from their records, none is read. */
import { contiguousStrides, type StorageRecord, type TensorRecord } from '../../checkpoint/records.js'
import { bytes } from '../../log/format.js'
import { columns } from '../../log/table.js'
import { elementSize } from '../../tensor_data.js'

export interface TensorReport {
  name: string
  dtype: string
  shape: readonly number[]
  /** In elements. */
  strides: readonly number[]
  bytes: number
  /** Key of its storage; several tensors may have the same. */
  storage: string
  /** In elements. */
  storageOffset: number
}

/** A storage that more than one tensor lies in. */
export interface SharedStorage {
  storage: string
  bytes: number
  tensors: string[]
}

export const elements = ({ shape }: { shape: readonly number[] }) =>
  shape.reduce((product, side) => product * side, 1)

export function describeTensor(record: TensorRecord): TensorReport {
  const { name, dtype, shape, strides, storage, storageOffset } = record
  const size = elements(record) * elementSize(dtype)
  return { name, dtype, shape, strides, bytes: size, storage: storage.key, storageOffset }
}

/** Bytes of all storages that `records` lie in, each counted once. */
export function storageBytes(records: Iterable<TensorRecord>): number {
  const storages = new Set([...records].map(({ storage }) => storage))
  return [...storages].reduce((sum, { byteLength }) => sum + byteLength, 0)
}

export function sharedStorages(records: Iterable<TensorRecord>): SharedStorage[] {
  const names = new Map<StorageRecord, string[]>()
  for (const { storage, name } of records) {
    const list = names.get(storage)
    if (list === undefined) names.set(storage, [name])
    else list.push(name)
  }
  return [...names]
    .filter(([, tensors]) => tensors.length > 1)
    .map(([{ key, byteLength }, tensors]) => ({ storage: key, bytes: byteLength, tensors }))
}

/** A table; names come last, as they may be longer than a line. */
export function tensorTable(tensors: readonly TensorReport[]): string[] {
  const rows = tensors.map(({ name, dtype, shape, strides, bytes: size }) => [
    dtype,
    `[${shape.join(', ')}]`,
    bytes(size),
    isContiguous(shape, strides) ? name : `${name} (strides [${strides.join(', ')}])`,
  ])
  return columns([['dtype', 'shape', 'size', 'tensor'], ...rows], [2])
}

/** Strides of sides of 1 mean nothing, nor do those of an empty tensor. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = contiguousStrides(shape)
  return shape.includes(0) || shape.every((size, i) => size === 1 || strides[i] === expected[i])
}
