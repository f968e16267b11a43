/** Items in rows of a sheet. */

/** `items` in pieces of `length`, the last of which may be shorter. */
export function inRows<T>(items: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, i) =>
    items.slice(i * length, (i + 1) * length),
  )
}
