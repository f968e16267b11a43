/**
 * The weights in a pickled object: the state dict itself, one under a key that training scripts use, or the
 * parameters and buffers of a pickled module, named as PyTorch's Module.state_dict() names them.
 */
import { BeitError } from '../../errors.js'
import {
  attributeOf,
  kindOf,
  PickleDict,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from '../pickle/values.js'
import { PickleTensor } from './storages.js'

/** Where weights stand in the files of training scripts, the likeliest first. */
const KEYS = ['model', 'state_dict', 'module', 'model_ema', 'weights']

/** Shared parts are walked once for each name they have; a file of a few bytes could give them any number. */
const MAX_VISITS = 200_000
const MAX_DEPTH = 200

/** The weights, by name in the order of the file. */
export interface CollectedState {
  /** The key they stood under; null: they are the object itself. */
  readonly picked: string | null
  readonly tensors: Map<string, PickleTensor>
  readonly notes: string[]
}

/**
 * @param name of the file, for messages
 * @param pick the key of the weights, 'a.b' for a key within; null: the likeliest
 * @throws BeitError ERR_INVALID_ARGUMENT when there is nothing under `pick`, ERR_FORMAT for weights that an
 * unknown function makes
 */
export function collectState(root: PickleValue, name: string, pick: string | null): CollectedState {
  const collector = new Collector(name)
  if (pick !== null) {
    const value = valueAt(root, pick, name)
    return {
      picked: pick,
      tensors: collector.state(value) ?? collector.anything(value),
      notes: collector.notes,
    }
  }
  if (root instanceof PickleDict) {
    const keys = [...root.entries()].map(([key]) => key).filter((key) => typeof key === 'string')
    for (const key of KEYS) {
      const tensors = collector.state(root.get(key) ?? null)
      if (tensors === null) continue
      const others = keys.filter((other) => other !== key)
      const note = `took the weights under '${key}'; beside them there are ${shorten(others) || 'no others'}`
      return { picked: key, tensors, notes: [note, ...collector.notes] }
    }
  }
  const own = collector.state(root)
  if (own !== null) return { picked: null, tensors: own, notes: collector.notes }
  const tensors = collector.anything(root)
  const note = 'no state dict was found: took every tensor, by its place'
  return { picked: null, tensors, notes: tensors.size > 0 ? [note] : ['it holds no tensor'] }
}

function valueAt(root: PickleValue, pick: string, name: string): PickleValue {
  const found = root instanceof PickleDict ? root.get(pick) : undefined
  if (found !== undefined) return found
  let value: PickleValue = root
  for (const part of pick.split('.')) {
    const next = value instanceof PickleDict ? value.get(part) : undefined
    if (next === undefined) {
      const there =
        root instanceof PickleDict
          ? `there are ${shorten([...root.entries()].map(([key]) => (typeof key === 'string' ? key : kindOf(key))))}`
          : `it is ${kindOf(root)}`
      throw new BeitError('ERR_INVALID_ARGUMENT', `pick: ${name} has nothing under '${pick}'; ${there}`)
    }
    value = next
  }
  return value
}

class Collector {
  readonly notes: string[] = []
  readonly #name: string
  #visits = 0

  constructor(name: string) {
    this.#name = name
  }

  /** The tensors of a state dict or module; null when `value` is neither. */
  state(value: PickleValue): Map<string, PickleTensor> | null {
    if (isModule(value)) {
      const tensors = new Map<string, PickleTensor>()
      this.#module(value, '', tensors, 0)
      this.notes.push(`took the parameters and buffers of a pickled ${value.class.path}; its code is not run`)
      return tensors
    }
    if (!(value instanceof PickleDict)) return null
    const entries = [...value.entries()]
    if (!entries.some(([key, item]) => typeof key === 'string' && item instanceof PickleTensor)) return null
    const tensors = new Map<string, PickleTensor>()
    const others: string[] = []
    for (const [key, item] of entries) {
      if (typeof key === 'string' && item instanceof PickleTensor) tensors.set(key, item)
      else if (item instanceof PickleObject && item.called) this.#refuse(String(key), item)
      else others.push(typeof key === 'string' ? key : kindOf(key))
    }
    if (others.length > 0) this.notes.push(`left out what is no tensor: ${shorten(others)}`)
    return tensors
  }

  /** Every tensor inside dicts, lists and tuples, named by the keys and places that lead to it. */
  anything(value: PickleValue): Map<string, PickleTensor> {
    const tensors = new Map<string, PickleTensor>()
    this.#nested(value, [], tensors)
    return tensors
  }

  #nested(value: PickleValue, path: string[], tensors: Map<string, PickleTensor>): void {
    this.#visit(path.length)
    if (value instanceof PickleTensor) tensors.set(path.join('.') || 'tensor', value)
    else if (isModule(value))
      this.#module(value, path.map((part) => `${part}.`).join(''), tensors, path.length)
    else if (value instanceof PickleDict) {
      for (const [key, item] of value.entries()) {
        if (typeof key === 'string' || typeof key === 'number')
          this.#nested(item, [...path, String(key)], tensors)
      }
    } else if (Array.isArray(value) || value instanceof PickleTuple) {
      const items = Array.isArray(value) ? value : value.items
      for (const [i, item] of items.entries()) this.#nested(item, [...path, String(i)], tensors)
    }
  }

  /** In the order of Module.state_dict(): parameters, buffers, then the modules inside. */
  #module(module: PickleObject, prefix: string, tensors: Map<string, PickleTensor>, depth: number): void {
    this.#visit(depth)
    const transient = attributeOf(module, '_non_persistent_buffers_set')
    const skipped = transient instanceof PickleSet ? new Set(transient.items()) : new Set()
    for (const [name, value] of entriesOf(module, '_parameters')) this.#own(prefix + name, value, tensors)
    for (const [name, value] of entriesOf(module, '_buffers')) {
      if (!skipped.has(name)) this.#own(prefix + name, value, tensors)
    }
    for (const [name, value] of entriesOf(module, '_modules')) {
      if (isModule(value)) this.#module(value, `${prefix}${name}.`, tensors, depth + 1)
    }
  }

  #own(name: string, value: PickleValue, tensors: Map<string, PickleTensor>): void {
    this.#visit(0)
    if (value instanceof PickleTensor) tensors.set(name, value)
    else if (value !== null) this.#refuse(name, value)
  }

  #refuse(name: string, value: PickleValue): never {
    throw this.#broken(
      `the weight '${name}' is ${kindOf(value)}, expected a tensor that torch itself rebuilds`,
    )
  }

  #visit(depth: number): void {
    if (depth > MAX_DEPTH)
      throw this.#broken(`its modules or containers are nested more than ${MAX_DEPTH} deep`)
    if (++this.#visits > MAX_VISITS) throw this.#broken(`its weights have more than ${MAX_VISITS} names`)
  }

  #broken(why: string): BeitError {
    return new BeitError('ERR_FORMAT', `${this.#name}: ${why}`)
  }
}

function isModule(value: PickleValue): value is PickleObject {
  return value instanceof PickleObject && attributeOf(value, '_parameters') instanceof PickleDict
}

function* entriesOf(module: PickleObject, attribute: string): Iterable<[string, PickleValue]> {
  const dict = attributeOf(module, attribute)
  if (!(dict instanceof PickleDict)) return
  for (const [key, value] of dict.entries()) if (typeof key === 'string') yield [key, value]
}

/** 'model, epoch, args and 3 more' */
function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => (name.length > 64 ? `${name.slice(0, 64)}...` : name))
  return shown.join(', ') + (names.length > shown.length ? ` and ${names.length - shown.length} more` : '')
}
