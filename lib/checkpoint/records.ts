/**
 * What a checkpoint holds, as plain data: where its tensors lie, and everything else as numbers, strings,
 * arrays and objects. Nothing here has behaviour, whatever class it had in Python.
 */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { titled } from '../inspection.js'
import type { DType } from '../native.js'

/** A run of bytes in a file that holds the elements of one or more tensors. */
export interface StorageRecord {
  /** Its name in the container: 'data/0', '94578369580960', or the name of its one tensor. */
  readonly key: string
  /** The file. */
  readonly path: string
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Bytes of all its elements. */
  readonly byteLength: number
  /** Of all its bytes, where the container has one. */
  readonly crc32: number | null
}

/**
 * Where a tensor's elements lie, before any is read. Several may share one storage.
 *
 * @example
 * const file = await openCheckpoint('checkpoint-799.pth')
 * const { dtype, shape, storage } = file.tensors.get('cls_token') as TensorRecord
 * console.log(dtype, shape, storage.offset) // float32 [1, 1, 768] 64
 */
export class TensorRecord {
  /** Its name in the state dict, or where it stands in the file. */
  readonly name: string
  /** Of its elements. */
  readonly dtype: DType
  /** Its sizes; [] for a single number. */
  readonly shape: readonly number[]
  /** In elements. */
  readonly strides: readonly number[]
  /** The run of bytes it is a view of. */
  readonly storage: StorageRecord
  /** Elements from the start of the storage. */
  readonly storageOffset: number
  /** Whether PyTorch computed its gradient. */
  readonly requiresGrad: boolean

  /** Strides are row-major without gaps unless given. */
  constructor(fields: {
    name: string
    dtype: DType
    shape: readonly number[]
    strides?: readonly number[]
    storage: StorageRecord
    storageOffset?: number
    requiresGrad?: boolean
  }) {
    this.name = fields.name
    this.dtype = fields.dtype
    this.shape = fields.shape
    this.strides = fields.strides ?? contiguousStrides(fields.shape)
    this.storage = fields.storage
    this.storageOffset = fields.storageOffset ?? 0
    this.requiresGrad = fields.requiresGrad ?? false
  }

  /** Name, dtype and shape, and where its storage lies. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    const { path, offset } = this.storage
    const what = `${this.dtype}[${this.shape.join(', ')}]`
    return titled('TensorRecord', [this.name, what, `${path} from byte ${offset}`], depth, options)
  }
}

/**
 * A tensor that this library cannot read, and why; it may be listed all the same.
 *
 * @example
 * const file = await openCheckpoint('checkpoint-799.pth')
 * for (const { name, dtype, reason } of file.unreadable.values()) console.log(name, dtype, reason)
 */
export class UnreadableTensor {
  /** Its name in the state dict, or where it stands in the file. */
  readonly name: string
  /** PyTorch's name of it: 'complex64', 'float8_e4m3fn', 'qint8', ... */
  readonly dtype: string
  /** Its sizes. */
  readonly shape: readonly number[]
  /** Why it cannot be read. */
  readonly reason: string

  /** As the file describes it. */
  constructor(name: string, dtype: string, shape: readonly number[], reason: string) {
    this.name = name
    this.dtype = dtype
    this.shape = shape
    this.reason = reason
  }
}

/**
 * An object of a class, or a call of a function, that has no plain form here: its name and what it was made
 * from. Nothing of it was called. With a name alone it is a reference to the class or function itself.
 * @example
 * const { data } = await openCheckpoint('checkpoint-799.pth')
 * const { args } = data as { args: PlainRecord } // an argparse.Namespace
 * console.log(args.class, args.state)
 */
export class PlainRecord {
  // Declared only: what was not saved is no property at all.
  /** 'module.Name' */
  readonly class: string
  /** What it was made from. */
  declare args?: readonly PlainData[]
  /** Its attributes, as far as they were saved as a dictionary. */
  declare state?: PlainData
  /** Of a class that extends dict. */
  declare items?: PlainData
  /** Of a class that extends list. */
  declare list?: PlainData[]

  /** Of a class or function, without what it was made from. */
  constructor(name: string) {
    this.class = name
  }
}

/** Objects of string keys have no prototype, so that names such as '__proto__' are names like others. */
export interface PlainObject {
  [name: string]: PlainData
}

/**
 * dict with string keys: an object without a prototype; dict with other keys: a Map, or where more than 4096
 * of them are fractions or above 2^24 an array of pairs; list, tuple, set: an array; None: null; int: a number,
 * or a bigint where a number is not exact; bytes: a Uint8Array; a tensor: its record. A value that occurs twice
 * is one object here too. It is never cyclic, at most 1000 levels deep, and writing it out with its repetitions
 * stays in proportion to the file.
 */
export type PlainData =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | TensorRecord
  | UnreadableTensor
  | PlainRecord
  | PlainData[]
  | Map<PlainData, PlainData>
  | PlainObject

/** Whether a value was a dict with string keys, or an object of nothing but attributes. */
export const isPlainObject = (value: PlainData | undefined): value is PlainObject =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null

/** Tensors that share a storage together, in their order. */
export function recordsByStorage(records: Iterable<TensorRecord>): Map<StorageRecord, TensorRecord[]> {
  const byStorage = new Map<StorageRecord, TensorRecord[]>()
  for (const record of records) {
    const list = byStorage.get(record.storage)
    if (list === undefined) byStorage.set(record.storage, [record])
    else list.push(record)
  }
  return byStorage
}

/** Row-major strides of a tensor without gaps, in elements. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride
    stride *= Math.max(shape[i] as number, 1)
  }
  return strides
}
