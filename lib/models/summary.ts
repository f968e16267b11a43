/** The table that `summary()` gives: one row a part of the module. */
import { grouped } from '../grouped.js'
import type { StateEntry } from './state_difference.js'

/** "blocks.0.attn.qkv.weight" -> "blocks.0" with depth 2; the tensor's own name is never part of it. */
function partOf(name: string, depth: number): string {
  const parts = name.split('.')
  return parts.slice(0, Math.max(1, Math.min(depth, parts.length - 1))).join('.')
}

/**
 * @param title first line
 * @param depth how many parts of a name make a row
 */
export function summaryTable(title: string, entries: readonly StateEntry[], depth: number): string {
  const rows = new Map<string, { tensors: number; parameters: number }>()
  let total = 0
  for (const { name, shape, isBuffer } of entries) {
    const row = rows.get(partOf(name, depth)) ?? { tensors: 0, parameters: 0 }
    const elements = shape.reduce((product, size) => product * size, 1)
    row.tensors += 1
    if (!isBuffer) row.parameters += elements
    rows.set(partOf(name, depth), row)
    if (!isBuffer) total += elements
  }
  const buffers = entries.filter((entry) => entry.isBuffer).length
  const cells = [
    ['part', 'tensors', 'parameters', 'share'],
    ...[...rows].map(([part, { tensors, parameters }]) => [
      part,
      `${tensors}`,
      grouped(parameters),
      `${((100 * parameters) / total).toFixed(1)} %`,
    ]),
    ['total', `${entries.length}`, grouped(total), ''],
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => (row[column] as string).length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd()
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)))
  const [head = [], ...body] = cells
  const foot = body.pop() as string[]
  const note =
    buffers > 0 ? [`${buffers} of the tensors are buffers: computed from the config, not trained`] : []
  return [title, line(head), rule, ...body.map(line), rule, line(foot), ...note].join('\n')
}
