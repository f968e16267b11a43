/** The escapes of strings in pickles of protocol 0. */
import { latin1, type PickleReader } from './pickle_reader.js'

/** A line in Python's 'raw-unicode-escape': Latin-1 with \uXXXX and \UXXXXXXXX. */
export function rawUnicodeEscape(line: Uint8Array, reader: PickleReader): string {
  return latin1(line).replace(
    // Only from the first of a run of backslashes: from each of them, a long run would take quadratic time.
    /(?<!\\)(\\+)(u[\da-fA-F]{4}|U[\da-fA-F]{8})/g,
    (whole: string, slashes: string, code: string) => {
      // An even number of backslashes stands for itself.
      if (slashes.length % 2 === 0) return whole
      return slashes.slice(1) + character(Number.parseInt(code.slice(1), 16), reader)
    },
  )
}

const ESCAPES: Record<string, string> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** A str of Python 2 as repr() wrote it, in quotes. */
export function pythonString(text: string, reader: PickleReader): string {
  const quote = text[0]
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) {
    reader.fail('a STRING is not in quotes')
  }
  return text.slice(1, -1).replace(/\\(x[\da-f]{2}|[0-7]{1,3}|.?)/gis, (_, code: string) => {
    if (code[0] === 'x' && code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 255)
    return ESCAPES[code] ?? reader.fail(`a STRING has the unknown escape \\${code}`)
  })
}

function character(code: number, reader: PickleReader): string {
  if (code > 0x10ffff) reader.fail(`\\U${code.toString(16)} is not a character`)
  return String.fromCodePoint(code)
}
