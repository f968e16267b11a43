/**
 * Keys of dicts and sets as Python compares them: equal numbers are one key whatever their type, tuples are
 * compared by their items, other objects by identity, and what can change cannot be a key.
 */
import { type Budget, Cost } from './budget.js'
import { latin1 } from './pickle_reader.js'
import { kindOf, PickleDict, PickleSet, PickleTuple, type PickleValue } from './values.js'

/** Two keys are equal in Python if and only if these are the same to a Map. */
export type DictKey = string | number | bigint | null | object

const MAX_DEPTH = 100

/**
 * V8 hashes numbers by a known function: any amount can be made that share one place of a hash table, where
 * each is compared with all others. Not of small ones, of which there are too few.
 */
const MAX_SMALL = 2 ** 24
const MAX_LARGE_KEYS = 4096

/** Gives equal keys the same {@link DictKey}. One for each pickle. */
export class KeyTable {
  readonly #budget: Budget
  readonly #refuse: (why: string) => never
  /** Numbers that are keys and not small integers. */
  readonly #large = new Set<number | bigint>()
  /** Of the items of tuples. */
  readonly #numbers = new Map<DictKey, number>()
  /** Of tuples and bytes by their content. */
  readonly #objects = new Map<string, object>()

  /**
   * @param budget pays for keys that are compared by their content
   * @param refuse called for what Python cannot hash
   */
  constructor(budget: Budget, refuse: (why: string) => never) {
    this.#budget = budget
    this.#refuse = refuse
  }

  of(value: PickleValue, depth = 0): DictKey {
    switch (typeof value) {
      case 'boolean':
        return Number(value)
      case 'number':
        if (Number.isInteger(value) && Math.abs(value) < MAX_SMALL) return value
        return this.#largeKey(Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value)
      case 'bigint':
        return this.#largeKey(value)
      case 'string':
        return value
    }
    if (value instanceof PickleTuple) {
      if (depth > MAX_DEPTH) this.#refuse('a key is nested too deeply')
      if (value.key === null) this.#budget.take(Cost.slot * value.items.length)
      value.key ??= this.#object(`t${value.items.map((item) => this.#number(this.of(item, depth + 1)))}`)
      return value.key
    }
    if (value instanceof Uint8Array) {
      this.#budget.take(value.length)
      return this.#object(`b${latin1(value)}`)
    }
    const changes = Array.isArray(value) || value instanceof PickleDict
    if (changes || (value instanceof PickleSet && !value.frozen)) {
      this.#refuse(`${kindOf(value)} is a key, and Python cannot hash it`)
    }
    return value
  }

  #largeKey(value: number | bigint): number | bigint {
    this.#large.add(value)
    if (this.#large.size > MAX_LARGE_KEYS) {
      this.#refuse(`more than ${MAX_LARGE_KEYS} of its keys are large or broken numbers`)
    }
    return value
  }

  #number(key: DictKey): number {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    this.#budget.take(Cost.memo)
    this.#numbers.set(key, this.#numbers.size)
    return this.#numbers.size - 1
  }

  #object(content: string): object {
    const known = this.#objects.get(content)
    if (known !== undefined) return known
    this.#budget.take(2 * Cost.entry + content.length)
    const made = {}
    this.#objects.set(content, made)
    return made
  }
}
