/**
 * Checks of tensor arguments before they reach native code, so that a wrong one is named in the caller's
 * words.
 */
import { BeitError, invalidArgument } from '../errors.js'
import { type DType, Tensor } from '../tensor.js'

/** Dtypes that parameters and pixels can have. */
export const FLOAT_DTYPES: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16']

/** What the checks need to know of the module that is called. */
export interface Callee {
  readonly name: string
  readonly device: string
}

/**
 * A tensor of one of `dtypes` and of the shape described, where `null` is any size, on the callee's device.
 */
export function checkTensor(
  callee: Callee,
  name: string,
  value: unknown,
  dtypes: readonly DType[],
  shape: readonly (number | null)[],
  legend: string,
): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw invalidArgument(name, `a Tensor ${legend}`, value)
  if (!dtypes.includes(value.dtype)) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `${name} must be ${dtypes.join(' or ')}, got ${value.dtype}; ` +
        `convert it with .to({ dtype: '${dtypes[0]}' })`,
    )
  }
  const fits =
    value.shape.length === shape.length && shape.every((n, i) => n === null || n === value.shape[i])
  if (!fits || value.size === 0) {
    throw new BeitError(
      'ERR_SHAPE_MISMATCH',
      `${name} must be ${legend}${value.size === 0 ? ' and not empty' : ''}, ` +
        `got [${value.shape.join(', ')}]`,
    )
  }
  if (value.device !== callee.device) {
    throw new BeitError(
      'ERR_DEVICE',
      `${name} is on ${value.device}, but the ${callee.name} is on ${callee.device}: ` +
        `move it with .to({ device: '${callee.device}' })`,
    )
  }
}
