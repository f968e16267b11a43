/**
 * The zip container of torch.save since 1.6: one folder with data.pkl, a record data/KEY for each storage,
 * `version` and, since 2.1, `byteorder`.
 */
import { BeitError } from '../../errors.js'
import type { ByteSource } from '../byte_source.js'
import type { Machine } from '../pickle/stack_machine.js'
import { unpickle } from '../pickle/unpickler.js'
import type { PickleValue } from '../pickle/values.js'
import { readZipDirectory, readZipEntry, type ZipEntry } from '../zip/zip_reader.js'
import { checkSameType, PickleStorage, storageId } from './storages.js'
import { CHECKPOINT_FUNCTIONS, type TorchFile } from './torch_file.js'

/** The newest version of the container that PyTorch itself reads. */
const MAX_VERSION = 10

/**
 * Reads the structure of a zip file of torch.save; no element of a tensor is read.
 * @throws BeitError ERR_FORMAT that says which rule is broken
 */
export function readTorchZip(source: ByteSource): TorchFile {
  const entries = readZipDirectory(source)
  const folder = commonFolder(source, entries)
  const record = (name: string) => entries.get(`${folder}/${name}`)
  const text = (name: string) => {
    const entry = record(name)
    if (entry === undefined) return null
    if (entry.size > 16) throw broken(source, `record '${name}' has ${entry.size} bytes`)
    return Buffer.from(readZipEntry(source, entry)).toString('latin1')
  }
  if (record('constants.pkl') !== undefined) {
    throw broken(
      source,
      'it is a TorchScript archive of torch.jit.save; save model.state_dict() by torch.save',
    )
  }
  checkVersion(source, text('version'))
  checkByteOrder(source, text('byteorder'))
  const pickle = record('data.pkl') as ZipEntry
  const storages = new Map<string, PickleStorage>()
  const persistent = (value: PickleValue, machine: Machine) => {
    const { element, key, count, byteLength } = storageId(value, machine)
    const known = storages.get(key)
    if (known !== undefined) checkSameType(key, known.element, element, machine)
    if (known?.count === count) return known
    const entry = record(`data/${key}`)
    if (entry === undefined) return machine.fail(`storage ${JSON.stringify(key)} has no record data/${key}`)
    if (entry.size !== byteLength) {
      machine.fail(
        `storage ${key} has ${count} elements of ${element.name}, ${byteLength} bytes, ` +
          `and its record has ${entry.size}`,
      )
    }
    const { offset, size, crc32 } = entry
    const located = { key, path: source.name, offset, byteLength: size, crc32 }
    const storage = new PickleStorage(located, element, 0, count)
    storages.set(key, storage)
    return storage
  }
  const bytes = readZipEntry(source, pickle)
  const { value, length } = unpickle(bytes, {
    name: `${source.name}: ${pickle.name}`,
    fileSize: source.size,
    functions: CHECKPOINT_FUNCTIONS,
    persistent,
  })
  if (length !== bytes.length) throw broken(source, `data.pkl goes on for ${bytes.length - length} bytes`)
  return { container: 'zip', root: value }
}

/** Everything lies in one folder, whose name is the file's at the time it was saved. */
function commonFolder(source: ByteSource, entries: ReadonlyMap<string, ZipEntry>): string {
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  const folder = pickles[0]?.slice(0, -'/data.pkl'.length)
  if (folder === undefined || pickles.length > 1) {
    const names = [...entries.keys()].slice(0, 4).join(', ')
    throw broken(source, `it has ${pickles.length} records FOLDER/data.pkl, expected one; it holds ${names}`)
  }
  const stray = [...entries.keys()].find((name) => !name.startsWith(`${folder}/`))
  if (stray !== undefined)
    throw broken(source, `entry ${JSON.stringify(stray)} is outside its folder ${folder}`)
  return folder
}

function checkVersion(source: ByteSource, text: string | null): void {
  const version = Number(text ?? '3')
  const valid = text === null || /^\d+\n?$/.test(text)
  if (!valid || version < 1 || version > MAX_VERSION) {
    throw broken(source, `its version is ${JSON.stringify(text)}, expected 1 to ${MAX_VERSION}`)
  }
}

function checkByteOrder(source: ByteSource, text: string | null): void {
  if (text === null || text === 'little') return
  throw broken(source, `its byteorder is ${JSON.stringify(text)}; only 'little' is read`)
}

function broken(source: ByteSource, why: string): BeitError {
  return new BeitError('ERR_FORMAT', `${source.name}: PyTorch zip: ${why}`)
}
