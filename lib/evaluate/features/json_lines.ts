/**
 * Features as lines of JSON, one an image: {"key", "label", "class", "features": {"block_0": [...]}}. Lines are
 * all alike, so what made the features is not told.
 */
import type { FileHandle } from 'node:fs/promises'
import type { FeatureTable, FeatureTarget, FeatureWriter } from './feature_file.js'
import { featureRows, type NestedNumbers } from './rows.js'

/** Significant digits that give back every float32. */
const DIGITS = 9

export function jsonLinesWriter(file: FileHandle, table: FeatureTable): FeatureWriter {
  return {
    async append({ keys, targets, features }) {
      const images = await featureRows(features)
      const lines = keys.map((key, i) => {
        const image = images[i] as NestedNumbers[]
        const named = table.names.map((name, k) => [name, shortened(image[k] as NestedNumbers)])
        const line = { key, ...labelOf(table, targets[i]), features: Object.fromEntries(named) }
        return `${JSON.stringify(line)}\n`
      })
      await file.appendFile(lines.join(''))
    },
    async finish() {},
  }
}

/** 0.1 as float32 is the double 0.10000000149011612; nine digits of it say the same. */
function shortened(value: NestedNumbers): NestedNumbers {
  return typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value.map(shortened)
}

function labelOf({ classes }: FeatureTable, target: FeatureTarget | undefined): object {
  if (target === undefined) return {}
  if (typeof target !== 'number') return { weights: shortened([...target]) }
  return target < 0 ? { label: null, class: null } : { label: target, class: classes?.[target] ?? null }
}
