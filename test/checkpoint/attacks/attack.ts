/** Hostile files: what each is, and what reading it must come to. */
import { saved, tensor, torchZip } from '../../support/checkpoint_builder.js'
import { bytes, dictOf, pickle, proto } from '../../support/pickle_builder.js'
import type { Portable } from '../../support/portable.js'

export interface Attack {
  readonly name: string
  /** The file that is opened. */
  readonly main: string
  readonly files: Readonly<Record<string, Buffer>>
  /** The rule that the ERR_FORMAT names; or the data that the file comes to, in which everything is inert. */
  readonly expected: RegExp | Portable
}

/** A file that must be refused with ERR_FORMAT. */
export const refused = (name: string, file: Buffer, rule: RegExp): Attack => attack(name, file, rule)

/** A file that may be read: its `data` is this (test/support/portable.ts). */
export const inert = (name: string, file: Buffer, data: Portable): Attack => attack(name, file, data)

function attack(name: string, file: Buffer, expected: RegExp | Portable): Attack {
  return { name, main: 'file', files: { file }, expected }
}

/** A pickle of protocol 4 with this value, in a zip file with a storage. */
export const zipped = (...value: (Uint8Array | string)[]): Buffer => torchZip(pickle(proto(4), ...value))

/** A checkpoint with a weight, and beside it something else. */
export const beside = (value: Uint8Array | string): Buffer =>
  saved(dictOf({ model: dictOf({ w: tensor() }), other: value }))

/** The data of {@link beside}. */
export const besides = (other: Portable): Portable => ({ model: { w: { tensor: 'w' } }, other })

/** The same bytes many times over. */
export const repeated = (count: number, ...parts: (Uint8Array | string)[]): Buffer => {
  const once = bytes(...parts)
  return Buffer.alloc(count * once.length, once)
}
