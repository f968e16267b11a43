/**
 * Walks a pickled object for tensors: of a state dict, of a module by its parameters, buffers and modules, or
 * anywhere inside dicts and lists.
 */
import { BeitError } from '../../errors.js'
import {
  attributeOf,
  kindOf,
  PickleDict,
  type PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from '../pickle/values.js'
import { countTensors, isModule, standsForWeight } from './pickled_states.js'
import { PickleTensor } from './storages.js'

/** Shared parts are walked once for each name they have; a file of a few bytes could give them any number. */
const MAX_VISITS = 200_000
const MAX_DEPTH = 200
/** Characters of all names; a long key in the file is a part of the name of everything below it. */
const MAX_LETTERS = 2 ** 24

/** Collects tensors under names. */
export class StateCollector {
  readonly notes: string[] = []
  readonly #name: string
  /** Containers that were walked, and whether there is a tensor in them. */
  readonly #walked = new Map<PickleValue, boolean>()
  #visits = 0
  #letters = 0

  constructor(name: string) {
    this.#name = name
  }

  /**
   * The tensors of a state dict or module; null when `value` is neither. A dict with more tensors further inside
   * is none: training scripts keep a loss or the state of a generator beside the weights.
   */
  state(value: PickleValue): Map<string, PickleTensor> | null {
    if (isModule(value)) {
      const tensors = new Map<string, PickleTensor>()
      this.#module(value, '', tensors, 0)
      this.notes.push(`took the parameters and buffers of a pickled ${value.class.path}; its code is not run`)
      return tensors
    }
    if (!(value instanceof PickleDict)) return null
    const tensors = new Map<string, PickleTensor>()
    const rest: [PickleValue, PickleValue][] = []
    for (const [key, item] of value.entries()) {
      if (typeof key === 'string' && item instanceof PickleTensor) tensors.set(key, item)
      else rest.push([key, item])
    }
    if (tensors.size === 0 || countTensors(rest.map(([, item]) => item)) >= tensors.size) return null
    for (const [key, item] of rest) if (standsForWeight(item)) this.#refuse(String(key), item)
    const others = rest.map(([key]) => (typeof key === 'string' ? key : kindOf(key)))
    if (others.length > 0) this.notes.push(`left out what is no tensor: ${shorten(others)}`)
    return tensors
  }

  /** Every tensor inside dicts, lists and tuples, named by the keys and places that lead to it. */
  anything(value: PickleValue): Map<string, PickleTensor> {
    const tensors = new Map<string, PickleTensor>()
    this.#nested(value, [], tensors)
    return tensors
  }

  /** Is there a tensor in `value`, which stands at `path`? */
  #nested(value: PickleValue, path: string[], tensors: Map<string, PickleTensor>): boolean {
    if (value instanceof PickleTensor) {
      this.#visit(path.length)
      this.#put(this.#joined(path) || 'tensor', value, tensors)
      return true
    }
    if (isModule(value)) {
      this.#module(value, path.length === 0 ? '' : `${this.#joined(path)}.`, tensors, path.length)
      return true
    }
    // What holds no tensor is walked once; the rest again for each of its names, and that is counted.
    const before = this.#walked.get(value)
    if (before === false) return false
    this.#walked.set(value, false) // so that a container inside itself is not walked there
    let found = false
    for (const [key, item] of childrenOf(value)) {
      if (before !== undefined || path.length > MAX_DEPTH) this.#visit(path.length)
      path.push(key)
      if (this.#nested(item, path, tensors)) found = true
      path.pop()
    }
    this.#walked.set(value, found)
    return found
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
    if (value instanceof PickleTensor) this.#put(name, value, tensors)
    else if (value !== null) this.#refuse(name, value)
  }

  #put(name: string, tensor: PickleTensor, tensors: Map<string, PickleTensor>): void {
    this.#letters += name.length
    if (this.#letters > MAX_LETTERS) throw this.#tooLong()
    if (tensors.has(name)) throw this.#broken(`two weights have the name '${name}'`)
    tensors.set(name, tensor)
  }

  #joined(path: readonly string[]): string {
    const letters = path.reduce((sum, part) => sum + part.length + 1, this.#letters)
    if (letters > MAX_LETTERS) throw this.#tooLong()
    return path.join('.')
  }

  #tooLong(): BeitError {
    return this.#broken(`the names of its tensors have more than ${MAX_LETTERS} characters in all`)
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

/** What a dict, list or tuple holds, as far as it could be or hold a tensor, by the names in a path. */
function* childrenOf(value: PickleValue): Iterable<[string, PickleValue]> {
  if (value instanceof PickleDict) {
    for (const [key, item] of value.entries()) {
      const named = typeof key === 'string' || typeof key === 'number'
      if (named && typeof item === 'object' && item !== null) yield [String(key), item]
    }
    return
  }
  const items = value instanceof PickleTuple ? value.items : Array.isArray(value) ? value : []
  for (const [i, item] of items.entries()) {
    if (typeof item === 'object' && item !== null) yield [String(i), item]
  }
}

function* entriesOf(module: PickleObject, attribute: string): Iterable<[string, PickleValue]> {
  const dict = attributeOf(module, attribute)
  if (!(dict instanceof PickleDict)) return
  for (const [key, value] of dict.entries()) if (typeof key === 'string') yield [key, value]
}

/** 'model, epoch, args and 3 more' */
export function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => (name.length > 64 ? `${name.slice(0, 64)}...` : name))
  return shown.join(', ') + (names.length > shown.length ? ` and ${names.length - shown.length} more` : '')
}
