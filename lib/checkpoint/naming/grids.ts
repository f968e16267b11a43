/** Which grids of patches have so many positions, and a relative position table of so many rows. */

/** Rows for the pairs with the class token, beside (2 rows - 1) (2 columns - 1) offsets of patches. */
const CLASS_ROWS = 3

/**
 * All [rows, columns] that fit, the nearest to a square first.
 *
 * @param positions rows * columns; null: not known
 * @param tableRows (2 rows - 1) (2 columns - 1) + 3; null: not known. One of the two must be known.
 */
export function gridsOf(positions: number | null, tableRows: number | null): [number, number][] {
  const product = tableRows === null ? (positions as number) : tableRows - CLASS_ROWS
  const sides = factorPairs(product).flatMap(([a, b]): [number, number][] => {
    if (tableRows === null) return [[a, b]]
    return a % 2 === 1 && b % 2 === 1 ? [[(a + 1) / 2, (b + 1) / 2]] : []
  })
  const fitting = sides.filter(([a, b]) => positions === null || a * b === positions)
  return fitting.flatMap(([a, b]): [number, number][] =>
    a === b
      ? [[a, b]]
      : [
          [a, b],
          [b, a],
        ],
  )
}

/** No image has more patches along both sides together; a file that says so is not asked further. */
const MOST = 1e9

/** a * b = product with a <= b, the nearest first. */
function factorPairs(product: number): [number, number][] {
  const pairs: [number, number][] = []
  if (product > MOST) return pairs
  for (let a = Math.floor(Math.sqrt(product)); a >= 1; a--)
    if (product % a === 0) pairs.push([a, product / a])
  return pairs
}
