/** A logarithmic scale, beside the linear one that all pictures have. */
import type { Scale } from '../../visualize/scale.js'

/**
 * @param domain smallest and largest value, both above 0
 * @param range where they go, in drawing units
 * @param count about how many ticks
 */
export function logScale(
  [low, high]: readonly [number, number],
  range: readonly [number, number],
  count: number,
): Scale {
  // A domain of one value has no width.
  const [from, to] =
    low < high ? [Math.log10(low), Math.log10(high)] : [Math.log10(low) - 0.5, Math.log10(low) + 0.5]
  const map = (value: number) => range[0] + ((Math.log10(value) - from) / (to - from)) * (range[1] - range[0])
  return Object.assign(map, { ticks: ticksOf(from, to, count), format: tickText })
}

/** Powers of ten with as many numbers between them as there is room for. */
function ticksOf(from: number, to: number, count: number): number[] {
  for (const factors of [[1, 1.5, 2, 3, 4, 5, 6, 8], [1, 2, 3, 5], [1, 2, 5], [1, 3], [1]]) {
    const ticks: number[] = []
    for (let power = Math.floor(from); power <= Math.ceil(to); power++) {
      for (const factor of factors) {
        const exponent = power + Math.log10(factor)
        if (exponent >= from - 1e-9 && exponent <= to + 1e-9) ticks.push(Number(`${factor}e${power}`))
      }
    }
    if (ticks.length <= count + 1) return ticks.length >= 2 ? ticks : [10 ** from, 10 ** to]
  }
  const every = Math.ceil((Math.ceil(to) - Math.floor(from)) / count)
  const powers = Array.from({ length: count + 1 }, (_, i) => Math.ceil(from) + i * every)
  return powers.filter((power) => power <= to).map((power) => Number(`1e${power}`))
}

function tickText(tick: number): string {
  if (tick >= 1e5 || tick < 1e-3) return tick.toExponential(1).replace('.0e', 'e').replace('e+', 'e')
  return String(Number(tick.toPrecision(3)))
}
