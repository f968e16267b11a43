/** Columns of text, safe to print whatever the cells hold. */
import { printable } from './printable.js'
import { terminalWidth, wrap } from './wrap.js'

/** Pads the cells of each column to one width; `right` lists the columns that end flush, as numbers do. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const cells = rows.map((row) => row.map((cell) => printable(cell)))
  const widths = widthsOf(cells)
  return cells.map((row) =>
    row
      .map((cell, i) =>
        right.includes(i) ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number),
      )
      .join('  ')
      .trimEnd(),
  )
}

/** Names with their values, which go on below themselves where a line is too long. */
export function facts(rows: readonly (readonly [name: string, value: string])[], width = terminalWidth()) {
  const cells = rows.map(([name, value]) => [printable(name), printable(value, 2000)] as const)
  const [indent = 0] = widthsOf(cells)
  return cells.flatMap(([name, value]) =>
    wrap(value, width - indent - 2).map((line, i) =>
      `${(i === 0 ? name : '').padEnd(indent)}  ${line}`.trimEnd(),
    ),
  )
}

/** A heading with facts below it; nothing where there are none. */
export function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  return rows.length === 0 ? [] : ['', title, ...indented(facts(rows, terminalWidth() - 2))]
}

export const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`)

/** {a: 1, b: {c: [2, 3]}} -> [['a', '1'], ['b.c', '2, 3']] */
export function flatten(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, item]): [string, string][] => {
    const name = prefix === '' ? key : `${prefix}.${key}`
    if (Array.isArray(item)) return [[name, item.map(inShort).join(', ')]]
    if (typeof item === 'object' && item !== null) return flatten(item, name)
    return [[name, String(item)]]
  })
}

const inShort = (item: unknown) =>
  typeof item === 'object' && item !== null ? JSON.stringify(item) : String(item)

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length)
    })
  }
  return widths
}
