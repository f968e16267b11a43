/**
 * The container of torch.save from 0.1.10 to 1.5: pickles of a magic number, the version 1001, facts of the
 * system, the object, and the list of storage keys; then each storage as a count of 8 bytes and its elements.
 */
import { BeitError } from '../../errors.js'
import type { ByteSource } from '../byte_source.js'
import type { Budget } from '../pickle/budget.js'
import type { Machine } from '../pickle/stack_machine.js'
import { unpickle } from '../pickle/unpickler.js'
import { kindOf, PickleDict, PickleGlobal, PickleTuple, type PickleValue } from '../pickle/values.js'
import { unpickleAt } from './grow.js'
import { checkSameType, PickleStorage, sizeOf, storageId } from './storages.js'
import { CHECKPOINT_FUNCTIONS, type TorchFile } from './torch_file.js'

export const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn
const PROTOCOL_VERSION = 1001

const PLAIN = { functions: new Map() }

/** Does the file begin with the magic number, in whatever protocol it was pickled? */
export function isLegacy(source: ByteSource): boolean {
  try {
    const head = source.read(0, Math.min(source.size, 64))
    return unpickle(head, { ...PLAIN, name: source.name, fileSize: source.size }).value === LEGACY_MAGIC
  } catch {
    return false
  }
}

/**
 * Reads the structure of a legacy file; of the storages only the counts are read.
 *
 * @param budget of the pickle that the file is inside of, if it is
 * @throws BeitError ERR_FORMAT that says which rule is broken
 */
export function readTorchLegacy(source: ByteSource, budget?: Budget): TorchFile {
  const plain = { ...PLAIN, budget }
  const magic = unpickleAt(source, 0, plain)
  if (magic.value !== LEGACY_MAGIC) throw broken(source, 'it does not begin with the magic number')
  const version = unpickleAt(source, magic.end, plain)
  if (version.value !== PROTOCOL_VERSION) {
    throw broken(source, `its protocol version is ${String(version.value)}, expected ${PROTOCOL_VERSION}`)
  }
  const system = unpickleAt(source, version.end, plain)
  if (!(system.value instanceof PickleDict) || system.value.get('little_endian') !== true) {
    throw broken(source, 'its system is not little-endian, and only that is read')
  }
  const storages = new StorageTable(source)
  const object = unpickleAt(source, system.end, {
    functions: CHECKPOINT_FUNCTIONS,
    budget,
    persistent: (id, machine) => storages.resolve(id, machine),
  })
  const keys = unpickleAt(source, object.end, plain)
  storages.locate(keys.value, keys.end)
  return { container: 'legacy', root: object.value }
}

/** The storages that the object refers to, by key. */
class StorageTable {
  readonly #source: ByteSource
  readonly #storages = new Map<string, PickleStorage>()
  readonly #parts = new Map<string, PickleStorage>()

  constructor(source: ByteSource) {
    this.#source = source
  }

  /** ('storage', class, key, location, count, part) or ('module', class, file, source) */
  resolve(id: PickleValue, machine: Machine): PickleValue {
    if (id instanceof PickleTuple && id.items[0] === 'module') {
      const of = id.items[1]
      return of instanceof PickleGlobal
        ? of
        : machine.fail(`a persistent id names ${kindOf(of)} as a module's class`)
    }
    const { element, key, count, byteLength, view } = storageId(id, machine)
    if (byteLength > this.#source.size) {
      machine.fail(`storage ${key} has ${byteLength} bytes, and the file ${this.#source.size}`)
    }
    const known = this.#storages.get(key)
    if (known !== undefined) checkSameType(key, known.element, element, machine)
    if (known !== undefined && known.count !== count) {
      machine.fail(`storage ${key} occurs with ${known.count} and with ${count} elements`)
    }
    const record = known?.record ?? { key, path: this.#source.name, offset: 0, byteLength, crc32: null }
    const storage = known ?? new PickleStorage(record, element, 0, count)
    this.#storages.set(key, storage)
    if (view === null) return storage
    const [partKey, offset, size] = view instanceof PickleTuple ? view.items : []
    if (typeof partKey !== 'string')
      return machine.fail(`a part of storage ${key} has ${kindOf(partKey)} as key`)
    const start = sizeOf(offset, `the offset of a part of storage ${key}`, machine)
    const length = sizeOf(size, `the size of a part of storage ${key}`, machine)
    if (start + length > count) {
      machine.fail(`a part of storage ${key} reaches to element ${start + length}, and there are ${count}`)
    }
    const part = this.#parts.get(partKey) ?? new PickleStorage(record, element, start, length)
    this.#parts.set(partKey, part)
    return part
  }

  /** Finds each storage behind the pickles; they must fill the file to its end. */
  locate(keys: PickleValue, start: number): void {
    const source = this.#source
    if (!Array.isArray(keys)) throw broken(source, `its list of storages is ${kindOf(keys)}`)
    let at = start
    const left = new Set(this.#storages.keys())
    for (const key of keys) {
      if (typeof key !== 'string' || !left.delete(key)) {
        const found = typeof key === 'string' ? JSON.stringify(key) : kindOf(key)
        throw broken(source, `its list of storages has ${found}, twice or without a tensor on it`)
      }
      const { record, count, element } = this.#storages.get(key) as PickleStorage
      const counted = Buffer.from(source.read(at, 8)).readBigInt64LE()
      if (counted !== BigInt(count)) {
        throw broken(
          source,
          `storage ${key} has ${count} elements by its tensors, and ${counted} where it lies`,
        )
      }
      record.offset = at + 8
      at = record.offset + count * element.size
      if (at > source.size)
        throw broken(source, `storage ${key} ends at byte ${at}, the file at ${source.size}`)
    }
    const missing = [...left][0]
    if (missing !== undefined) throw broken(source, `storage ${missing} is not in its list of storages`)
    if (at !== source.size) throw broken(source, `its storages end at byte ${at}, the file at ${source.size}`)
  }
}

function broken(source: ByteSource, why: string): BeitError {
  return new BeitError('ERR_FORMAT', `${source.name}: PyTorch legacy format: ${why}`)
}
