/** What training needs of the objects it is given. The classes of lib/models, lib/tokenizers and lib/data have more. */
import type { ModuleHandle } from '../native.js'

export interface ImageSource {
  readonly name: string
  readonly length: number
  /** Digest of the listing. */
  readonly fingerprint: string
  sample(index: number): { path: string; offset: number; length: number; key: string; label: number | null }
}

export interface MaskedImageModel {
  readonly handle: ModuleHandle
  readonly config: { readonly vocabSize: number }
  /** Patches [rows, columns]. */
  readonly grid: readonly [number, number]
  readonly device: string
  save(path: string): Promise<void>
}

export interface Tokenizer {
  readonly handle: ModuleHandle
  readonly vocabSize: number
  readonly stride: number
  readonly config: object
  save(path: string): Promise<void>
}
