/** numpy's scalars, which training scripts leave in their checkpoints: numbers to everybody else. */
import { dataView } from '../byte_source.js'
import { Cost } from './budget.js'
import type { Machine } from './stack_machine.js'
import { kindOf, PickleGlobal, PickleObject, PickleTuple, type PickleValue } from './values.js'

/** numpy.core.multiarray.scalar(dtype, bytes) */
export function numpyScalar(args: readonly PickleValue[], machine: Machine): PickleValue {
  const [dtype, given] = args
  if (!isDtype(dtype)) return machine.fail(`numpy's scalar is called with ${kindOf(dtype)} for a dtype`)
  // A str of Python 2 that happened to be UTF-8.
  const bytes = typeof given === 'string' ? Buffer.from(given) : given
  const value = bytes instanceof Uint8Array ? readNumber(dtype, bytes) : undefined
  if (value !== undefined) return value
  machine.budget.take(Cost.object)
  return new PickleObject(new PickleGlobal('numpy', 'generic'), args, true)
}

/** The object of numpy.dtype('f8', ...). */
export function isDtype(value: PickleValue | undefined): value is PickleObject {
  return value instanceof PickleObject && value.class.path === 'numpy.dtype'
}

/** Longer than numpy's; what is put together from a long text many times would be far more than the file. */
const MAX_NAME = 64

const short = (text: PickleValue | undefined, length: number, otherwise: string) =>
  typeof text === 'string' && text.length <= length ? text : otherwise

/** '<f8', '|b1', ... */
export function dtypeName(dtype: PickleObject): string {
  const order = dtype.state instanceof PickleTuple ? dtype.state.items[1] : '|'
  return short(order, 1, '|') + short(dtype.args[0], MAX_NAME, '?')
}

/** The number that `bytes` are; undefined for dtypes that are no plain number, or another count of bytes. */
export function readNumber(dtype: PickleObject, bytes: Uint8Array): PickleValue | undefined {
  const name = dtypeName(dtype)
  const [order, kind, size] = [name[0], name[1], name.slice(2)]
  if (String(bytes.length) !== size) return undefined
  const data = dataView(bytes)
  const little = order !== '>'
  switch (`${kind}${size}`) {
    case 'b1':
      return data.getUint8(0) !== 0
    case 'f2':
      return half(data.getUint16(0, little))
    case 'f4':
      return data.getFloat32(0, little)
    case 'f8':
      return data.getFloat64(0, little)
    case 'i1':
      return data.getInt8(0)
    case 'i2':
      return data.getInt16(0, little)
    case 'i4':
      return data.getInt32(0, little)
    case 'i8':
      return narrow(data.getBigInt64(0, little))
    case 'u1':
      return data.getUint8(0)
    case 'u2':
      return data.getUint16(0, little)
    case 'u4':
      return data.getUint32(0, little)
    case 'u8':
      return narrow(data.getBigUint64(0, little))
    default:
      return undefined
  }
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const sign = bits >> 15 ? -1 : 1
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

const narrow = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)
