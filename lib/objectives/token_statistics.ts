/**
 * What the counts of visual tokens tell: is the codebook used, and what would a guess score?
 */

/** How often each token was chosen. */
export type TokenCounts = ArrayLike<number | bigint>

/**
 * Perplexity of the tokens: e to the entropy of their distribution. From 1 (always the same token) to the
 * size of the vocabulary (all equally often); 0 when nothing was counted.
 * @example
 * perplexity([5, 5, 0, 0]) // 2
 */
export function perplexity(counts: TokenCounts): number {
  const total = sum(counts)
  if (total === 0) return 0
  let entropy = 0
  for (let token = 0; token < counts.length; token++) {
    const share = Number(counts[token]) / total
    if (share > 0) entropy -= share * Math.log(share)
  }
  return Math.exp(entropy)
}

/**
 * Share of the codebook that was chosen at least once, 0 to 1. The rest are dead codes.
 *
 * @example
 * usage([6, 2, 2, 0]) // 0.75
 */
export function usage(counts: TokenCounts): number {
  return usedCodes(counts) / counts.length
}

/** Number of codes that were chosen at least once. */
export function usedCodes(counts: TokenCounts): number {
  let used = 0
  for (let token = 0; token < counts.length; token++) if (Number(counts[token]) > 0) used++
  return used
}

/**
 * Share of the most frequent token: the accuracy of always answering it. 0 when nothing was counted.
 *
 * @example
 * mostFrequentShare([6, 2, 2, 0]) // 0.6
 */
export function mostFrequentShare(counts: TokenCounts): number {
  let most = 0
  for (let token = 0; token < counts.length; token++) most = Math.max(most, Number(counts[token]))
  const total = sum(counts)
  return total === 0 ? 0 : most / total
}

/** By index: an iterator over 8192 BigInts takes forty times as long. */
function sum(counts: TokenCounts): number {
  let total = 0
  for (let token = 0; token < counts.length; token++) total += Number(counts[token])
  return total
}
