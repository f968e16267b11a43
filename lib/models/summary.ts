/** The table of a module's parts that `summary()` and `util.inspect` show. */
import type { InspectOptionsStylized } from 'node:util'
import { grouped } from '../grouped.js'
import type { StateEntry } from './state_difference.js'

/** "blocks.0.attn.qkv.weight" -> "blocks.0" with depth 2; the tensor's own name is part of it with Infinity alone. */
function partOf(name: string, depth: number): string {
  if (depth === Infinity) return name
  const parts = name.split('.')
  return parts.slice(0, Math.max(1, Math.min(depth, parts.length - 1))).join('.')
}

/** How a cell is coloured: what `util.inspect` gives. */
type Stylize = InspectOptionsStylized['stylize']

/**
 * @param depth how many parts of a name make a row; Infinity: a row for each tensor
 */
export function summaryTable(
  entries: readonly StateEntry[],
  depth: number,
  stylize: Stylize = (text) => text,
): string[] {
  const parts = new Map<string, StateEntry[]>()
  for (const entry of entries) {
    const part = partOf(entry.name, depth)
    parts.set(part, [...(parts.get(part) ?? []), entry])
  }
  const total = parametersOf(entries)
  const cells = [
    ['part', 'shape', 'parameters', 'share'],
    ...[...parts].map(([part, own]) => {
      const parameters = parametersOf(own)
      return [part, shapeOf(own), grouped(parameters), `${((100 * parameters) / total).toFixed(1)} %`]
    }),
    ['total', `${entries.length} tensors`, grouped(total), ''],
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => (row[column] as string).length)))
  const line = ([part = '', shape = '', parameters = '', share = '']: readonly string[]) =>
    [
      part.padEnd(widths[0] as number),
      stylize(shape.padEnd(widths[1] as number), 'special'),
      stylize(parameters.padStart(widths[2] as number), 'number'),
      share.padStart(widths[3] as number),
    ]
      .join('  ')
      .trimEnd()
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)))
  const [head = [], ...body] = cells
  const foot = body.pop() as string[]
  const buffers = entries.filter((entry) => entry.isBuffer).length
  const note =
    buffers > 0 ? [`${buffers} of the tensors are buffers: computed from the config, not trained`] : []
  return [line(head), rule, ...body.map(line), rule, line(foot), ...note]
}

/** Of a tensor, or of a weight with its bias, the shape; of more the number of tensors. */
function shapeOf(entries: readonly StateEntry[]): string {
  const [first, second] = entries
  const isOne = entries.length === 1 || (entries.length === 2 && second?.name.endsWith('.bias'))
  return first !== undefined && isOne ? `[${first.shape.join(', ')}]` : `${entries.length} tensors`
}

const parametersOf = (entries: readonly StateEntry[]) =>
  entries
    .filter((entry) => !entry.isBuffer)
    .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)
