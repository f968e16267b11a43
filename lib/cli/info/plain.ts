/** What a checkpoint holds beside its weights (PlainData), as rows of text and as JSON. */
import {
  isPlainObject,
  type PlainData,
  PlainRecord,
  TensorRecord,
  UnreadableTensor,
} from '../../checkpoint/records.js'
import { partsOf } from '../../checkpoint/walk_data.js'

/** Values of JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** {a: 1, b: {c: [2, 3]}} -> [['a', '1'], ['b.c', '2, 3']] */
export function rowsOf(value: PlainData, prefix = ''): [name: string, value: string][] {
  const parts = isPlainObject(value) || value instanceof Map ? partsOf(value) : []
  if (parts.length === 0) return [[prefix, inWords(value)]]
  return parts.flatMap(([name, part]) => rowsOf(part, prefix === '' ? name : `${prefix}.${name}`))
}

/** A value on one line. */
export function inWords(value: PlainData): string {
  if (value === null || typeof value !== 'object') return String(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof TensorRecord) return `${value.dtype}[${value.shape.join(', ')}]`
  if (value instanceof UnreadableTensor) return `${value.dtype}[${value.shape.join(', ')}], which is not read`
  if (value instanceof PlainRecord) return `${value.class} (inert)`
  if (value instanceof Map) return `${value.size} entries`
  if (!Array.isArray(value)) return `${Object.keys(value).length} entries`
  if (value.length === 0) return '[]'
  const flat = value.every((item) => item === null || typeof item !== 'object')
  return flat ? value.map(String).join(', ') : `${value.length} items`
}

/**
 * As JSON: a bigint and numbers that are not finite as strings, bytes as their count, a Map of names or numbers
 * as an object and any other as its entries, tensors and records as objects that say so.
 */
export function toJson(value: PlainData): Json {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return { bytes: value.length }
  if (value instanceof TensorRecord) return describeTensor(value)
  if (value instanceof UnreadableTensor) return { ...describeTensor(value), reason: value.reason }
  if (Array.isArray(value)) return value.map(toJson)
  if (value instanceof Map && !hasPlainKeys(value)) {
    return { entries: [...value].map(([key, item]) => [toJson(key), toJson(item)]) }
  }
  const json: { [name: string]: Json } = Object.create(null)
  if (value instanceof PlainRecord) json.class = value.class
  for (const [name, part] of partsOf(value)) json[name] = toJson(part)
  return json
}

const describeTensor = ({ name, dtype, shape }: TensorRecord | UnreadableTensor) => ({
  tensor: name,
  dtype: dtype as string,
  shape: [...shape],
})

/** Keys that stay apart as names. */
function hasPlainKeys(map: Map<PlainData, PlainData>): boolean {
  const names = [...map.keys()].map((key) => (key !== null && typeof key === 'object' ? null : String(key)))
  return !names.includes(null) && new Set(names).size === map.size
}
