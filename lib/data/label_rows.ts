/** Labels as rows of CSV or TSV: what the columns are, and what each row says. */
import { BeitError } from '../errors.js'
import { type CsvRow, parseCsv } from './csv.js'
import type { LabelEntry } from './label_table.js'

/** What stands in the first cell of a header. */
const KEY_COLUMN = /^(key|id|name|img|path|(image|file)([ _]?(id|name|path|file))?)$/i
const ONE_CLASS = /^(label|class)$/i
const SEVERAL_CLASSES = /^(labels|classes)$/i
const BETWEEN_CLASSES = ';'

const HOW =
  'a row is KEY,CLASS under the header key,label or none; several classes of an image are KEY,CLASS;CLASS under ' +
  'the header key,labels, or a column of 0 and 1 for each class under the header key,CLASS,CLASS'

/** What a row says of its image. */
type Columns =
  | { kind: 'class' }
  | { kind: 'classes' }
  /** A column of 0 and 1 for each class. */
  | { kind: 'one-hot'; classes: readonly string[] }

/**
 * The entries of a table. Its header is `key,label` (one class an image, as without a header), `key,labels`
 * (classes with `;` between them), or `key,CLASS,CLASS` (0 or 1 for each class); for `key` also id, name, img,
 * image, file, filename, filepath, path and the like, for `label` also class.
 * @throws BeitError ERR_DATA naming the line: a row of other columns, an empty label
 */
export function* labelRows(path: string, text: string, separator: string): Generator<LabelEntry> {
  let columns: Columns | null = null
  for (const { cells, line } of parseCsv(path, text, separator)) {
    const row = { cells: trimmed(cells), line }
    if (row.cells.every((cell) => cell === '')) continue
    if (columns === null) {
      const header = headerOf(path, row)
      columns = header ?? { kind: 'class' }
      if (header !== null) continue
    }
    yield [row.cells[0], labelOf(path, columns, row), `line ${line}`]
  }
}

/** Cells without the space around them, and without empty ones behind the second. */
function trimmed(cells: readonly string[]): string[] {
  const plain = cells.map((cell) => cell.trim())
  while (plain.length > 2 && plain.at(-1) === '') plain.pop()
  return plain
}

/** null: the first row is that of an image. */
function headerOf(path: string, { cells, line }: CsvRow): Columns | null {
  const [key = '', ...names] = cells
  const isLabel = (name: string) => ONE_CLASS.test(name) || SEVERAL_CLASSES.test(name)
  if (!KEY_COLUMN.test(key)) {
    if (names.length !== 1 || !isLabel(names[0] as string) || /[./\\]/.test(key)) return null
    throw refuse(path, line, `a header that begins with ${JSON.stringify(key)}, expected key`)
  }
  if (names.some(isLabel)) {
    if (names.length === 1) return { kind: ONE_CLASS.test(names[0] as string) ? 'class' : 'classes' }
    const others = names.filter((name) => !isLabel(name)).map((name) => JSON.stringify(name))
    throw refuse(path, line, `columns that are no labels (${others.join(', ')}): leave them out`)
  }
  if (names.length >= 2 && names.every((name) => name !== '')) return { kind: 'one-hot', classes: names }
  throw refuse(path, line, 'a header without a column label')
}

function labelOf(path: string, columns: Columns, { cells, line }: CsvRow): unknown {
  const [key, ...values] = cells
  if (columns.kind === 'one-hot') return hotClasses(path, columns.classes, { cells, line })
  if (values.length > 1) throw refuse(path, line, `${cells.length} columns, expected 2`)
  const [label = ''] = values
  if (label === '') {
    throw new BeitError(
      'ERR_DATA',
      `${path}, line ${line}: no label for ${key}; give it one, or leave the row and its image out`,
    )
  }
  if (columns.kind === 'class') return label
  return label.split(BETWEEN_CLASSES).map((each) => each.trim())
}

function hotClasses(path: string, classes: readonly string[], { cells, line }: CsvRow): string[] {
  return classes.filter((name, column) => {
    const cell = cells[column + 1] ?? ''
    if (cell === '0' || cell === '1') return cell === '1'
    const what = `${JSON.stringify(cell)} in the column ${JSON.stringify(name)}, expected 0 or 1`
    throw refuse(path, line, what)
  })
}

const refuse = (path: string, line: number, what: string) =>
  new BeitError('ERR_DATA', `${path}, line ${line}: ${what}; ${HOW}`)
