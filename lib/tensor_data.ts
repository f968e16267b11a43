/** Numbers of JavaScript on their way into a tensor: which dtypes there are, and what of each may become one. */
import { BeitError, invalidArgument } from './errors.js'
import type { DType } from './native.js'

/** What `toTypedArray` gives: float16 and bfloat16 come as their raw 16 bits. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array

/** Nested arrays of numbers, as `Tensor.from` takes them. */
export type NestedArray = number | boolean | readonly NestedArray[]

export const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

export const DTYPES = Object.keys(ARRAYS) as DType[]

/** Bytes of an element. */
export const elementSize = (dtype: DType): number => ARRAYS[dtype].BYTES_PER_ELEMENT

/** libtorch's operations take no more. */
const MOST_DIMENSIONS = 64

/**
 * The number of elements of a tensor of this shape.
 * @throws BeitError ERR_INVALID_ARGUMENT unless it is an array of whole numbers that libtorch can count in
 */
export function elementsOf(shape: readonly number[]): number {
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= 0
  const isShape = Array.isArray(shape) && shape.length <= MOST_DIMENSIONS && shape.every(isSize)
  // Strides are products of sizes, whatever a size of 0 makes of the number of elements.
  if (!isShape || !Number.isSafeInteger(shape.reduce((product, size) => product * (size || 1), 1))) {
    throw invalidArgument(
      'shape',
      `an array of at most ${MOST_DIMENSIONS} sizes, whole numbers from 0`,
      shape,
    )
  }
  return shape.reduce((product, size) => product * size, 1)
}

/** Numbers of one dtype in row-major order. */
export interface TensorData {
  array: TypedArray
  /** Of nested arrays their own; else one dimension. */
  ownShape: readonly number[]
  dtype: DType
}

/** @throws BeitError ERR_INVALID_ARGUMENT, ERR_SHAPE_MISMATCH */
export function tensorData(data: TypedArray | NestedArray, dtype: DType | null): TensorData {
  return ArrayBuffer.isView(data) ? fromView(data, dtype) : fromNested(data, dtype ?? 'float32')
}

function fromView(data: TypedArray, dtype: DType | null): TensorData {
  const own = DTYPES.find((name) => data instanceof ARRAYS[name])
  if (own === undefined) throw invalidArgument('data', `one of ${arrayNames()}`, data)
  if (dtype !== null && !(data instanceof ARRAYS[dtype])) {
    throw invalidArgument('data', `a ${ARRAYS[dtype].name} for dtype ${dtype}`, data)
  }
  if (dtype === null && data instanceof Uint16Array) {
    throw new BeitError('ERR_INVALID_ARGUMENT', "a Uint16Array needs dtype: 'float16' or 'bfloat16'")
  }
  // Kernels take the bytes of a bool as they are, and only 0 and 1 have a meaning: masks of 255 are common.
  const array = dtype === 'bool' ? (data as Uint8Array).map((byte) => (byte === 0 ? 0 : 1)) : data
  return { array, ownShape: [data.length], dtype: dtype ?? own }
}

const arrayNames = () => [...new Set(Object.values(ARRAYS).map(({ name }) => name))].join(', ')

function fromNested(data: NestedArray, dtype: DType): TensorData {
  const ownShape: number[] = []
  for (let level: NestedArray | undefined = data; Array.isArray(level); level = level[0]) {
    // So that arrays that hold themselves end here too.
    if (ownShape.length === MOST_DIMENSIONS) {
      throw new BeitError('ERR_SHAPE_MISMATCH', `arrays are nested deeper than ${MOST_DIMENSIONS} times`)
    }
    ownShape.push(level.length)
  }
  const flat: (number | boolean)[] = []
  const visit = (value: NestedArray, depth: number) => {
    if (typeof value === 'number' || typeof value === 'boolean') {
      if (depth !== ownShape.length)
        throw new BeitError('ERR_SHAPE_MISMATCH', 'nested arrays differ in depth')
      flat.push(value)
    } else if (Array.isArray(value)) {
      if (value.length !== ownShape[depth]) {
        throw new BeitError('ERR_SHAPE_MISMATCH', `nested arrays differ in length at depth ${depth}`)
      }
      for (const item of value) visit(item, depth + 1)
    } else {
      throw invalidArgument('data', 'numbers in nested arrays or a typed array', value)
    }
  }
  visit(data, 0)
  if (dtype === 'float16' || dtype === 'bfloat16') {
    throw new BeitError('ERR_INVALID_ARGUMENT', `make float32 and use .to({ dtype: '${dtype}' })`)
  }
  return { array: ofDtype(flat, dtype), ownShape, dtype }
}

/** Numbers that an integer dtype cannot hold are an error: its typed array would take another number instead. */
function ofDtype(flat: readonly (number | boolean)[], dtype: DType): TypedArray {
  if (dtype === 'float32' || dtype === 'float64') return ARRAYS[dtype].from(flat.map(Number))
  if (dtype === 'bool') return Uint8Array.from(flat, (value) => (value ? 1 : 0))
  const bits = 8 * elementSize(dtype)
  const [low, high] = dtype === 'uint8' ? [0, 2 ** bits] : [-(2 ** (bits - 1)), 2 ** (bits - 1)]
  for (const value of flat.map(Number)) {
    if (!(Number.isInteger(value) && value >= low && value < high))
      throw invalidArgument('data', `whole numbers that ${dtype} holds`, value)
  }
  return dtype === 'int64'
    ? BigInt64Array.from(flat, (value) => BigInt(value))
    : ARRAYS[dtype].from(flat.map(Number))
}
