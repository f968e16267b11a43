/** Classes whose objects are plain data at heart: what they are to anybody who does not have the class. */
import { dtypeName, isDtype, readNumber } from '../pickle/numpy_scalar.js'
import { PickleDict, PickleGlobal, PickleObject, PickleTuple, type PickleValue } from '../pickle/values.js'

/** The simpler value that `object` stands for; undefined when there is none. */
export function simplify(object: PickleObject): PickleValue | undefined {
  const { path } = object.class
  const { args, state } = object
  if (path === 'argparse.Namespace' || path === 'types.SimpleNamespace') {
    return state instanceof PickleDict ? state : undefined
  }
  if (isDtype(object)) return dtypeName(object)
  if (/^pathlib(\._local)?\.(Pure)?(Posix|Windows)?Path$/.test(path)) {
    const parts = args.filter((part) => typeof part === 'string')
    return parts.length === args.length ? joinPath(parts, path.includes('Windows') ? '\\' : '/') : undefined
  }
  if (/^numpy\._?core\.multiarray\._reconstruct$/.test(path) && state instanceof PickleTuple) {
    const [, shape, dtype, columnMajor, bytes] = state.items
    return array(shape, dtype, columnMajor === true ? 'F' : 'C', bytes)
  }
  if (/^numpy\._?core\.numeric\._frombuffer$/.test(path)) {
    const [bytes, dtype, shape, order] = args
    return array(shape, dtype, order === 'F' ? 'F' : 'C', bytes)
  }
  return undefined
}

/** A numpy array as a record of its parts; its number if it has no axis. */
function array(
  shape: PickleValue | undefined,
  dtype: PickleValue | undefined,
  order: 'C' | 'F',
  data: PickleValue | undefined,
): PickleValue | undefined {
  if (!(shape instanceof PickleTuple) || !isDtype(dtype) || !(data instanceof Uint8Array)) return undefined
  const number = shape.items.length === 0 ? readNumber(dtype, data) : undefined
  if (number !== undefined) return number
  const state = new PickleDict()
  const parts: Record<string, PickleValue> = { shape, dtype: dtypeName(dtype), order, data }
  for (const [name, value] of Object.entries(parts)) state.set(name, name, value)
  const record = new PickleObject(new PickleGlobal('numpy', 'ndarray'), [], false)
  record.state = state
  return record
}

function joinPath(parts: readonly string[], separator: string): string {
  return parts.reduce(
    (path, part) => path + (path === '' || path.endsWith(separator) ? '' : separator) + part,
    '',
  )
}
