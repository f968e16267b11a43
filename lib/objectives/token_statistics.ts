/**
 * What the counts of visual tokens tell: is the codebook used, and what would a guess score?
 */

/**
 * Perplexity of the tokens: e to the entropy of their distribution. From 1 (always the same token) to the
 * size of the vocabulary (all equally often); 0 when nothing was counted.
 * @param counts how often each token was chosen
 */
export function perplexity(counts: BigInt64Array): number {
  const total = sum(counts)
  if (total === 0) return 0
  let entropy = 0
  for (const count of counts) {
    const share = Number(count) / total
    if (share > 0) entropy -= share * Math.log(share)
  }
  return Math.exp(entropy)
}

/** Share of the codebook that was chosen at least once, 0 to 1. The rest are dead codes. */
export function usage(counts: BigInt64Array): number {
  let used = 0
  for (const count of counts) if (count > 0n) used++
  return used / counts.length
}

/** Share of the most frequent token: the accuracy of always answering it. 0 when nothing was counted. */
export function mostFrequentShare(counts: BigInt64Array): number {
  let most = 0n
  for (const count of counts) if (count > most) most = count
  const total = sum(counts)
  return total === 0 ? 0 : Number(most) / total
}

function sum(counts: BigInt64Array): number {
  let total = 0
  for (const count of counts) total += Number(count)
  return total
}
