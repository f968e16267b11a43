/** Makes long columns of numbers short enough for a file, and for the eye. */

/** Steps in a row taken together. */
export interface Thinned {
  mean: (number | null)[]
  /** null where the extremes say nothing that the mean does not. */
  low: (number | null)[] | null
  high: (number | null)[] | null
}

/** Below this share of the column's whole range, a range within one point cannot be seen. */
const VISIBLE = 1 / 500
/** Significant digits that are kept. */
const DIGITS = 5

/**
 * Takes `width` values at a time together: their mean, lowest and highest. Values that are not finite do not count; null
 * where there are none.
 */
export function thinned(values: readonly number[], width: number): Thinned {
  const mean: (number | null)[] = []
  const low: (number | null)[] = []
  const high: (number | null)[] = []
  let [lowest, highest, widest] = [Infinity, -Infinity, 0]
  for (let from = 0; from < values.length; from += width) {
    let [sum, count, least, most] = [0, 0, Infinity, -Infinity]
    for (let i = from; i < Math.min(values.length, from + width); i++) {
      const value = values[i] as number
      if (!Number.isFinite(value)) continue
      sum += value
      count++
      if (value < least) least = value
      if (value > most) most = value
    }
    mean.push(count === 0 ? null : rounded(sum / count))
    low.push(count === 0 ? null : rounded(least))
    high.push(count === 0 ? null : rounded(most))
    if (count === 0) continue
    lowest = Math.min(lowest, least)
    highest = Math.max(highest, most)
    widest = Math.max(widest, most - least)
  }
  const visible = widest > (highest - lowest) * VISIBLE
  return visible ? { mean, low, high } : { mean, low: null, high: null }
}

/** The step in the middle of each `width` steps in a row. */
export function thinnedAxis(steps: readonly number[], width: number): number[] {
  const axis: number[] = []
  for (let from = 0; from < steps.length; from += width) {
    const to = Math.min(steps.length, from + width) - 1
    axis.push(Math.round(((steps[from] as number) + (steps[to] as number)) / 2))
  }
  return axis
}

/** With fewer digits: they take most of a report's bytes. */
export const rounded = (value: number): number | null =>
  Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null
