/** How much of a storage is read for the tensors that are asked for. */
import { elementSize } from '../tensor_data.js'
import type { StorageRecord, TensorRecord } from './records.js'

/** What is left out must be worth it: a part has no checksum. */
const MIN_SAVED = 16 * 2 ** 20

/** Element sizes divide it: an offset stays a whole number of elements. */
const ALIGNMENT = 8

/**
 * The bytes of `storage` from `begin` to `end` that hold all elements of `records`, where they are at most half
 * of it and the rest is large; else all of it.
 *
 * @param records tensors on `storage`
 */
export function neededBytes(
  storage: StorageRecord,
  records: readonly TensorRecord[],
): { begin: number; end: number } {
  const whole = { begin: 0, end: storage.byteLength }
  let [begin, end] = [storage.byteLength, 0]
  for (const { dtype, shape, strides, storageOffset } of records) {
    if (shape.includes(0)) continue
    const size = elementSize(dtype)
    const last = shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), storageOffset)
    begin = Math.min(begin, storageOffset * size)
    end = Math.max(end, (last + 1) * size)
  }
  if (end === 0) begin = 0
  // What reaches outside is refused where the whole storage is known.
  if (!(begin >= 0 && begin <= end && end <= storage.byteLength)) return whole
  begin -= begin % ALIGNMENT
  const saved = storage.byteLength - (end - begin)
  return saved >= MIN_SAVED && saved >= storage.byteLength / 2 ? { begin, end } : whole
}
