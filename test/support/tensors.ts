/** Tensors of reference files, and how far two of them are apart. */
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import type { Module } from '../../lib/models/module.js'
import type { Tensor } from '../../lib/tensor.js'

/** A tensor that must be there. */
export function named(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name)
  if (tensor === undefined) throw new Error(`there is no tensor '${name}'`)
  return tensor
}

/** Names and shapes of a module's state dict in its order: 'cls_token [1,1,768]'. */
export async function listing(module: Module): Promise<string[]> {
  return [...(await module.stateDict())].map(([name, tensor]) => `${name} [${tensor.shape.join()}]`)
}

/** The entries whose names begin with `prefix`, without it. */
export function under(prefix: string, tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const entries = [...tensors].filter(([name]) => name.startsWith(prefix))
  return new Map(entries.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
}

/** All tensors of a reference file. */
export async function tensorsOf(path: string): Promise<Map<string, Tensor>> {
  return (await readSafetensors(path)).tensors
}

/** max |a - b| / max |b|. Throws when the shapes differ or a number is not finite. */
export async function relativeError(actual: Tensor, expected: Tensor): Promise<number> {
  if (actual.shape.join() !== expected.shape.join()) {
    throw new Error(`shapes differ: [${actual.shape.join(', ')}] and [${expected.shape.join(', ')}]`)
  }
  const [a, b] = await Promise.all([actual.toFloat32(), expected.toFloat32()])
  let difference = 0
  let largest = 0
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs((a[i] as number) - (b[i] as number)))
    largest = Math.max(largest, Math.abs(b[i] as number))
  }
  const error = difference / largest
  if (!Number.isFinite(error)) throw new Error(`the relative error is ${error}`)
  return error
}

/** The elements of an int64 tensor as numbers. */
export async function integers(tensor: Tensor): Promise<number[]> {
  return Array.from((await tensor.toTypedArray()) as BigInt64Array, Number)
}

/** Numbers in [0, 1) that only depend on `seed`. */
export function randomNumbers(count: number, seed = 1): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  })
}
