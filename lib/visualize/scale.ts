/** From data to drawing units: linear scales, round ticks, short numbers. */

/** A linear map from data to drawing units. */
export interface Scale {
  (value: number): number
  readonly ticks: readonly number[]
  /** The text of a tick, with as many decimals as the ticks need. */
  readonly format: (tick: number) => string
}

/**
 * A scale whose domain is widened to round numbers.
 * @param domain smallest and largest value; equal ones are spread apart
 * @param range where they go, in drawing units
 * @param count about how many ticks
 * @param least ticks are no closer than this: 1 for what is counted
 */
export function linearScale(
  domain: readonly [number, number],
  range: readonly [number, number],
  count: number,
  widen = true,
  least = 0,
): Scale {
  const [low, high] = spread(domain)
  const step = Math.max(least, roundStep((high - low) / count))
  const first = widen ? Math.floor(low / step + 1e-9) : Math.ceil(low / step - 1e-9)
  const last = widen ? Math.ceil(high / step - 1e-9) : Math.floor(high / step + 1e-9)
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
  const from = widen ? first * step : low
  const to = widen ? last * step : high
  const map = (value: number) => range[0] + ((value - from) / (to - from)) * (range[1] - range[0])
  return Object.assign(map, { ticks, format: (tick: number) => tickText(tick, step) })
}

function spread([low, high]: readonly [number, number]): [number, number] {
  const around = Math.max(Math.abs(low), Math.abs(high)) || 1
  // What rounding has made of one value is one value.
  if (high - low > around * 1e-9) return [low, high]
  return [low - around / 2, low + around / 2]
}

/** The smallest of 1, 2, 5 times a power of ten that is not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= step * (1 - 1e-9)) as number
  return factor * power
}

function tickText(tick: number, step: number): string {
  if (Math.abs(tick) < step / 2) return '0'
  if (step >= 1e6) return `${trim(tick / 1e6, 3)}M`
  if (step >= 1000) return `${trim(tick / 1000, 3)}k`
  // Three digits of what may have more would make neighbours equal.
  if (step < 1e-4 && Math.abs(tick) < 100 * step) return trimExponent(tick.toExponential(2))
  return tick.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
}

const trim = (value: number, decimals: number) => String(Number(value.toFixed(decimals)))
const trimExponent = (text: string) => text.replace(/\.?0+e/, 'e')
