/** How objects of this library show themselves in `util.inspect` and `console.log`. Nothing here waits or throws. */
import { type InspectOptions, type InspectOptionsStylized, inspect } from 'node:util'

/** "Name(first, second)", or "[Name]" where the depth is used up. */
export function titled(
  name: string,
  parts: readonly string[],
  depth: number | null,
  { stylize }: InspectOptionsStylized,
): string {
  if (isTooDeep(depth)) return stylize(`[${name}]`, 'special')
  return `${name}(${parts.join(', ')})`
}

/** "Name { fact: value }". */
export function described(
  name: string,
  facts: object,
  depth: number | null,
  options: InspectOptionsStylized,
): string {
  if (isTooDeep(depth)) return options.stylize(`[${name}]`, 'special')
  return `${name} ${inspect(facts, { ...options, depth })}`
}

export const isTooDeep = (depth: number | null) => depth !== null && depth < 0

/** The object that was asked for, not one that stands in another. */
export const isOutermost = (depth: number | null, options: InspectOptions) =>
  depth === null || depth === Infinity || depth === options.depth
