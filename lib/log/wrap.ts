/** Lines of a width. */

/** Breaks `text` between words; a word that is longer than `width` has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Columns of the terminal, at least 80; Infinity where the output goes elsewhere, as to `grep`. */
export const terminalWidth = () => Math.max(80, process.stdout.columns ?? Infinity)
