/**
 * Keys of dicts and sets as Python compares them: equal numbers are one key whatever their type, tuples are
 * compared by their items, other objects by identity, and what can change cannot be a key.
 */
import { type Budget, Cost } from './budget.js'
import { latin1 } from './pickle_reader.js'
import { kindOf, PickleDict, PickleSet, PickleTuple, type PickleValue } from './values.js'

/** Two keys are equal in Python if and only if these are the same to a Map. */
export type DictKey = string | number | null | object

const MAX_DEPTH = 100

const MAX_SMALL = 2 ** 24

/**
 * V8 hashes numbers by a known function: any amount can be made that share one place of a hash table, where
 * each is compared with all others. Not of small integers, of which there are too few; text it hashes by a
 * secret.
 */
export const canCollide = (key: PickleValue): boolean =>
  typeof key === 'bigint' ||
  (typeof key === 'number' && !(Number.isInteger(key) && Math.abs(key) < MAX_SMALL))

/** Gives equal keys the same {@link DictKey}. One for each pickle. */
export class KeyTable {
  readonly #budget: Budget
  readonly #refuse: (why: string) => never
  /** Of the items of tuples. */
  readonly #numbers = new Map<DictKey, number>()
  /** Of tuples, bytes and numbers that are not small integers, by their content. */
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
        if (!canCollide(value)) return value
        return this.#content(Number.isInteger(value) ? integerText(BigInt(value)) : `f${value}`)
      case 'bigint':
        return this.#content(integerText(value))
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
      return this.#content(`b${latin1(value)}`)
    }
    const changes = Array.isArray(value) || value instanceof PickleDict
    if (changes || (value instanceof PickleSet && !value.frozen)) {
      this.#refuse(`${kindOf(value)} is a key, and Python cannot hash it`)
    }
    return value
  }

  /** Taken from the budget each time: it is put together for every occurrence. */
  #content(text: string): object {
    this.#budget.take(text.length)
    return this.#object(text)
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

/** The same for 2 ** 60 as an int and as a float. In hexadecimal, which takes linear time. */
const integerText = (value: bigint) => `i${value.toString(16)}`
