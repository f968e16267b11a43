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
  // Strings whole, so that nothing inside one is taken for structure; a name is a string before a colon.
  for (const [token, , colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(null)
    else if (token === '}' || token === ']') open.pop()
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, token.length - colon.length)) as string
      const names = open.at(-1)
      if (names?.has(name)) return name
      names?.add(name)
    }
  }
  return null
}

function checkDepth(text: string): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (inString) {
      if (character === '\\') i++
      else inString = character !== '"'
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > MAX_DEPTH) throw new SyntaxError(`it is nested more than ${MAX_DEPTH} deep`)
  }
}
