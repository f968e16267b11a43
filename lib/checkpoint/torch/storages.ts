/** The storages and tensors of a pickle before anything of them is read, and the checks of their sizes. */
import { Cost } from '../pickle/budget.js'
import type { Machine } from '../pickle/stack_machine.js'
import {
  kindOf,
  PickleDict,
  PickleGlobal,
  PickleLeaf,
  PickleTuple,
  type PickleValue,
} from '../pickle/values.js'
import type { StorageRecord } from '../records.js'
import { type ElementType, STORAGE_CLASSES, UNTYPED, unreadableDtype } from './dtypes.js'

/** libtorch has no more dimensions than this on every path. */
const MAX_DIMENSIONS = 64
/** torch.save numbers them. */
const MAX_KEY = 255

/** A storage of the file, or a part of one (storage views of PyTorch before 0.4). */
export class PickleStorage extends PickleLeaf {
  /** Legacy files tell the offset after the pickle: it is filled in then. */
  readonly record: { -readonly [K in keyof StorageRecord]: StorageRecord[K] }
  readonly element: ElementType
  /** Elements before this part, and in it. */
  readonly start: number
  readonly count: number

  constructor(record: PickleStorage['record'], element: ElementType, start: number, count: number) {
    super()
    this.record = record
    this.element = element
    this.start = start
    this.count = count
  }
}

/** A tensor: a view of a storage, or the reason why it cannot be read. */
export class PickleTensor extends PickleLeaf {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly view: TensorView | null
  /** null: it can be read. */
  readonly unreadable: string | null
  requiresGrad: boolean

  constructor(fields: Pick<PickleTensor, 'dtype' | 'shape' | 'view' | 'requiresGrad' | 'unreadable'>) {
    super()
    this.dtype = fields.dtype
    this.shape = fields.shape
    this.view = fields.view
    this.unreadable = fields.unreadable
    this.requiresGrad = fields.requiresGrad
  }

  /** (requires_grad, volatile, backward_hooks), which Variables and Parameters have until PyTorch 0.3. */
  override setState(state: PickleValue): boolean {
    if (!(state instanceof PickleTuple) || state.items.length !== 3) return false
    const [requiresGrad, volatile, hooks] = state.items
    if (typeof requiresGrad !== 'boolean' || typeof volatile !== 'boolean') return false
    if (hooks !== null && !(hooks instanceof PickleDict)) return false
    this.requiresGrad = requiresGrad
    return true
  }
}

export interface TensorView {
  readonly storage: PickleStorage
  readonly strides: readonly number[]
  /** Elements from the start of the record. */
  readonly offset: number
}

/** The parts of a persistent id ('storage', class, key, location, count, ...). */
export interface StorageId {
  readonly element: ElementType
  readonly key: string
  readonly count: number
  readonly byteLength: number
  /** What legacy files have at the end: null, or (key, offset, size) of a part. */
  readonly view: PickleValue
}

/** Checks a persistent id of torch.save. */
export function storageId(id: PickleValue, machine: Machine): StorageId {
  const items = id instanceof PickleTuple ? id.items : []
  const [kind, of, key, location, count, view = null] = items
  if (kind !== 'storage' || items.length < 5 || items.length > 6) {
    return machine.fail(`a persistent id is ${kindOf(id)}, expected ('storage', class, key, location, count)`)
  }
  if (typeof key !== 'string' || typeof location !== 'string') {
    return machine.fail(`a storage has ${kindOf(key)} as key and ${kindOf(location)} as location`)
  }
  if (key.length > MAX_KEY) machine.fail(`the key of a storage has ${key.length} characters`)
  machine.budget.take(Cost.object)
  const element = storageClass(of, machine)
  const elements = sizeOf(count, 'the size of a storage', machine)
  const byteLength = elements * element.size
  if (!Number.isSafeInteger(byteLength))
    machine.fail(`storage ${key} has ${elements} elements: too many to address`)
  return { element, key, count: elements, byteLength, view }
}

/** PyTorch takes the type of a storage from where it first occurs, whatever is said later. */
export function checkSameType(key: string, known: ElementType, element: ElementType, machine: Machine): void {
  if (known.name === element.name) return
  machine.fail(`storage ${key} occurs as ${known.name} and as ${element.name}`)
}

function storageClass(of: PickleValue | undefined, machine: Machine): ElementType {
  if (of instanceof PickleGlobal && ['torch', 'torch.cuda', 'torch.storage'].includes(of.module)) {
    if (of.name === 'UntypedStorage' || of.name === '_UntypedStorage') return UNTYPED
    const element = STORAGE_CLASSES.get(of.name)
    if (element !== undefined) return element
  }
  return machine.fail(`a storage is of ${kindOf(of)}, which is no class of storages`)
}

/** A whole number from 0 on, exact in JavaScript. */
export function sizeOf(value: PickleValue | undefined, what: string, machine: Machine): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  const found = typeof value === 'number' || typeof value === 'bigint' ? String(value) : kindOf(value)
  return machine.fail(`${what} is ${found}, expected a whole number from 0 on`)
}

/** A tuple of sizes. */
export function sizesOf(value: PickleValue | undefined, what: string, machine: Machine): number[] {
  if (!(value instanceof PickleTuple)) return machine.fail(`${what} is ${kindOf(value)}, expected a tuple`)
  if (value.items.length > MAX_DIMENSIONS) machine.fail(`${what} has ${value.items.length} dimensions`)
  return value.items.map((size) => sizeOf(size, what, machine))
}

/** A view of `storage`, all of whose elements lie inside; every product is checked before it is used. */
export function makeView(
  storage: PickleStorage,
  element: ElementType,
  geometry: { offset: number; shape: number[]; strides: number[]; requiresGrad: boolean },
  machine: Machine,
): PickleTensor {
  const { offset, shape, strides, requiresGrad } = geometry
  const where = () => `a tensor of ${element.name}[${shape.join(', ')}] on storage ${storage.record.key}`
  if (strides.length !== shape.length) machine.fail(`${where()} has ${strides.length} strides`)
  // Sizes of 0 count as 1 here: the strides of an empty tensor must not overflow either.
  const numel = shape.reduce((product, size) => product * Math.max(size, 1), 1)
  if (!Number.isSafeInteger(numel * element.size)) machine.fail(`${where()} is too large to address`)
  let last = offset
  for (const [i, size] of shape.entries()) {
    last += Math.max(size - 1, 0) * (strides[i] as number)
    if (!Number.isSafeInteger(last)) machine.fail(`${where()} has strides that overflow`)
  }
  const capacity = Math.floor((storage.count * storage.element.size) / element.size)
  const empty = shape.includes(0)
  if (!empty && last >= capacity) {
    machine.fail(`${where()} reaches to element ${last + 1}, and there are ${capacity}`)
  }
  const start = (storage.start * storage.element.size) / element.size
  const repeats = !empty && numel > capacity
  return new PickleTensor({
    dtype: element.name,
    shape,
    // An empty tensor may stand past the end of its storage, and has nothing there.
    view: { storage, strides, offset: empty ? 0 : start + offset },
    requiresGrad,
    unreadable:
      unreadableDtype(element.name) ??
      (Number.isInteger(start) ? null : 'it does not begin at a whole element of its storage') ??
      (repeats ? `it has ${numel} elements and its storage ${capacity}: an expanded view; clone() it` : null),
  })
}
