/** A confusion matrix as text. */
import { columns } from '../cli/info/table.js'
import { type Confusion, checkConfusion, mistakes, recalls, sum } from '../evaluate/confusion.js'
import { counted, grouped, percent } from './format.js'

/** Classes whose matrix fits on a terminal. */
const MOST_COLUMNS = 12
const MISTAKES = 20

/**
 * Lines of a table: up to 12 classes the whole matrix, true classes in rows, predicted ones in columns; of
 * more, the mistakes that were made most.
 * @example
 * console.log(confusionTable(evaluation.confusion, model.labels).join('\n'))
 */
export function confusionTable(confusion: Confusion, classes: readonly string[]): string[] {
  checkConfusion(confusion, classes)
  return classes.length <= MOST_COLUMNS ? matrix(confusion, classes) : worst(confusion, classes)
}

function matrix(confusion: Confusion, classes: readonly string[]): string[] {
  const header = ['true \\ predicted', ...classes.map((name) => clipped(name, 10)), 'right']
  const shares = recalls(confusion)
  const rows = confusion.map((row, id) => {
    const share = shares[id]
    return [
      clipped(classes[id] as string, 24),
      ...row.map((count) => (count === 0 ? '.' : grouped(count))),
      share === null || share === undefined ? '-' : percent(share),
    ]
  })
  return columns(
    [header, ...rows],
    header.map((_, i) => i).filter((i) => i > 0),
  )
}

function worst(confusion: Confusion, classes: readonly string[]): string[] {
  const all = mistakes(confusion, classes)
  const total = sum(all.map(({ count }) => count))
  const title = `${counted(total, 'mistake')} of ${all.length} kinds among ${classes.length} classes`
  if (all.length === 0) return [title]
  const rows = all
    .slice(0, MISTAKES)
    .map(({ actual, predicted, count, share }) => [actual, predicted, grouped(count), percent(share)])
  return [title, ...columns([['true', 'predicted', 'images', 'of the class'], ...rows], [2, 3])]
}

/** "automob..." */
export const clipped = (text: string, longest: number) =>
  text.length <= longest ? text : `${text.slice(0, longest - 3)}...`
