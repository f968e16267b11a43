/** Comma-separated values as RFC 4180 has them: quotes around a cell, two for one inside it. */
import { BeitError } from '../errors.js'

/** One row, and the line it begins on, from 1. */
export interface CsvRow {
  cells: string[]
  line: number
}

/**
 * The rows of `text`; lines end with LF or CRLF. Empty lines are passed over.
 * @throws BeitError ERR_DATA naming the line of a quote that does not end, or text behind one
 */
export function* parseCsv(path: string, text: string, separator: string): Generator<CsvRow> {
  let line = 1
  let at = 0
  while (at < text.length) {
    const row: CsvRow = { cells: [], line }
    for (;;) {
      let cell: string
      if (text[at] === '"') {
        const end = endOfQuote(text, at)
        if (end < 0) throw new BeitError('ERR_DATA', `${path}, line ${line}: a quote without an end`)
        const quoted = text.slice(at + 1, end)
        cell = quoted.replaceAll('""', '"')
        line += quoted.split('\n').length - 1
        at = end + 1
      } else {
        const begin = at
        while (at < text.length && text[at] !== separator && text[at] !== '\n') at++
        cell = text.slice(begin, at)
        if (text[at] !== separator && cell.endsWith('\r')) cell = cell.slice(0, -1)
      }
      row.cells.push(cell)
      if (text[at] === separator) {
        at++
        continue
      }
      if (text[at] === '\r' && text[at + 1] === '\n') at++
      if (at < text.length && text[at] !== '\n') {
        throw new BeitError('ERR_DATA', `${path}, line ${line}: text behind the end of a quote`)
      }
      at++
      break
    }
    line++
    if (row.cells.length > 1 || row.cells[0] !== '') yield row
  }
}

/** Where the quote that begins at `begin` ends; -1: nowhere. */
function endOfQuote(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end >= 0; end = text.indexOf('"', end + 2)) {
    if (text[end + 1] !== '"') return end
  }
  return -1
}
