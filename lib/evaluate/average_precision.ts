/** Average precision: how well scores rank the images that have a class before those that do not. */

/**
 * The area under precision over recall, each step of recall with the precision at that place and without
 * interpolation (as scikit-learn's average_precision_score). Equal scores are one step, so the order of the
 * images plays no part.
 * @param scores at least 0
 * @param actual 1: the image has the class; as many as scores
 * @returns null when no image has the class
 */
export function averagePrecision(scores: Float32Array, actual: Uint8Array): number | null {
  const positives = actual.reduce((sum, has) => sum + has, 0)
  if (positives === 0) return null
  // The bits of floats that are not negative are ordered as the floats are. With the target as the last bit one
  // sort of plain numbers does, which is many times faster than one of objects by a function.
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length)
  const keys = Float64Array.from(bits, (word, i) => 2 * word + (actual[i] as number)).sort()
  let area = 0
  let hits = 0
  for (let place = keys.length - 1; place >= 0; ) {
    const score = Math.floor((keys[place] as number) / 2)
    const before = hits
    for (; place >= 0 && Math.floor((keys[place] as number) / 2) === score; place--) {
      hits += (keys[place] as number) % 2
    }
    area += ((hits - before) / positives) * (hits / (keys.length - 1 - place))
  }
  return area
}
