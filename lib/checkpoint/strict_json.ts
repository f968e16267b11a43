/**
 * JSON whose objects have no name twice. `JSON.parse` keeps the last of two equal names while other readers
 * keep the first: a file that means one thing here and another there must be refused.
 */

/** Files that are JSON have few levels, and deep text takes the parser far more memory than it has bytes. */
const MAX_DEPTH = 100

/**
 * @throws SyntaxError for what is not JSON, for a name that an object has twice, and for what is nested more
 * than 100 deep.
 */
export function parseStrictJson(text: string): unknown {
  checkDepth(text)
  const value: unknown = JSON.parse(text)
  const repeated = repeatedName(text)
  if (repeated !== null)
    throw new SyntaxError(`the name ${JSON.stringify(repeated)} occurs twice in an object`)
  return value
}

/** The first name that an object of `text`, which is valid JSON, has twice. */
function repeatedName(text: string): string | null {
  /** Names of each open object; null for an open array. */
  const open: (Set<string> | null)[] = []
  let begin = 0
  let end = 0
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '"':
        begin = i
        end = i = endOfString(text, i)
        break
      case '{':
        open.push(new Set())
        break
      case '[':
        open.push(null)
        break
      case '}':
      case ']':
        open.pop()
        break
      case ':': {
        // Behind a name, and nowhere else outside of strings. Two spellings may be one name.
        const name = JSON.parse(text.slice(begin, end + 1)) as string
        const names = open.at(-1)
        if (names?.has(name)) return name
        names?.add(name)
      }
    }
  }
  return null
}

function checkDepth(text: string): void {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') i = endOfString(text, i)
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > MAX_DEPTH) throw new SyntaxError(`it is nested more than ${MAX_DEPTH} deep`)
  }
}

/** Where the string that begins at `begin` has its closing quote. Not a pattern: one overflows on long strings. */
function endOfString(text: string, begin: number): number {
  let i = begin + 1
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i
}

/** An object of JSON: neither an array nor null. */
export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
