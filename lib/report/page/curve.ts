/** One curve on its way from numbers to a path: smoothed, cut to what is shown, one point a pixel. */
import type { Point } from '../../visualize/line_chart.js'
import type { Role, Series } from '../report_data.js'

export interface Curve {
  /** Curves of one key have one entry in the legend, and are hidden together. */
  key: string
  /** Of that entry. */
  legend: string
  /** What it is: the legend's name, or which of several curves of the entry. */
  name: string
  role: Role
  /** Smoothed as far as the reader wants. */
  noisy: boolean
  /** Class of its colour: 'training', or 'run-2'. */
  tone: string
  /** Drawn in dots: the colour is that of another run too. */
  dotted: boolean
  x: readonly number[]
  /** NaN is a gap. */
  y: readonly number[]
  low: readonly number[]
  high: readonly number[]
}

export function curveOf(
  series: Series,
  axis: readonly number[],
  look: Pick<Curve, 'key' | 'legend' | 'tone' | 'dotted'>,
): Curve {
  const y = numbers(series.y)
  return {
    ...look,
    name: series.name,
    role: series.role,
    noisy: series.noisy === true,
    x: series.x ?? axis,
    y,
    low: series.low === undefined ? y : numbers(series.low),
    high: series.high === undefined ? y : numbers(series.high),
  }
}

const numbers = (values: readonly (number | null)[]) => values.map((value) => value ?? Number.NaN)

/**
 * The moving average of TensorBoard: each value weighs 1 - `weight`, what came before `weight`, and the start is corrected
 * for having little before it. Gaps stay gaps, and do not count.
 */
export function smoothed(values: readonly number[], weight: number): readonly number[] {
  if (weight === 0) return values
  let [last, share] = [0, 1]
  return values.map((value) => {
    if (!Number.isFinite(value)) return Number.NaN
    last = last * weight + value * (1 - weight)
    share *= weight
    return last / (1 - share)
  })
}

/** Index of the point nearest to `step`, or with `before` of the last one not after it; -1 where there is none. */
export function nearest(x: readonly number[], step: number, before = false): number {
  let [from, to] = [0, x.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((x[middle] as number) <= step) from = middle + 1
    else to = middle
  }
  const left = from - 1
  if (before || from === x.length) return left
  if (left < 0) return from
  return step - (x[left] as number) <= (x[from] as number) - step ? left : from
}

/** Indices of the points inside of `domain`, and one more on each side, so that lines go on to the border. */
export function within(
  x: readonly number[],
  [low, high]: readonly [number, number],
): [from: number, to: number] {
  const first = nearest(x, low, true)
  return [Math.max(0, first), Math.min(x.length, nearest(x, high, true) + 2)]
}

/**
 * Points of a line with at most two a pixel: the lowest and the highest of those that fall on it, in the order of x.
 * @param pixel from a step to the drawing
 */
export function onePixelEach(
  x: readonly number[],
  low: readonly number[],
  high: readonly number[],
  [from, to]: readonly [number, number],
  pixel: (step: number) => number,
): Point[] {
  const points: Point[] = []
  let column = Number.NaN
  let [least, most, gap] = [Infinity, -Infinity, false]
  const flush = () => {
    if (least <= most) {
      points.push([column, most])
      if (most > least) points.push([column, least])
    }
    if (gap) points.push([column, Number.NaN])
    least = Infinity
    most = -Infinity
    gap = false
  }
  for (let i = from; i < to; i++) {
    const at = Math.round(pixel(x[i] as number))
    if (at !== column) {
      flush()
      column = at
    }
    const [bottom, top] = [low[i] as number, high[i] as number]
    if (!Number.isFinite(bottom) || !Number.isFinite(top)) {
      gap = true
      continue
    }
    least = Math.min(least, bottom)
    most = Math.max(most, top)
  }
  flush()
  return points
}

/** Lowest and highest of what should be seen, without the hundredth of the values at either end; null without any. */
export function usualRange(values: readonly number[]): [number, number] | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const cut = sorted.length < 50 ? 0 : Math.floor(sorted.length / 100)
  return [sorted[cut] as number, sorted[sorted.length - 1 - cut] as number]
}

/** The middle one of the finite values; NaN where there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
