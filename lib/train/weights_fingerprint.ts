/** A fingerprint of weights: tells whether two runs have the same tokenizer. */
import { createHash } from 'node:crypto'
import type { Module } from '../models/module.js'

/** SHA-256 over names, dtypes, shapes and bytes of all parameters and buffers. */
export async function weightsFingerprint(module: Pick<Module, 'stateDict'>): Promise<string> {
  const hash = createHash('sha256')
  for (const [name, tensor] of await module.stateDict()) {
    hash.update(`${name} ${tensor.dtype} ${tensor.shape}\n`)
    hash.update(new Uint8Array((await tensor.toTypedArray()).buffer))
    tensor.dispose()
  }
  return hash.digest('hex')
}
