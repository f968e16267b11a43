/** Are drawn numbers distributed as they should be? */
import { ok } from 'uvu/assert'

/**
 * Pearson's chi-square of counts against the shares that are expected; bins should expect 5 or more each.
 * Seeds are fixed, so a test passes always or never.
 */
export function assertShares(counts: readonly number[], shares: readonly number[], what: string): void {
  const draws = counts.reduce((sum, count) => sum + count, 0)
  const statistic = counts.reduce((sum, count, i) => {
    const expected = draws * (shares[i] as number)
    return sum + (count - expected) ** 2 / expected
  }, 0)
  const freedom = counts.length - 1
  // The 99.9 % point of chi-square is below this.
  const limit = freedom + 3.3 * Math.sqrt(2 * freedom) + 6
  ok(statistic < limit, `${what}: chi-square ${statistic} of ${freedom} degrees of freedom, ${counts}`)
}

/** Every bin alike. */
export const assertEven = (counts: readonly number[], what: string) =>
  assertShares(
    counts,
    counts.map(() => 1 / counts.length),
    what,
  )

/** How many of `values` in [0, 1] lie in each of `bins` bins of the same width. */
export function histogram(values: readonly number[], bins: number): number[] {
  const counts = new Array<number>(bins).fill(0)
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.floor(value * bins))
    counts[bin] = (counts[bin] as number) + 1
  }
  return counts
}

/** Mean and variance. */
export function moments(values: ArrayLike<number>): { mean: number; variance: number } {
  let sum = 0
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    sum += values[i] as number
    squares += (values[i] as number) ** 2
  }
  const mean = sum / values.length
  return { mean, variance: squares / values.length - mean ** 2 }
}
