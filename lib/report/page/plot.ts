/** What one panel shows at one size: its scales, and the paths of its curves. Knows no document. */
import type { Point } from '../../visualize/line_chart.js'
import { linearScale, type Scale } from '../../visualize/scale.js'
import { pathData } from '../../visualize/svg.js'
import { type Curve, median, onePixelEach, smoothed, usualRange, within } from './curve.js'
import { logScale } from './log_scale.js'

export interface PlotSettings {
  width: number
  height: number
  /** Steps that are shown. */
  domain: readonly [number, number]
  smoothing: number
  logarithmic: boolean
  /** The vertical axis begins here or lower. */
  low: number | null
}

export interface Plot {
  x: Scale
  y: Scale
  /** Where the axes lie. */
  frame: { left: number; right: number; top: number; bottom: number }
  curves: DrawnCurve[]
}

export interface DrawnCurve {
  curve: Curve
  /** Smoothed, where that is for this curve. */
  values: readonly number[]
  path: string
  /** All that the steps of a point had, where the path shows less; else empty. */
  faint: string
  /** Points to mark. */
  dots: Point[]
}

/** On the right half a number of the axis has room. */
const MARGIN = { left: 52, right: 18, top: 10, bottom: 26 }
/** Dots closer than this, in pixels, hide the line. */
const DOT_DISTANCE = 7

export function plot(curves: readonly Curve[], settings: PlotSettings): Plot {
  const { width, height, domain, smoothing, logarithmic } = settings
  const frame = {
    left: MARGIN.left,
    right: width - MARGIN.right,
    top: MARGIN.top,
    bottom: height - MARGIN.bottom,
  }
  const x = linearScale(domain, [frame.left, frame.right], Math.max(2, Math.floor(width / 90)), false, 1)
  const drawn = curves.map((curve) => ({
    curve,
    values: curve.noisy ? smoothed(curve.y, smoothing) : curve.y,
    part: within(curve.x, domain),
  }))
  const y = verticalScale(drawn, settings, [frame.bottom, frame.top])
  // What a logarithmic scale has no place for is a gap.
  const place = (points: readonly Point[]) =>
    points.map(([px, value]): Point => [px, logarithmic && value <= 0 ? Number.NaN : y(value)])
  return {
    x,
    y,
    frame,
    curves: drawn.map(({ curve, values, part }) => {
      const line = onePixelEach(curve.x, values, values, part, x)
      const raw =
        values === curve.y && curve.low === curve.y
          ? []
          : onePixelEach(curve.x, curve.low, curve.high, part, x)
      const points = place(line)
      const marked = curve.role === 'evaluation' && points.length * DOT_DISTANCE <= frame.right - frame.left
      return {
        curve,
        values,
        path: pathData(points),
        faint: pathData(place(raw)),
        dots: points.filter(([, py], i) => Number.isFinite(py) && (marked || isAlone(points, i))),
      }
    }),
  }
}

/** Between gaps, or the only one: a line through it would have no length. */
const isAlone = (points: readonly Point[], i: number) =>
  !Number.isFinite(points[i - 1]?.[1] ?? Number.NaN) && !Number.isFinite(points[i + 1]?.[1] ?? Number.NaN)

interface Visible {
  curve: Curve
  values: readonly number[]
  part: readonly [number, number]
}

function verticalScale(
  drawn: readonly Visible[],
  settings: PlotSettings,
  range: readonly [number, number],
): Scale {
  const { height, low, logarithmic } = settings
  const fits = (value: number) => Number.isFinite(value) && (!logarithmic || value > 0)
  let [least, most] = [Infinity, -Infinity]
  for (const { curve, values, part } of drawn) {
    const seen = values.slice(...part).filter(fits)
    // Of noise, one value far out must not flatten the rest; what is smoothed or has none is seen whole.
    const usual = [
      ...(usualRange(curve.y.slice(...part).filter(fits)) ?? []),
      // Where a point stands for several steps, what most of them span.
      ...(curve.low === curve.y ? [] : [median(curve.low.slice(...part)), median(curve.high.slice(...part))]),
    ].filter(fits)
    for (const value of curve.noisy && values === curve.y ? usual : [...seen, ...usual]) {
      least = Math.min(least, value)
      most = Math.max(most, value)
    }
  }
  const count = Math.max(2, Math.round(height / 45))
  if (least > most) return linearScale([0, 1], range, count)
  if (logarithmic) return logScale([least, most], range, count)
  return linearScale([Math.min(least, low ?? least), Math.max(most, low ?? most)], range, count)
}
