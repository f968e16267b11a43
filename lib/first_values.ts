/** The first values of a tensor as people read them, for `util.inspect`: read at once, from the CPU's memory alone. */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { native } from './binding.js'
import type { DType, TensorHandle } from './native.js'

/** A tensor of at most so many elements is shown whole, in its shape. */
const WHOLE = 24
/** Of a larger one so many are shown, in row-major order. */
const FIRST = 8

/** " [ 0.5, 1, ... 148 more items ]"; empty for a tensor on another device. */
export function firstValues(
  handle: TensorHandle,
  { shape, dtype }: { shape: readonly number[]; dtype: DType },
  depth: number | null,
  options: InspectOptionsStylized,
): string {
  const size = shape.reduce((product, length) => product * length, 1)
  if (size === 0) return ' []'
  const count = size <= WHOLE ? size : FIRST
  const bytes = native().tensorFirst(handle, count)
  if (bytes === null) return ''
  const values = toValues(bytes, dtype)
  if (size <= WHOLE) return ` ${inspect(nested(values, shape), { ...options, depth })}`
  const first = values.map((value) => inspect(value, options)).join(', ')
  return ` [ ${first}, ... ${size - count} more items ]`
}

/** As an array shows it: to four digits, what is whole as it is. */
type Value = number | bigint | boolean

const READ: Record<DType, (bytes: ArrayBuffer) => Iterable<number | bigint>> = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  float16: (bytes) => Array.from(new Uint16Array(bytes), fromHalf),
  bfloat16: (bytes) =>
    new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer),
  int64: (bytes) => new BigInt64Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  int16: (bytes) => new Int16Array(bytes),
  int8: (bytes) => new Int8Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
}

function toValues(bytes: ArrayBuffer, dtype: DType): Value[] {
  return Array.from(READ[dtype](bytes), (value) => {
    if (dtype === 'bool') return value !== 0
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
    return Number.isInteger(value) ? value : Number(value.toPrecision(4))
  })
}

/** IEEE 754 binary16: 5 bits of exponent, 10 of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

type Nested = Value | Nested[]

/** Row-major values as arrays in arrays. */
function nested(values: readonly Value[], shape: readonly number[]): Nested {
  const [length, ...rest] = shape
  if (length === undefined) return values[0] as Value
  const step = rest.reduce((product, size) => product * size, 1)
  return Array.from({ length }, (_, i) => nested(values.slice(i * step, (i + 1) * step), rest))
}
