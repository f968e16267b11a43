/** The balance of a set's classes as text. */

import type { ClassBalance } from '../data/class_balance.js'
import { counted, grouped, percent } from './format.js'
import { columns } from './table.js'

/** Rows of a table; of more classes, the largest and the smallest. */
const LISTED = 40

/**
 * The balance as lines of a table: name, images, share, a bar. Of many classes the largest and the smallest.
 * @example
 * console.log(balanceTable(await classBalance(training)).join('\n'))
 */
export function balanceTable({ images, classes, ratio }: ClassBalance, listed: number = LISTED): string[] {
  const most = classes.reduce((largest, each) => Math.max(largest, each.images), 1)
  const row = ({ name, images: count }: ClassBalance['classes'][number]) => [
    name,
    grouped(count),
    percent(count / images),
    '#'.repeat(Math.ceil((20 * count) / most)),
  ]
  const header = ['class', 'images', 'share']
  const title = `${counted(images, 'image')} in ${classes.length} classes; largest over smallest ${ratio.toFixed(1)}`
  if (classes.length <= listed) return [title, ...columns([header, ...classes.map(row)], [1, 2])]
  const sorted = [...classes].sort((a, b) => b.images - a.images)
  const half = Math.floor(listed / 2)
  const rows = [
    ...sorted.slice(0, half).map(row),
    [`... ${classes.length - 2 * half} more`],
    ...sorted.slice(-half).map(row),
  ]
  return [title, ...columns([header, ...rows], [1, 2])]
}
