/** An evaluation of a classifier as text. */

import type { ClassificationEvaluation } from '../evaluate/classification_evaluation.js'
import { confusionTable } from './confusion_table.js'
import { counted, decimal, duration, grouped, percent } from './format.js'
import { columns } from './table.js'

/** Classes that are listed; of more, those with the lowest scores. */
const LISTED = 20
/** Up to so many classes the confusions tell of each class by themselves, as a matrix. */
const MATRIX = 12

type Scores = Omit<ClassificationEvaluation, 'broken' | 'seconds'> & { seconds?: number }

/**
 * Lines of a report: accuracy and loss, the classes, and which are taken for which.
 * @example
 * console.log(evaluationTable(await evaluate({ model: classifier, data: validation })).join('\n'))
 */
export function evaluationTable(evaluation: Scores): string[] {
  const single = evaluation.multiLabel === null
  return [
    ...columns(totals(evaluation)),
    ...(single && evaluation.perClass.length <= MATRIX ? [] : ['', ...classTable(evaluation)]),
    ...(single ? ['', ...confusionTable(evaluation)] : []),
  ]
}

function totals({ accuracy, accuracy5, loss, images, perClass, multiLabel, seconds }: Scores): string[][] {
  const pace = seconds === undefined ? '' : ` in ${duration(seconds)}, ${decimal(images / seconds)} a second`
  return [
    ...(multiLabel === null
      ? []
      : [
          ['mean average precision', percent(multiLabel.meanAveragePrecision)],
          ['F1, mean of classes', percent(multiLabel.f1)],
        ]),
    ['accuracy', percent(accuracy)],
    ...(perClass.length > 5 ? [['top-5 accuracy', percent(accuracy5)]] : []),
    ['loss', decimal(loss)],
    ['scored', `${counted(images, 'image')}${pace}`],
  ]
}

function classTable({ perClass, multiLabel }: Scores): string[] {
  const rows = perClass.map(({ name, images, accuracy }, id) => {
    const several = multiLabel?.perClass[id]
    if (several === undefined) return { score: accuracy, cells: [name, grouped(images), percent(accuracy)] }
    const { averagePrecision, precision, f1 } = several
    const shares = [averagePrecision, precision, accuracy, f1].map(percent)
    return { score: averagePrecision, cells: [name, grouped(images), ...shares] }
  })
  const header = ['class', 'images']
  header.push(...(multiLabel === null ? ['accuracy'] : ['average precision', 'precision', 'recall', 'F1']))
  const right = header.map((_, i) => i).slice(1)
  if (rows.length <= LISTED) return columns([header, ...rows.map(({ cells }) => cells)], right)
  const worst = rows.filter(({ score }) => score !== null).sort((a, b) => Number(a.score) - Number(b.score))
  const listed = worst.slice(0, LISTED).map(({ cells }) => cells)
  return [
    `the lowest ${listed.length} of ${grouped(rows.length)} classes`,
    ...columns([header, ...listed], right),
  ]
}
