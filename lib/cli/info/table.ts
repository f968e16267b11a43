/** Columns of text. */

/** Pads the cells of each column to one width; `right` lists the columns that end flush, as numbers do. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length)
    })
  }
  return rows.map((row) =>
    row
      .map((cell, i) =>
        right.includes(i) ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** {a: 1, b: {c: [2, 3]}} -> [['a', '1'], ['b.c', '2, 3']] */
export function flatten(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, item]): [string, string][] => {
    const name = prefix === '' ? key : `${prefix}.${key}`
    if (Array.isArray(item)) return [[name, item.join(', ')]]
    if (typeof item === 'object' && item !== null) return flatten(item, name)
    return [[name, String(item)]]
  })
}
