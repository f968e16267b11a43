/** A fingerprint of weights: tells whether two runs have the same tokenizer. */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Module } from '../models/module.js'

const PIECE = 1 << 20

/** SHA-256 over names, dtypes, shapes and bytes of all parameters and buffers. */
export async function weightsFingerprint(module: Pick<Module, 'stateDict'>): Promise<string> {
  const hash = createHash('sha256')
  for (const [name, tensor] of await module.stateDict()) {
    hash.update(`${name} ${tensor.dtype} ${tensor.shape}\n`)
    const bytes = new Uint8Array((await tensor.toTypedArray()).buffer)
    tensor.dispose()
    // In pieces of about a millisecond, between which the event loop turns.
    for (let at = 0; at < bytes.length; at += PIECE) {
      hash.update(bytes.subarray(at, at + PIECE))
      await setImmediate()
    }
  }
  return hash.digest('hex')
}
