/** What in a pickled object could be weights: the signs of state dicts and modules, and where they stand. */
import { attributeOf, PickleDict, PickleObject, PickleTuple, type PickleValue } from '../pickle/values.js'
import { simplify } from './simplify.js'
import { PickleTensor } from './storages.js'

/** An object of a class that keeps parameters as torch.nn.Module does. */
export function isModule(value: PickleValue): value is PickleObject {
  return value instanceof PickleObject && attributeOf(value, '_parameters') instanceof PickleDict
}

/** Whether an unknown function made it, and it is not known to be something plain, such as a path or a date. */
export function standsForWeight(value: PickleValue): value is PickleObject {
  if (!(value instanceof PickleObject) || !value.called) return false
  const plain = simplify(value)
  if (plain !== undefined) return plain instanceof PickleObject
  return !/^(datetime|decimal|fractions|uuid)\./.test(value.class.path)
}

/** Tensors in containers and modules, each of which is looked into once. */
export function countTensors(values: readonly PickleValue[]): number {
  let count = 0
  for (const value of walk(values)) if (value instanceof PickleTensor) count++
  return count
}

/** Classes and functions whose objects stand in containers, as what they are to those who lack them. */
export function classesIn(value: PickleValue): string[] {
  const names = new Set<string>()
  for (const found of walk([value])) {
    if (!(found instanceof PickleObject)) continue
    const plain = simplify(found)
    if (plain === undefined) names.add(found.class.path)
    else if (plain instanceof PickleObject) names.add(plain.class.path)
  }
  return [...names]
}

/** The keys, 'a' or 'a.b', of modules and of dicts with tensors; the first for what stands under several. */
export function statesIn(root: PickleValue): string[] {
  const looked = new Set<PickleValue>([root])
  const found: string[] = []
  const look = (value: PickleValue, prefix: string) => {
    if (!(value instanceof PickleDict)) return
    for (const [key, item] of value.entries()) {
      if (typeof key !== 'string' || typeof item !== 'object' || looked.has(item)) continue
      looked.add(item)
      if (isModule(item) || hasTensors(item)) found.push(prefix + key)
      else if (prefix === '') look(item, `${key}.`)
    }
  }
  look(root, '')
  return found
}

function hasTensors(value: PickleValue): boolean {
  if (!(value instanceof PickleDict)) return false
  for (const [, item] of value.entries()) if (item instanceof PickleTensor) return true
  return false
}

/** `values` and all in them: a container once, anything else as often as it occurs in one. */
function* walk(values: readonly PickleValue[]): Iterable<PickleValue> {
  const seen = new Set<PickleValue>()
  const open = [...values]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const parts = partsOf(value)
    if (parts !== null) {
      if (seen.has(value)) continue
      seen.add(value)
      for (const part of parts) open.push(part)
    }
    yield value
  }
}

/** null: it is no container. What a function was called with is not looked into. */
function partsOf(value: PickleValue): Iterable<PickleValue> | null {
  if (Array.isArray(value)) return value
  if (value instanceof PickleTuple) return value.items
  if (value instanceof PickleDict) return [...value.entries()].map(([, item]) => item)
  if (!(value instanceof PickleObject) || (value.called && !isModule(value))) return null
  return [value.state, value.items, value.list].filter((part) => part !== undefined)
}
