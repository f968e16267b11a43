/** Average precision: how well scores rank the images that have a class before those that do not. */

/**
 * The area under precision over recall, each step of recall with the precision at that place and without
 * interpolation (as scikit-learn's average_precision_score). Equal scores are one step, so the order of the
 * images plays no part.
 * @returns null when no image has the class
 */
export function averagePrecision(scores: readonly number[], actual: readonly boolean[]): number | null {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number))
  const positives = actual.filter(Boolean).length
  if (positives === 0) return null
  let area = 0
  let hits = 0
  for (let place = 0; place < order.length; ) {
    const score = scores[order[place] as number]
    const before = hits
    for (; place < order.length && scores[order[place] as number] === score; place++) {
      if (actual[order[place] as number]) hits++
    }
    area += ((hits - before) / positives) * (hits / place)
  }
  return area
}
