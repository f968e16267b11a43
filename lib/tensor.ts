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
import { type OptionSchema, validateOptions } from './options.js'
import { ARRAYS, DTYPES, elementsOf, type NestedArray, type TypedArray, tensorData } from './tensor_data.js'

export type { DType, NestedArray, TypedArray }

const TARGET_SCHEMA: OptionSchema = {
  dtype: { type: 'choice', choices: DTYPES, optional: true, default: null, doc: 'of its elements' },
  device: { type: 'string', optional: true, default: null, doc: "'cpu', 'cuda' or 'cuda:N'" },
}

/** What `from` and `to` are told of the tensor that they make. */
interface Target {
  dtype: DType | null
  device: string | null
}

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
   * Copies numbers into a new tensor. The dtype of a typed array is its own; nested arrays become float32 unless told.
   *
   * @param shape at most 64 sizes; default: that of the nested arrays, or one dimension
   * @param options.device 'cpu' (default), 'cuda' or 'cuda:N'
   * @throws BeitError ERR_INVALID_ARGUMENT for numbers that the dtype does not hold, as 300 for uint8;
   * ERR_SHAPE_MISMATCH when the shape has another number of elements; ERR_DEVICE
   * @example
   * const pixels = Tensor.from(new Float32Array(2 * 3 * 32 * 32), [2, 3, 32, 32])
   * const mask = Tensor.from([[true, false], [false, true]], undefined, { dtype: 'bool' })
   */
  static from(
    data: TypedArray | NestedArray,
    shape?: readonly number[],
    options: { dtype?: DType; device?: string } = {},
  ): Tensor {
    const target = validateOptions<Target>('Tensor.from', TARGET_SCHEMA, options)
    const { array, ownShape, dtype } = tensorData(data, target.dtype)
    const finalShape = shape ?? ownShape
    const elements = elementsOf(finalShape)
    if (elements !== array.length) {
      throw new BeitError(
        'ERR_SHAPE_MISMATCH',
        `shape [${finalShape.join(', ')}] has ${elements} elements, got ${array.length} numbers`,
      )
    }
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    return new Tensor(native().tensorFrom(bytes, finalShape, dtype, checkDevice(target.device ?? 'cpu')))
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

  /**
   * A copy with another dtype or on another device.
   * @throws BeitError ERR_INVALID_ARGUMENT, ERR_DEVICE, ERR_DISPOSED
   * @example
   * using halves = await pixels.to({ dtype: 'bfloat16' })
   */
  async to(target: { dtype?: DType; device?: string }): Promise<Tensor> {
    const { device, dtype } = validateOptions<Target>('Tensor.to', TARGET_SCHEMA, target)
    const handle = await native().tensorTo(
      this.handle,
      checkDevice(device ?? this.device),
      dtype ?? this.dtype,
    )
    return new Tensor(handle)
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
