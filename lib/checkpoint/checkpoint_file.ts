/** A checkpoint file whose structure has been read: what is in it, and the way to its tensors. */
import { stat } from 'node:fs/promises'
import { type InspectOptionsStylized, inspect } from 'node:util'
import { native } from '../binding.js'
import { resolveDevice } from '../device.js'
import { BeitError } from '../errors.js'
import { described } from '../inspection.js'
import type { TensorHandle } from '../native.js'
import { Tensor } from '../tensor.js'
import { elementSize } from '../tensor_data.js'
import type { FileIdentity } from './byte_source.js'
import { neededBytes } from './needed_bytes.js'
import { type PlainData, recordsByStorage, type TensorRecord, type UnreadableTensor } from './records.js'

/** How the tensors of a checkpoint are kept. */
export type Container = 'safetensors' | 'sharded-safetensors' | 'zip' | 'legacy' | 'pickle'

export interface CheckpointContents {
  readonly path: string
  readonly format: 'safetensors' | 'pytorch'
  readonly container: Container
  readonly tensors: ReadonlyMap<string, TensorRecord>
  readonly unreadable: ReadonlyMap<string, UnreadableTensor>
  readonly picked: string | null
  readonly data: PlainData
  readonly metadata: Readonly<Record<string, string>>
  readonly notes: readonly string[]
  /** Of each file that holds tensors, by path, as it was when its structure was read. */
  readonly files: ReadonlyMap<string, FileIdentity>
}

/**
 * A checkpoint file; none of its tensors has been read. Made by `openCheckpoint`; holds nothing open.
 *
 * @example
 * const file = await openCheckpoint('checkpoint-799.pth')
 * for (const [name, { dtype, shape }] of file.tensors) console.log(name, dtype, shape)
 */
export class CheckpointFile implements CheckpointContents {
  /** The file, or the index of its parts. */
  readonly path: string
  /** What wrote it: a safetensors library, or PyTorch. */
  readonly format: 'safetensors' | 'pytorch'
  /** How its tensors are kept. */
  readonly container: Container
  /** The weights, by name in the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorRecord>
  /** Weights of dtypes or kinds that this library does not have. */
  readonly unreadable: ReadonlyMap<string, UnreadableTensor>
  /** The key that the weights stood under: 'model', 'state_dict', ...; null: they are the whole file. */
  readonly picked: string | null
  /** Everything in the file, with records where tensors stand; the metadata of safetensors. */
  readonly data: PlainData
  /** The strings of a safetensors file's `__metadata__`, or under 'metadata' in a file of PyTorch; else empty. */
  readonly metadata: Readonly<Record<string, string>>
  /** What a user should know of how the file was taken. */
  readonly notes: readonly string[]
  /** @internal */
  readonly files: ReadonlyMap<string, FileIdentity>

  /** @internal */
  constructor(contents: CheckpointContents) {
    this.path = contents.path
    this.format = contents.format
    this.container = contents.container
    this.tensors = contents.tensors
    this.unreadable = contents.unreadable
    this.picked = contents.picked
    this.data = contents.data
    this.metadata = contents.metadata
    this.notes = contents.notes
    this.files = contents.files
  }

  /**
   * Reads some tensors, and of the file no more than their storages. Tensors that share a storage share
   * memory as well. Where they are at most half of a storage, and the rest has 16 MiB or more, only the part
   * from the first to the last of their elements is read: a checksum of the storage is then not compared.
   *
   * @param records of this file: of `tensors`, or from anywhere in `data`
   * @param options.device where they go: 'cpu' (default), 'cuda' or 'cuda:N'
   * @returns the tensors in the order of `records`
   * @throws BeitError ERR_FORMAT when a checksum is wrong or the file has changed since it was opened; ERR_IO
   * when it cannot be read.
   * @example
   * const file = await openCheckpoint('checkpoint-799.pth')
   * const bias = [...file.tensors.values()].filter(({ name }) => name.endsWith('.bias'))
   * const tensors = await file.read(bias) // nothing else of the file is read
   */
  async read(records: readonly TensorRecord[], options: { device?: string } = {}): Promise<Tensor[]> {
    const device = await resolveDevice(options.device ?? 'cpu')
    const handles: TensorHandle[] = []
    for (const path of new Set(records.map((record) => record.storage.path))) {
      const places = [...records.keys()].filter((place) => records[place]?.storage.path === path)
      await this.#checkUnchanged(path)
      const own = places.map((place) => records[place] as TensorRecord)
      const found = await readStorages(path, own, device)
      await this.#checkUnchanged(path)
      for (const [i, place] of places.entries()) handles[place] = found[i] as TensorHandle
    }
    return handles.map((handle) => new Tensor(handle))
  }

  /** What it is, and how much is in it; its tensors with a depth of 3 or more, or null. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    const { path, format, container, picked, unreadable, notes } = this
    const all = depth === null || depth > 2
    const tensors = all ? this.tensors : this.tensors.size
    const facts = {
      path,
      format,
      container,
      picked,
      tensors,
      unreadable: all ? unreadable : unreadable.size,
      notes,
    }
    return described('CheckpointFile', facts, depth, options)
  }

  async #checkUnchanged(path: string): Promise<void> {
    const opened = this.files.get(path)
    const now = await stat(path, { bigint: true }).catch((cause) => {
      throw new BeitError('ERR_IO', `cannot read ${path}: ${cause.message}`, { cause })
    })
    const same =
      opened !== undefined &&
      (['size', 'mtimeNs', 'ino', 'dev'] as const).every((fact) => opened[fact] === now[fact])
    if (!same) throw new BeitError('ERR_FORMAT', `${path}: it has changed since it was opened; open it again`)
  }
}

function readStorages(
  path: string,
  records: readonly TensorRecord[],
  device: string,
): Promise<TensorHandle[]> {
  const byStorage = recordsByStorage(records)
  const storages = [...byStorage].map(([storage, own]) => ({ storage, ...neededBytes(storage, own) }))
  const ranges = new Map(storages.map(({ storage, begin }, range) => [storage, { range, begin }]))
  return native().storagesFromFile(
    path,
    storages.map(({ storage: { offset, byteLength, crc32 }, begin, end }) => ({
      offset: offset + begin,
      byteLength: end - begin,
      crc32: end - begin === byteLength ? crc32 : null,
    })),
    records.map(({ name, storage, dtype, shape, strides, storageOffset }) => {
      const { range, begin } = ranges.get(storage) as { range: number; begin: number }
      const offset = shape.includes(0) ? 0 : storageOffset - begin / elementSize(dtype)
      return { name, range, dtype, shape, strides, offset }
    }),
    device,
  )
}
