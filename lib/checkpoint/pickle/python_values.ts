/** Python's values that plain JavaScript has no form for, as the pickler takes them. Nothing reads them. */
import type { Tensor } from '../../tensor.js'

/** What can be pickled: plain data, these, and tensors, which the caller of the pickler turns into them. */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PythonValue[]
  | ReadonlyMap<PythonValue, PythonValue>
  | { readonly [name: string]: PythonValue }
  | PythonTuple
  | PythonFloat
  | PythonGlobal
  | PythonCall
  | PythonObject
  | PersistentId
  | Tensor

/** `(a, b)`, where an array is `[a, b]`. */
export class PythonTuple {
  readonly items: readonly PythonValue[]

  constructor(...items: readonly PythonValue[]) {
    this.items = items
  }
}

/** `1.0`, where the number 1 is an int. */
export class PythonFloat {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A class or function by its name. */
export class PythonGlobal {
  readonly module: string
  readonly name: string

  constructor(module: string, name: string) {
    this.module = module
    this.name = name
  }
}

/** `callable(*args)`; `entries` are set on the result, for a dict of a class of its own. */
export class PythonCall {
  readonly callable: PythonGlobal
  readonly args: PythonTuple
  readonly entries: ReadonlyMap<PythonValue, PythonValue>

  constructor(
    callable: PythonGlobal,
    args: PythonTuple,
    entries: ReadonlyMap<PythonValue, PythonValue> = new Map(),
  ) {
    this.callable = callable
    this.args = args
    this.entries = entries
  }
}

/** An object of a class with these attributes, made without calling its `__init__`. */
export class PythonObject {
  readonly class: PythonGlobal
  readonly attributes: { readonly [name: string]: PythonValue }

  constructor(type: PythonGlobal, attributes: { readonly [name: string]: PythonValue }) {
    this.class = type
    this.attributes = attributes
  }
}

/** What stands outside the pickle, by the name that the reader finds it under. */
export class PersistentId {
  readonly id: PythonTuple

  constructor(id: PythonTuple) {
    this.id = id
  }
}

const ORDERED_DICT = new PythonGlobal('collections', 'OrderedDict')
const NAMESPACE = new PythonGlobal('argparse', 'Namespace')

/** `collections.OrderedDict`, as `state_dict()` gives it. */
export function orderedDict(entries: ReadonlyMap<PythonValue, PythonValue> = new Map()): PythonCall {
  return new PythonCall(ORDERED_DICT, new PythonTuple(), entries)
}

/** `argparse.Namespace`, as training scripts keep their arguments. */
export function namespace(attributes: { readonly [name: string]: PythonValue }): PythonObject {
  return new PythonObject(NAMESPACE, attributes)
}
