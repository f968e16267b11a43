/** Counts of numbers that are none: NaN and the infinities. */
import type { Tensor } from '../tensor.js'

export interface NonFinite {
  readonly nan: number
  readonly infinite: number
}

/** Counts them in a tensor of whatever dtype; integers have none. */
export async function countNonFinite(tensor: Tensor): Promise<NonFinite> {
  const numbers = await tensor.toTypedArray()
  if (numbers instanceof Uint16Array) {
    // Raw halves: all bits of the exponent are set, and a NaN has bits behind them.
    const [exponent, fraction] = tensor.dtype === 'float16' ? [0x7c00, 0x3ff] : [0x7f80, 0x7f]
    return count(numbers, (bits) =>
      (bits & exponent) === exponent ? (bits & fraction ? 'nan' : 'infinite') : null,
    )
  }
  if (!(numbers instanceof Float32Array || numbers instanceof Float64Array)) return { nan: 0, infinite: 0 }
  return count(numbers, (x) => (Number.isFinite(x) ? null : Number.isNaN(x) ? 'nan' : 'infinite'))
}

function count(
  numbers: Uint16Array | Float32Array | Float64Array,
  kindOf: (x: number) => keyof NonFinite | null,
): NonFinite {
  const counts = { nan: 0, infinite: 0 }
  for (let i = 0; i < numbers.length; i++) {
    const kind = kindOf(numbers[i] as number)
    if (kind !== null) counts[kind]++
  }
  return counts
}
