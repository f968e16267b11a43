/**
 * Tensors as users see them, and `scope()`, which frees what was made inside it.
 */
import { type InspectOptionsStylized, inspect } from 'node:util'
import { native } from './binding.js'
import { checkDevice } from './device.js'
import { Disposable } from './dispose.js'
import { BeitError, invalidArgument } from './errors.js'
import { firstValues } from './first_values.js'
import { evenHistogram, type Histogram } from './histogram.js'
import { isTooDeep, titled } from './inspection.js'
import type { DType, TensorHandle } from './native.js'

export type { DType }

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

const ARRAYS = {
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

/** Bytes of an element. */
export const elementSize = (dtype: DType): number => ARRAYS[dtype].BYTES_PER_ELEMENT

/**
 * An n-dimensional array that lives in libtorch. Free it with `dispose()`, `using`, or `scope()`.
 *
 * @example
 * using tensor = Tensor.from([[1, 2], [3, 4]])
 * console.log(tensor.shape, await tensor.toTypedArray()) // [2, 2] Float32Array(4) [1, 2, 3, 4]
 */
export class Tensor extends Disposable<'tensor'> {
  /** Its sizes; [] for a single number. */
  readonly shape: readonly number[]
  /** Of its elements. */
  readonly dtype: DType
  /** 'cpu' or 'cuda:N' */
  readonly device: string

  /** @internal Tensors are made by `Tensor.from` and by models. */
  constructor(handle: TensorHandle) {
    super(handle)
    const info = native().tensorInfo(handle)
    this.shape = info.shape
    this.dtype = info.dtype
    this.device = info.device
  }

  /**
   * Copies numbers into a new tensor. The dtype of a typed array is its own; nested arrays become float32.
   *
   * @example
   * const pixels = Tensor.from(new Float32Array(2 * 3 * 32 * 32), [2, 3, 32, 32])
   * const mask = Tensor.from([[true, false], [false, true]], undefined, { dtype: 'bool' })
   */
  static from(
    data: TypedArray | NestedArray,
    shape?: readonly number[],
    options: { dtype?: DType; device?: string } = {},
  ): Tensor {
    const { array, ownShape, dtype } = ArrayBuffer.isView(data)
      ? fromView(data, options.dtype)
      : fromNested(data, options.dtype)
    const finalShape = shape ?? ownShape
    const elements = finalShape.reduce((product, size) => product * size, 1)
    if (elements !== array.length) {
      throw new BeitError(
        'ERR_SHAPE_MISMATCH',
        `shape [${finalShape.join(', ')}] has ${elements} elements, got ${array.length} numbers`,
      )
    }
    // Kernels take the bytes of a bool as they are, and only 0 and 1 have a meaning: masks of 255 are common.
    const stored = dtype === 'bool' ? Uint8Array.from(array as Uint8Array, (x) => (x ? 1 : 0)) : array
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)
    return new Tensor(native().tensorFrom(bytes, finalShape, dtype, checkDevice(options.device ?? 'cpu')))
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, size) => product * size, 1)
  }

  /** A copy of the elements in row-major order. */
  async toTypedArray(): Promise<TypedArray> {
    const buffer = await native().tensorRead(this.handle)
    return new ARRAYS[this.dtype](buffer)
  }

  /** The elements as float32, whatever the dtype. */
  async toFloat32(): Promise<Float32Array> {
    if (this.dtype === 'float32') return (await this.toTypedArray()) as Float32Array
    using converted = await this.to({ dtype: 'float32' })
    return (await converted.toTypedArray()) as Float32Array
  }

  /** A copy with another dtype or on another device. */
  async to(target: { dtype?: DType; device?: string }): Promise<Tensor> {
    const device = checkDevice(target.device ?? this.device)
    return new Tensor(await native().tensorTo(this.handle, device, target.dtype ?? this.dtype))
  }

  /**
   * How the values are spread, counted where the tensor lies: `buckets` buckets of equal width from the smallest value to
   * the largest, or half a unit to either side of the value where all are equal. Values that are not finite are left
   * out; a value on a border may count to either bucket.
   * @throws BeitError ERR_INVALID_ARGUMENT, ERR_DISPOSED
   * @example
   * const { counts, edges } = await Tensor.from([0.1, 0.2, 0.9]).histogram(2)
   * console.log(counts, edges) // [2, 1], [0.1, 0.5, 0.9]
   */
  async histogram(buckets = 30): Promise<Histogram> {
    if (!Number.isSafeInteger(buckets) || buckets < 1)
      throw invalidArgument('buckets', 'an integer of at least 1', buckets)
    const { counts, low, high } = await native().tensorHistogram(this.handle, buckets)
    return evenHistogram(counts, low, high)
  }

  /**
   * Shape, dtype, device, and the values: all of a small tensor, the first of a larger one. Those of a tensor on a GPU
   * are not fetched for it.
   */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    const about = [`${this.dtype}[${this.shape.join(', ')}]`, this.device]
    if (this.disposed) return titled('Tensor', [...about, 'disposed'], depth, options)
    const values = isTooDeep(depth) ? '' : firstValues(this.handle, this, depth, options)
    return `${titled('Tensor', about, depth, options)}${values}`
  }
}

function fromView(data: TypedArray, dtype?: DType) {
  const own = (Object.keys(ARRAYS) as DType[]).find((name) => data instanceof ARRAYS[name])
  if (own === undefined) throw invalidArgument('data', 'a typed array of a known dtype', data)
  if (dtype !== undefined && !(data instanceof ARRAYS[dtype])) {
    throw invalidArgument('data', `a ${ARRAYS[dtype].name} for dtype ${dtype}`, data)
  }
  if (dtype === undefined && data instanceof Uint16Array) {
    throw new BeitError('ERR_INVALID_ARGUMENT', "a Uint16Array needs dtype: 'float16' or 'bfloat16'")
  }
  return { array: data, ownShape: [data.length], dtype: dtype ?? own }
}

function fromNested(data: NestedArray, dtype: DType = 'float32') {
  const ownShape: number[] = []
  for (let level: NestedArray | undefined = data; Array.isArray(level); level = level[0])
    ownShape.push(level.length)
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
  const array =
    dtype === 'int64' ? BigInt64Array.from(flat, (x) => BigInt(x)) : ARRAYS[dtype].from(flat.map(Number))
  return { array: array as TypedArray, ownShape, dtype }
}
