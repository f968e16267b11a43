/**
 * Checkpoint files of every container put together from the assemblers: what PyTorch and safetensors write, and
 * everything a hair beside it. What is not told is right.
 */
import {
  type Bytes,
  binBytes,
  binPersId,
  bytes,
  call,
  global,
  long1,
  newFalse,
  number,
  pickle,
  proto,
  tupleOf,
  uint64,
  unicode,
} from './pickle_builder.js'
import { type ZipLayout, type ZipMember, zip } from './zip_builder.js'

export interface StorageFields {
  kind: Bytes
  class: Bytes
  key: Bytes
  location: Bytes
  count: Bytes
  /** What legacy files have at the end. */
  view?: Bytes
}

/** BINPERSID of a storage of four floats under '0'. */
export function storage(forged: Partial<StorageFields> = {}): Buffer {
  const fields: StorageFields = {
    kind: unicode('storage'),
    class: global('torch', 'FloatStorage'),
    key: unicode('0'),
    location: unicode('cpu'),
    count: number(4),
    ...forged,
  }
  const { kind, key, location, count, view } = fields
  return bytes(
    tupleOf(kind, fields.class, key, location, count, ...(view === undefined ? [] : [view])),
    binPersId,
  )
}

export interface TensorFields {
  storage: Bytes
  offset: Bytes
  shape: Bytes
  strides: Bytes
  requiresGrad: Bytes
  hooks: Bytes
}

export const sizes = (...values: (number | bigint)[]): Buffer => tupleOf(...values.map(number))

/** REDUCE of _rebuild_tensor_v2: float32[4] on the whole storage '0'. */
export function tensor(forged: Partial<TensorFields> = {}): Buffer {
  const fields: TensorFields = {
    storage: storage(),
    offset: number(0),
    shape: sizes(4),
    strides: sizes(1),
    requiresGrad: newFalse,
    hooks: call('collections', 'OrderedDict'),
    ...forged,
  }
  const { offset, shape, strides, requiresGrad, hooks } = fields
  return call(
    'torch._utils',
    '_rebuild_tensor_v2',
    fields.storage,
    offset,
    shape,
    strides,
    requiresGrad,
    hooks,
  )
}

/** The elements of the storage that `storage` tells of. */
export const FLOATS = bytes(new Uint8Array(new Float32Array([1, -2, 0.5, 3]).buffer))

/** The members of a zip file of torch.save. */
export function torchMembers(
  pickled: Bytes,
  storages: Readonly<Record<string, Bytes>> = { 0: FLOATS },
): ZipMember[] {
  return [
    { name: 'archive/data.pkl', data: pickled },
    { name: 'archive/byteorder', data: 'little' },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
    { name: 'archive/version', data: '3\n' },
  ]
}

/** A zip file of torch.save around a whole pickle. */
export const torchZip = (
  pickled: Bytes,
  storages?: Readonly<Record<string, Bytes>>,
  layout?: ZipLayout,
): Buffer => zip(torchMembers(pickled, storages), layout)

/** A zip file of torch.save around a value, pickled by protocol 2. */
export const saved = (value: Bytes, storages?: Readonly<Record<string, Bytes>>): Buffer =>
  torchZip(pickle(proto(2), value), storages)

export interface LegacyFields {
  magic: Bytes
  version: Bytes
  system: Bytes
  /** The keys as a whole pickle; those of `storages` otherwise. */
  keys: Bytes
  /** Behind everything. */
  suffix: Bytes
}

/** A file of torch.save before 1.6. */
export function legacy(
  pickled: Bytes,
  storages: readonly { key: string; count: number | bigint; data: Bytes }[] = [
    { key: '0', count: 4, data: FLOATS },
  ],
  forged: Partial<LegacyFields> = {},
): Buffer {
  const keys = pickle(proto(2), '](', ...storages.map(({ key }) => unicode(key)), 'e')
  return bytes(
    forged.magic ?? pickle(proto(2), long1(0x1950a86a20f9469cfc6cn)),
    forged.version ?? pickle(proto(2), number(1001)),
    forged.system ??
      pickle(
        proto(2),
        '}(',
        unicode('protocol_version'),
        number(1001),
        unicode('little_endian'),
        '\x88',
        'u',
      ),
    pickled,
    forged.keys ?? keys,
    ...storages.flatMap(({ count, data }) => [uint64(count), data]),
    forged.suffix ?? '',
  )
}

/** The storage of a tensor in a bare pickle: a legacy file of its own, as bytes. */
export const storageInBytes = (file: Bytes = legacy(pickle(proto(2), storage()))): Buffer =>
  call('torch.storage', '_load_from_bytes', binBytes(bytes(file)))

/** A safetensors file of a header, as JSON or raw, and the bytes behind it. */
export function safetensors(header: object | Bytes, data: Bytes = '', length?: number | bigint): Buffer {
  const raw = typeof header === 'string' || header instanceof Uint8Array
  const json = raw ? bytes(header) : Buffer.from(JSON.stringify(header))
  return bytes(uint64(length ?? json.length), json, data)
}

/** An entry of a safetensors header. */
export const entry = (dtype: unknown, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})
