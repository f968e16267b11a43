/**
 * Text of unknown origin made fit to print. A name in a checkpoint can be anything: a sequence that a terminal
 * obeys, characters that turn the direction of writing, a line that looks like one of ours.
 */

/** Longer than any name that means something. */
const LONGEST = 200

/** Control characters, invisible ones (formats, bidirectional overrides), line separators, half surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** 'a\x1b[31m' with the escape character written out, and cut after `longest` characters. */
export function printable(text: string, longest = LONGEST): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}... (${text.length} characters)` : text
  return cut.replace(UNPRINTABLE, escaped)
}

/** Prints lines to standard output; what is not printable in them is written out. */
export function print(lines: readonly string[]): void {
  console.log(lines.map((line) => printable(line, Infinity)).join('\n'))
}

/** Prints a value as JSON that any terminal can show. */
export function printJson(value: unknown): void {
  // JSON itself escapes control characters up to 0x1f; its line feeds are those between its parts.
  const text = JSON.stringify(value, null, isDeep(value) ? 0 : 2)
  console.log(text.replace(UNPRINTABLE, (character) => (character === '\n' ? '\n' : jsonEscaped(character))))
}

/** Prints values as lines of JSON, in the same way. */
export function printJsonLines(values: readonly unknown[]): void {
  console.log(values.map((value) => JSON.stringify(value).replace(UNPRINTABLE, jsonEscaped)).join('\n'))
}

/** Indented, each of many values at the bottom would take as much text as it is deep. */
const MAX_INDENTED = 32

function isDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth >= MAX_INDENTED || Object.values(value).some((part) => isDeep(part, depth + 1))
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(character: string): string {
  const short = SHORT[character]
  if (short !== undefined) return short
  const code = (character.codePointAt(0) as number).toString(16)
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`
}

function jsonEscaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}
