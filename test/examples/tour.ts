/** What docs/tour.md shows of an example, and how it is compared with what the example prints. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../support/paths.js'

/** The output that the tour shows below the command of an example. */
export function shown(name: string): string {
  const tour = readFileSync(join(packageRoot, 'docs', 'tour.md'), 'utf8')
  const block = new RegExp(
    `node dist/examples/${name}\\.js[^\\n]*\\n\`\`\`\\n+\`\`\`\\n(.*?)\`\`\``,
    's',
  ).exec(tour)
  if (block === null) throw new Error(`docs/tour.md has no output of ${name}`)
  return block[1] as string
}

/** Its lines, each once, whatever their numbers: those follow from the processor and the number of epochs. */
export const lines = (output: string) => [
  ...new Set(
    output
      .split('\n')
      .map((line) =>
        line
          .replace(/-?\b[\da-f]*\d[\da-f.,e+-]*/g, '#')
          .replace(/\s+/g, ' ')
          .trim(),
      )
      .map((line) => line.replace(/#( #)*/g, '#'))
      .filter((line) => line !== ''),
  ),
]
