/**
 * A bare pickle, as pickle.dump writes it. Tensors in one bring their storage along as bytes, which are a
 * whole legacy file of torch.save with that storage as its object.
 */
import { BeitError } from '../../errors.js'
import { type ByteSource, memorySource } from '../byte_source.js'
import { Cost } from '../pickle/budget.js'
import { functions } from '../pickle/globals.js'
import type { Machine, PickleFunctions } from '../pickle/stack_machine.js'
import { kindOf, type PickleValue } from '../pickle/values.js'
import { unpickleAt } from './grow.js'
import { readTorchLegacy } from './read_legacy.js'
import { PickleStorage } from './storages.js'
import { CHECKPOINT_FUNCTIONS, type TorchFile } from './torch_file.js'

/**
 * Reads a file that is one pickle.
 * @throws BeitError ERR_FORMAT that says which rule is broken
 */
export function readBarePickle(source: ByteSource): TorchFile {
  const load = ([bytes]: readonly PickleValue[], machine: Machine) => loadStorage(source, bytes, machine)
  const all: PickleFunctions = new Map([
    ...CHECKPOINT_FUNCTIONS,
    ...functions(['torch.storage'], { _load_from_bytes: load }),
  ])
  const { value, end } = unpickleAt(source, 0, { functions: all })
  if (end !== source.size) {
    throw new BeitError(
      'ERR_FORMAT',
      `${source.name}: pickle: it ends at byte ${end}, the file at ${source.size}`,
    )
  }
  return { container: 'pickle', root: value }
}

/** torch.storage._load_from_bytes(bytes) */
function loadStorage(source: ByteSource, bytes: PickleValue | undefined, machine: Machine): PickleStorage {
  if (!(bytes instanceof Uint8Array)) return machine.fail(`a storage is loaded from ${kindOf(bytes)}`)
  const position = machine.positionOf(bytes)
  if (position === null) {
    return machine.fail(
      'its tensors are encoded as text, as pickle protocols before 3 do; ' +
        'save it by torch.save, or with a newer protocol',
    )
  }
  machine.budget.take(bytes.length + 8 * Cost.object)
  const inner = memorySource(bytes, `${source.name}: storage at byte ${position}`)
  const { root } = readTorchLegacy(inner, machine.budget)
  if (!(root instanceof PickleStorage))
    return machine.fail(`a storage is loaded from a file of ${kindOf(root)}`)
  // From places in the bytes to places in the file.
  const { key, offset, byteLength, crc32 } = root.record
  const record = {
    key: `${key}@${position}`,
    path: source.name,
    offset: position + offset,
    byteLength,
    crc32,
  }
  return new PickleStorage(record, root.element, root.start, root.count)
}
