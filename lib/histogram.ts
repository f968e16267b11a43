/** Histograms: made of values, of counts, and merged. */

/** How many values lie in each of a row of buckets, as numpy.histogram and torch.histogram give it. */
export interface Histogram {
  /** Values in each bucket. */
  readonly counts: Float64Array
  /** The buckets' borders, rising; one more than there are counts. */
  readonly edges: Float64Array
}

/** `counts.length` buckets of equal width from `low` to `high`. */
export const evenHistogram = (counts: Float64Array, low: number, high: number): Histogram => ({
  counts,
  edges: Float64Array.from({ length: counts.length + 1 }, (_, i) => low + ((high - low) * i) / counts.length),
})

/**
 * Of whole numbers from 0 on: `counts[n]` times n. A bucket is as many numbers wide as it takes to have no more than
 * `buckets` of them, and begins with its lowest number.
 */
export function histogramOfCounts(counts: ArrayLike<number | bigint>, buckets: number): Histogram {
  const width = Math.max(1, Math.ceil(counts.length / buckets))
  const sums = new Float64Array(Math.ceil(counts.length / width))
  for (let n = 0; n < counts.length; n++) {
    const bucket = Math.floor(n / width)
    sums[bucket] = (sums[bucket] as number) + Number(counts[n])
  }
  return evenHistogram(sums, 0, sums.length * width)
}
