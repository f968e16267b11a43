/** What writers take. */
import { invalidArgument } from '../errors.js'
import { Tensor } from '../tensor.js'

/** @throws BeitError ERR_INVALID_ARGUMENT unless these are Tensors and strings by name */
export function checkTensors(tensors: unknown, metadata: unknown): void {
  if (!(tensors instanceof Map)) throw invalidArgument('tensors', 'a Map of names to Tensors', tensors)
  for (const [name, tensor] of tensors) {
    if (typeof name !== 'string' || !(tensor instanceof Tensor)) {
      throw invalidArgument(`tensors '${name}'`, 'a Tensor under a string', tensor)
    }
  }
  for (const [name, value] of Object.entries(metadata as object)) {
    if (typeof value !== 'string') throw invalidArgument(`metadata '${name}'`, 'a string', value)
  }
}
