/** Settings as a table in Markdown, as TensorBoard's text page shows it. */
import { flatten } from '../table.js'

export function markdownTable(config: object): string {
  const rows = flatten(config).map(([name, value]) => `| ${escaped(name)} | ${escaped(value)} |`)
  return ['| setting | value |', '| --- | --- |', ...rows].join('\n')
}

/** A name of a file can hold anything; a cell ends at a bar and at the end of the line. */
const escaped = (text: string) =>
  text.replace(/[\\`*_{}[\]<>()#+!|~$&]/g, (character) => `\\${character}`).replace(/\s+/g, ' ')
