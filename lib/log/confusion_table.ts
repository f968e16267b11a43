/** The confusions of an evaluation as text. */

import { confusionMatrix } from '../evaluate/classification_evaluation.js'
import { type Confused, confusionSummary, mistakes } from '../evaluate/mistakes.js'
import { clipped, counted, grouped, percent } from './format.js'
import { columns } from './table.js'

/** Classes whose matrix fits on a terminal. */
const MOST_COLUMNS = 12
const MISTAKES = 20

/**
 * Lines of a table: up to 12 classes the whole matrix, true classes in rows, predicted ones in columns; of
 * more, the mistakes that were made most.
 * @throws BeitError ERR_INVALID_ARGUMENT for an evaluation of images with several classes
 * @example
 * console.log(confusionTable(await evaluate({ model: classifier, data: validation })).join('\n'))
 */
export function confusionTable(evaluation: Confused): string[] {
  confusionSummary(evaluation)
  return evaluation.perClass.length <= MOST_COLUMNS ? matrix(evaluation) : worst(evaluation)
}

function matrix(evaluation: Confused): string[] {
  const { perClass } = evaluation
  const header = ['true \\ predicted', ...perClass.map(({ name }) => clipped(name, 10)), 'right']
  const rows = confusionMatrix(evaluation).map((row, id) => {
    const { name, accuracy } = perClass[id] as Confused['perClass'][number]
    const counts = row.map((count) => (count === 0 ? '.' : grouped(count)))
    return [clipped(name, 24), ...counts, accuracy === null ? '-' : percent(accuracy)]
  })
  return columns(
    [header, ...rows],
    header.map((_, i) => i).filter((i) => i > 0),
  )
}

function worst(evaluation: Confused): string[] {
  const all = mistakes(evaluation)
  const total = all.reduce((sum, { images }) => sum + images, 0)
  const title = `${counted(total, 'mistake')} of ${all.length} kinds among ${evaluation.perClass.length} classes`
  if (all.length === 0) return [title]
  const rows = all
    .slice(0, MISTAKES)
    .map(({ actual, predicted, images, share }) => [actual, predicted, grouped(images), percent(share)])
  return [title, ...columns([['true', 'predicted', 'images', 'of the class'], ...rows], [2, 3])]
}
