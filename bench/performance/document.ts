/** Tables inside a document that is written by hand. */
import { readFile, writeFile } from 'node:fs/promises'

/**
 * Puts `text` between the lines `<!-- bench: NAME -->` and `<!-- end of NAME -->` of a Markdown file.
 * @throws Error when the file has no such lines
 */
export async function intoDocument(path: string, name: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- bench: ${name} -->`, `<!-- end of ${name} -->`]
  const document = await readFile(path, 'utf8')
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${path} has no lines '${begin}' and '${end}'`)
  await writeFile(path, `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`)
}
