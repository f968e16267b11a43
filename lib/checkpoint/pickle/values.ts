/**
 * What the unpickler makes: Python's values as data. None, bool, int, float, str and bytes are null, boolean,
 * number or bigint, number, string and Uint8Array, a list is an array; the others are here. A class or
 * function is only ever a name.
 */
import type { DictKey } from './keys.js'

/** A value of a format that pickles carry by reference: a storage or a tensor. */
export abstract class PickleLeaf {
  /** Tells it from other classes, which TypeScript compares by their members. */
  declare protected readonly leaf: true

  /** Takes the state that BUILD sets; false where it is none of this value. */
  setState(_state: PickleValue): boolean {
    return false
  }
}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleTuple
  | PickleDict
  | PickleSet
  | PickleGlobal
  | PickleObject
  | PickleLeaf

export class PickleTuple {
  readonly items: readonly PickleValue[]
  /** Of this tuple as a key, once it was one. */
  key: DictKey | null = null

  constructor(items: readonly PickleValue[]) {
    this.items = items
  }
}

/** dict and the classes that are one for data's sake: OrderedDict, defaultdict, Counter. */
export class PickleDict {
  /** By what Python holds for equal: the key as it was, and the value. */
  #entries: Map<DictKey, [PickleValue, PickleValue]> | null = null
  /** Attributes set on the dict itself, such as the `_metadata` of a state dict. */
  attributes: PickleValue = null

  get size(): number {
    return this.#entries?.size ?? 0
  }

  /** Every key is a str. */
  onlyStrings = true

  /** @param hash of `key` (KeyTable.of) */
  set(hash: DictKey, key: PickleValue, value: PickleValue): void {
    this.#entries ??= new Map()
    this.onlyStrings &&= typeof key === 'string'
    const entry = this.#entries.get(hash)
    if (entry === undefined) this.#entries.set(hash, [key, value])
    else entry[1] = value
  }

  get(key: string): PickleValue | undefined {
    return this.#entries?.get(key)?.[1]
  }

  entries(): IterableIterator<[PickleValue, PickleValue]> {
    return (this.#entries ?? NO_ENTRIES).values()
  }
}

const NO_ENTRIES: ReadonlyMap<DictKey, [PickleValue, PickleValue]> = new Map()
const NO_ITEMS: ReadonlyMap<DictKey, PickleValue> = new Map()

/** set and frozenset. */
export class PickleSet {
  #items: Map<DictKey, PickleValue> | null = null
  readonly frozen: boolean

  constructor(frozen: boolean) {
    this.frozen = frozen
  }

  /** @param hash of `item` (KeyTable.of) */
  add(hash: DictKey, item: PickleValue): void {
    this.#items ??= new Map()
    if (!this.#items.has(hash)) this.#items.set(hash, item)
  }

  get size(): number {
    return this.#items?.size ?? 0
  }

  items(): IterableIterator<PickleValue> {
    return (this.#items ?? NO_ITEMS).values()
  }
}

/** The name of a class or function. */
export class PickleGlobal {
  readonly module: string
  readonly name: string
  /** 'module.Name'; one string however many objects there are, since names can be long. */
  readonly path: string
  /** 'module Name', as tables of functions have it. */
  readonly key: string

  constructor(module: string, name: string) {
    this.module = module
    this.name = name
    this.path = `${module}.${name}`
    this.key = `${module} ${name}`
  }
}

/** An object of a class that has no meaning here, or the call of a function that has none. Inert. */
export class PickleObject {
  readonly class: PickleGlobal
  readonly args: readonly PickleValue[]
  /** Made by calling a function or class (REDUCE), not by a class's __new__. */
  readonly called: boolean
  state: PickleValue | undefined
  /** Set when items were: the class extends dict. */
  items: PickleDict | null = null
  /** Set when something was appended: the class extends list. */
  list: PickleValue[] | null = null

  constructor(of: PickleGlobal, args: readonly PickleValue[], called: boolean) {
    this.class = of
    this.args = args
    this.called = called
  }
}

/** The attribute `name` of an object whose state is a dict, or a pair of two dicts (with __slots__). */
export function attributeOf(object: PickleObject, name: string): PickleValue | undefined {
  const { state } = object
  const parts = state instanceof PickleTuple && state.items.length === 2 ? state.items : [state]
  for (const part of parts) {
    const value = part instanceof PickleDict ? part.get(name) : undefined
    if (value !== undefined) return value
  }
  return undefined
}

/** What a value is, for messages. */
export function kindOf(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'None'
  if (typeof value === 'boolean') return 'a bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number'
  if (typeof value === 'string') return 'a string'
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof PickleTuple) return 'a tuple'
  if (value instanceof PickleDict) return 'a dict'
  if (value instanceof PickleSet) return 'a set'
  if (value instanceof PickleGlobal) return `the name ${value.path}`
  if (value instanceof PickleObject) return `an object of ${value.class.path}`
  return 'a tensor or storage'
}
