/** Making long, noisy series fit a picture. */
import type { Point } from './line_chart.js'

/** More points than this across a picture cannot be told apart. */
const RESOLUTION = 800

/**
 * The mean over a centred window of a sixtieth of the series, cut at its ends; gaps (values that are not finite) do not count.
 * Series of fewer than 120 points stay as they are.
 */
export function movingAverage(points: readonly Point[]): Point[] {
  const half = Math.floor(points.length / 120)
  const sums = [0]
  const counts = [0]
  points.forEach(([, y], i) => {
    const finite = Number.isFinite(y)
    sums.push((sums[i] as number) + (finite ? y : 0))
    counts.push((counts[i] as number) + (finite ? 1 : 0))
  })
  const smooth = points.map(([x], i): Point => {
    const [from, to] = [Math.max(0, i - half), Math.min(points.length, i + half + 1)]
    const count = (counts[to] as number) - (counts[from] as number)
    return [x, ((sums[to] as number) - (sums[from] as number)) / count]
  })
  return thin(smooth)
}

/** At most two points (lowest and highest, in order of x) of each of {@link RESOLUTION} stretches: keeps every peak. */
export function thin(points: readonly Point[]): Point[] {
  if (points.length <= 2 * RESOLUTION) return [...points]
  const result: Point[] = []
  for (let bucket = 0; bucket < RESOLUTION; bucket++) {
    const from = Math.floor((bucket * points.length) / RESOLUTION)
    const to = Math.floor(((bucket + 1) * points.length) / RESOLUTION)
    const stretch = points.slice(from, to).filter(([, y]) => Number.isFinite(y))
    if (stretch.length === 0) {
      result.push([(points[from] as Point)[0], Number.NaN])
      continue
    }
    const lowest = stretch.reduce((a, b) => (b[1] < a[1] ? b : a))
    const highest = stretch.reduce((a, b) => (b[1] > a[1] ? b : a))
    result.push(...(lowest[0] <= highest[0] ? [lowest, highest] : [highest, lowest]))
  }
  return result
}
