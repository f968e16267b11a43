/**
 * Long loops over lists of a million names, cut into slices so that timers and sockets are served in between.
 */
import { setImmediate as breathe } from 'node:timers/promises'

/** Items handled between two turns of the event loop: under 10 ms of sorting. */
const SLICE = 8192

/** Calls `visit(item, index)` for every item, letting the event loop turn now and then. */
export async function forEachCooperatively<T>(
  items: readonly T[],
  visit: (item: T, index: number) => void,
): Promise<void> {
  await countCooperatively(items.length, (index) => visit(items[index] as T, index))
}

/** Calls `visit` with 0 to `count` - 1, letting the event loop turn now and then. */
export async function countCooperatively(count: number, visit: (index: number) => void): Promise<void> {
  for (let start = 0; start < count; start += SLICE) {
    if (start > 0) await breathe()
    const end = Math.min(start + SLICE, count)
    for (let i = start; i < end; i++) visit(i)
  }
}

/** A copy of `names` in ascending order of UTF-16 code units: merge sort that lets the event loop turn. */
export async function sortCooperatively(names: readonly string[]): Promise<string[]> {
  let runs: string[][] = []
  for (let start = 0; start < names.length; start += SLICE) {
    runs.push(names.slice(start, start + SLICE).sort())
    await breathe()
  }
  while (runs.length > 1) {
    const longer: string[][] = []
    for (let i = 0; i < runs.length; i += 2) {
      const left = runs[i] as string[]
      const right = runs[i + 1]
      longer.push(right === undefined ? left : await merge(left, right))
    }
    runs = longer
  }
  return runs[0] ?? []
}

async function merge(left: string[], right: string[]): Promise<string[]> {
  const merged: string[] = []
  let l = 0
  let r = 0
  while (l < left.length && r < right.length) {
    const a = left[l] as string
    const b = right[r] as string
    if (a <= b) {
      merged.push(a)
      l++
    } else {
      merged.push(b)
      r++
    }
    if (merged.length % SLICE === 0) await breathe()
  }
  return merged.concat(left.slice(l), right.slice(r))
}
