/** Plain data of a checkpoint as JSON, in which every kind of value can still be told from the others. */

import type { PlainData } from '../../lib/checkpoint/records.js'
import { PlainRecord, TensorRecord, UnreadableTensor } from '../../lib/checkpoint/records.js'

export type Portable = null | boolean | number | string | Portable[] | { [name: string]: Portable }

/**
 * What JSON lacks becomes an object with one name: `{ bigint }`, `{ bytes }`, `{ map }`, `{ tensor }`, ... Of long
 * texts and lists the length and the start are given.
 */
export function portable(data: PlainData): Portable {
  if (typeof data === 'string' && data.length > 1000) return { text: data.length, start: data.slice(0, 8) }
  if (Array.isArray(data) && data.length > 1000)
    return { list: data.length, first: portable(data[0] ?? null) }
  if (typeof data === 'bigint') return { bigint: String(data) }
  if (typeof data === 'number' && !Number.isFinite(data)) return { number: String(data) }
  if (data === null || typeof data !== 'object') return data
  if (data instanceof Uint8Array) return { bytes: Buffer.from(data).toString('latin1') }
  if (Array.isArray(data)) return data.map(portable)
  if (data instanceof TensorRecord) return { tensor: data.name }
  if (data instanceof UnreadableTensor) return { unreadable: data.name }
  if (data instanceof Map) return { map: [...data].map(([key, value]) => [portable(key), portable(value)]) }
  const fields = Object.entries(data).filter(([, value]) => value !== undefined)
  const object = Object.fromEntries(fields.map(([name, value]) => [name, portable(value as PlainData)]))
  if (data instanceof PlainRecord) return { record: object }
  if (Object.getPrototypeOf(data) !== null) throw new Error('an object of plain data has a prototype')
  return object
}
