/** A small check that text is well-formed XML: elements nest, attributes are quoted and stand once, & is escaped. */
export function checkWellFormed(text: string): void {
  const open: string[] = []
  let rest = text
  while (rest !== '') {
    const content = /^[^<]+/.exec(rest)?.[0]
    if (content !== undefined) {
      if (/&(?!(amp|lt|gt|quot|#\d+);)/.test(content)) throw new Error(`bare & in '${content.slice(0, 60)}'`)
      if (open.length === 0 && content.trim() !== '') throw new Error(`text outside the root: ${content}`)
      rest = rest.slice(content.length)
      continue
    }
    const tag = /^<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/.exec(rest)
    if (tag === null) throw new Error(`no tag at '${rest.slice(0, 80)}'`)
    const [whole, closing, name, attributes, empty] = tag as unknown as [
      string,
      string,
      string,
      string,
      string,
    ]
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map((match) => match[1])
    if (new Set(names).size !== names.length) throw new Error(`an attribute twice in ${whole}`)
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes another element`)
    } else if (!empty) open.push(name)
    rest = rest.slice(whole.length)
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`)
}
