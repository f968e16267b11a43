/** PyTorch's names of element types: of storage classes in pickles, and of torch.dtype objects. */
import type { DType } from '../../native.js'

/** The bytes an element of the dtypes that can be read. */
export const ITEM_SIZES: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
}

/** Element type of a storage: a dtype's name and the bytes an element. */
export interface ElementType {
  readonly name: string
  readonly size: number
}

const element = (name: DType): ElementType => ({ name, size: ITEM_SIZES[name] })

/** torch.FloatStorage and so on. The last ones exist in files, but not here. */
export const STORAGE_CLASSES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ['FloatStorage', element('float32')],
  ['DoubleStorage', element('float64')],
  ['HalfStorage', element('float16')],
  ['BFloat16Storage', element('bfloat16')],
  ['LongStorage', element('int64')],
  ['IntStorage', element('int32')],
  ['ShortStorage', element('int16')],
  ['CharStorage', element('int8')],
  ['ByteStorage', element('uint8')],
  ['BoolStorage', element('bool')],
  ['ComplexFloatStorage', { name: 'complex64', size: 8 }],
  ['ComplexDoubleStorage', { name: 'complex128', size: 16 }],
  ['QInt8Storage', { name: 'qint8', size: 1 }],
  ['QUInt8Storage', { name: 'quint8', size: 1 }],
  ['QInt32Storage', { name: 'qint32', size: 4 }],
  ['QUInt4x2Storage', { name: 'quint4x2', size: 1 }],
  ['QUInt2x4Storage', { name: 'quint2x4', size: 1 }],
])

/** Of torch.UntypedStorage, whose tensors bring their own dtype. */
export const UNTYPED: ElementType = { name: 'untyped', size: 1 }

/** torch.float32 and so on; aliases included. */
export const TORCH_DTYPES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ...(Object.keys(ITEM_SIZES) as DType[]).map((name): [string, ElementType] => [name, element(name)]),
  ['float', element('float32')],
  ['double', element('float64')],
  ['half', element('float16')],
  ['long', element('int64')],
  ['int', element('int32')],
  ['short', element('int16')],
  ...[
    ...['complex32 4', 'complex64 8', 'complex128 16', 'uint16 2', 'uint32 4', 'uint64 8'],
    ...['float8_e4m3fn 1', 'float8_e5m2 1', 'float8_e4m3fnuz 1', 'float8_e5m2fnuz 1', 'float8_e8m0fnu 1'],
  ].map((text): [string, ElementType] => {
    const [name, size] = text.split(' ') as [string, string]
    return [name, { name, size: Number(size) }]
  }),
])

/** Why tensors of this dtype cannot be read; null when they can. */
export function unreadableDtype(name: string): string | null {
  if (Object.hasOwn(ITEM_SIZES, name)) return null
  if (name.startsWith('complex'))
    return `${name} elements are complex numbers, which this library does not have`
  if (name.startsWith('q')) return `${name} elements are quantized; dequantize() them before they are saved`
  if (name.startsWith('float8')) return `${name} elements need a scale that the file does not tell`
  return `this library has no ${name}`
}
