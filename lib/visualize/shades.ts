/** A number from 0 to 1 as a colour: a ramp of one direction of lightness, so that it can be read without colour vision. */

type Rgb = readonly [number, number, number]

/** From white to dark blue. */
const STOPS: readonly Rgb[] = [
  [246, 249, 254],
  [169, 201, 247],
  [82, 140, 230],
  [31, 79, 166],
  [14, 40, 86],
]

/** From black over red and orange to pale yellow: glows over a dark image. */
const GLOW: readonly Rgb[] = [
  [8, 6, 20],
  [96, 18, 78],
  [205, 60, 46],
  [249, 150, 30],
  [252, 250, 180],
]

/** Pale to dark for 0 to 1; values outside are taken as the ends. */
export const ramp = (value: number): Rgb => between(STOPS, value)

/** Dark to bright for 0 to 1; values outside are taken as the ends. */
export const glow = (value: number): Rgb => between(GLOW, value)

function between(stops: readonly Rgb[], value: number): Rgb {
  const place = Math.min(1, Math.max(0, value)) * (stops.length - 1)
  const below = Math.min(stops.length - 2, Math.floor(place))
  const [from, to] = [stops[below] as Rgb, stops[below + 1] as Rgb]
  const channel = (i: 0 | 1 | 2) => Math.round(from[i] + (to[i] - from[i]) * (place - below))
  return [channel(0), channel(1), channel(2)]
}
