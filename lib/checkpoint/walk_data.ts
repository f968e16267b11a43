/** Ways through PlainData, whatever its containers. */
import { isPlainObject, type PlainData, PlainRecord, TensorRecord } from './records.js'

/** The parts of a value with their names, in order; none of a value without parts. */
export function partsOf(value: PlainData): [name: string, part: PlainData][] {
  if (Array.isArray(value)) return value.map((item, i) => [String(i), item])
  if (value instanceof Map) return [...value].map(([key, item]) => [nameOf(key), item])
  if (isPlainObject(value)) return Object.entries(value)
  if (!(value instanceof PlainRecord)) return []
  const { args, state, items, list } = value
  return Object.entries({ args: args as PlainData[] | undefined, state, items, list }).filter(
    (part): part is [string, PlainData] => part[1] !== undefined,
  )
}

/** Every value inside `root`, itself included, each object once. */
export function* valuesIn(root: PlainData): Iterable<PlainData> {
  const seen = new Set<PlainData>()
  const open = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value === 'object' && value !== null) {
      if (seen.has(value)) continue
      seen.add(value)
    }
    yield value
    for (const [, part] of partsOf(value).reverse()) open.push(part)
  }
}

/** Every tensor inside `root`, each once. */
export function tensorRecordsIn(root: PlainData): TensorRecord[] {
  return [...valuesIn(root)].filter((value) => value instanceof TensorRecord)
}

const nameOf = (key: PlainData) => (typeof key === 'object' && key !== null ? '(an object)' : String(key))
