/** Files of labels, and labels given as data: JSON, JSON lines, CSV. */
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { isJsonObject, parseStrictJson } from '../checkpoint/strict_json.js'
import { BeitError, invalidArgument } from '../errors.js'
import { LARGEST_LABEL } from './index_shard.js'
import { labelRows } from './label_rows.js'
import type { LabelEntry, LabelTable, LabelValue, WrittenTarget } from './label_table.js'

/** Entries between two turns of the event loop: some 10 ms of parsing. */
const SLICE = 1024

/**
 * The labels of a file, by its extension, or those given as data.
 *
 * - `.json`: an object `{ "KEY": label }`
 * - `.jsonl`, `.ndjson`: a line an image, `{ "key": KEY, "label": label }`
 * - `.csv`, `.tsv`: a row an image, the key and then its class. Under the header `key,labels` the second cell
 *   has several classes, `;` between them; under `key,CLASS,CLASS` each class has a cell of 0 or 1. The first
 *   cell of a header is key, id, image, file, filename, filepath, path or the like.
 *
 * A label is a class (its name, or its id as a number), a list of classes, or `{ class: weight }`. Where only
 * text can be written (CSV, the classes of weights) digits are an id if no class has a name of digits. Lines and
 * rows are read with turns of the event loop between them, an object of JSON in one go.
 *
 * @throws BeitError ERR_DATA naming the file and the entry; ERR_INVALID_ARGUMENT for what is no path or data
 */
export async function readLabels(labels: string | Readonly<Record<string, unknown>>): Promise<LabelTable> {
  if (isJsonObject(labels)) return tableOf('labels', Object.entries(labels).map(entryOf))
  if (typeof labels !== 'string' || labels === '') {
    throw invalidArgument('labels', 'the path of a labels file, or an object of key to label', labels)
  }
  const parse = PARSERS[extname(labels).toLowerCase()]
  if (parse === undefined) {
    throw new BeitError(
      'ERR_DATA',
      `${labels}: its extension tells no format of labels; expected ${Object.keys(PARSERS).join(', ')}`,
    )
  }
  const text = await readFile(labels, 'utf8').catch((cause: Error) => {
    throw new BeitError('ERR_DATA', `cannot read the labels file ${labels}: ${cause.message}`, { cause })
  })
  const textAlone = parse !== jsonEntries && parse !== jsonLineEntries
  return tableOf(labels, parse(labels, text.replace(/^\uFEFF/, '')), textAlone)
}

const PARSERS: Readonly<Record<string, (path: string, text: string) => Iterable<LabelEntry>>> = {
  '.json': jsonEntries,
  '.jsonl': jsonLineEntries,
  '.ndjson': jsonLineEntries,
  '.csv': (path, text) => labelRows(path, text, ','),
  '.tsv': (path, text) => labelRows(path, text, '\t'),
}

const entryOf = ([key, value]: [string, unknown]) => [key, value, `the entry ${JSON.stringify(key)}`] as const

function jsonEntries(path: string, text: string): LabelEntry[] {
  const value = parse(path, text)
  if (!isJsonObject(value)) throw new BeitError('ERR_DATA', `${path} is not an object of key to label`)
  return Object.entries(value).map(entryOf)
}

function* jsonLineEntries(path: string, text: string): Generator<LabelEntry> {
  let number = 0
  for (let end = -1, begin = 0; begin < text.length; begin = end + 1) {
    end = text.indexOf('\n', begin)
    if (end < 0) end = text.length
    number++
    const line = text.slice(begin, end)
    if (line.trim() === '') continue
    const where = `line ${number}`
    const value = parse(`${path}, ${where}`, line)
    if (!isJsonObject(value) || !('key' in value && 'label' in value)) {
      throw new BeitError(
        'ERR_DATA',
        `${path}, ${where}: expected { "key": ..., "label": ... }, got ${line.slice(0, 80)}`,
      )
    }
    yield [value.key, value.label, where]
  }
}

function parse(where: string, text: string): unknown {
  try {
    return parseStrictJson(text)
  } catch (cause) {
    throw new BeitError('ERR_DATA', `${where} is not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** @param textAlone a text has no numbers: where all classes are digits, they are ids */
async function tableOf(name: string, entries: Iterable<LabelEntry>, textAlone = false): Promise<LabelTable> {
  const byKey = new Map<string, WrittenTarget>()
  const names = new Set<string>()
  let largest = -1
  const note = (label: LabelValue) => {
    if (typeof label === 'string') names.add(label)
    else largest = Math.max(largest, label)
  }
  let read = 0
  for (const [key, value, where] of entries) {
    if (++read % SLICE === 0) await breathe()
    if (typeof key !== 'string' || key === '') {
      throw new BeitError(
        'ERR_DATA',
        `${name}, ${where}: the key of an image must be a text that is not empty`,
      )
    }
    if (!isWrittenTarget(value)) {
      const expected = 'a class (name, or id of at least 0), a list of them, or { class: weight }'
      const got = JSON.stringify(value)?.slice(0, 80)
      throw new BeitError(
        'ERR_DATA',
        `${name}, ${where}: the label of ${key} must be ${expected}, got ${got}`,
      )
    }
    const plain = withoutDot(key)
    if (byKey.has(plain)) throw new BeitError('ERR_DATA', `${name}, ${where}: a second label for ${key}`)
    byKey.set(plain, value)
    for (const label of labelsIn(value)) note(label)
  }
  if (byKey.size === 0) throw new BeitError('ERR_DATA', `${name} holds no labels`)
  const areIds =
    (textAlone && [...names].every((label) => /^\d{1,6}$/.test(label))) || (names.size === 0 && largest >= 0)
  return {
    name,
    // Asked for only where nobody gives the classes: then names and ids may be mixed.
    get names() {
      if (areIds) return numbered([...names].reduce((last, label) => Math.max(last, Number(label)), largest))
      return namesOf(name, [...names], largest)
    },
    classesAreIds: areIds,
    digitsAreIds: textAlone,
    get: (_index, { key }) => byKey.get(key) ?? byKey.get(key.slice(0, -extname(key).length || undefined)),
  }
}

const withoutDot = (key: string) => (key.startsWith('./') ? key.slice(2) : key)

function labelsIn(written: WrittenTarget): readonly LabelValue[] {
  if (typeof written !== 'object') return [written]
  return Array.isArray(written) ? written : Object.keys(written)
}

/** The sorted names. */
function namesOf(table: string, names: readonly string[], largest: number): string[] {
  if (largest < 0) return [...names].sort()
  const example = JSON.stringify(names[0])
  throw new BeitError(
    'ERR_DATA',
    `${table} mixes names (${example}) and ids (${largest}): use one of them, or give classes`,
  )
}

/** Ids make the classes '0' to the largest. */
const numbered = (last: number) => Array.from({ length: last + 1 }, (_, id) => String(id))

function isWrittenTarget(value: unknown): value is WrittenTarget {
  if (Array.isArray(value)) return value.every(isLabelValue)
  if (isJsonObject(value)) {
    return Object.values(value).every((weight) => typeof weight === 'number' && Number.isFinite(weight))
  }
  return isLabelValue(value)
}

const isLabelValue = (value: unknown) =>
  (typeof value === 'string' && value !== '') ||
  (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_LABEL)
