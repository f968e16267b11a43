/**
 * JSON whose objects have no name twice. `JSON.parse` keeps the last of two equal names while other readers
 * keep the first: a file that means one thing here and another there must be refused.
 */

/**
 * @throws SyntaxError for what is not JSON, and for a name that an object has twice.
 */
export function parseStrictJson(text: string): unknown {
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
