/** Which model and tokenizer a benchmark works on. */
import type { BeitConfigInput } from '../../lib/models/beit_config.js'
import type { DalleDvaeConfig } from '../../lib/tokenizers/dalle_config.js'

/** Side of what one token of DALL-E stands for, in pixels of the tokenizer's view. */
export const TOKEN_PIXELS = 8

export interface Size {
  name: string
  /** A preset or a configuration. */
  model: string | BeitConfigInput
  /** The encoder of DALL-E, or a smaller one of the same kind. */
  tokenizer: DalleDvaeConfig
  imageSize: number
  patchSize: number
  batchSize: number
  /** Masked patches of an image. */
  masked: number
}

const tokenizer = (hiddenSize: number, vocabSize: number, blocksPerGroup: number): DalleDvaeConfig =>
  ({ vocabSize, hiddenSize, decoderInputSize: 0, blocksPerGroup, decoder: false }) as DalleDvaeConfig

/** A preset at 224 with the tokenizer of the published models, as in the paper: 75 masked patches of 196. */
export const published = (preset: string, batchSize: number): Size => ({
  name: preset,
  model: preset,
  tokenizer: tokenizer(256, 8192, 2),
  imageSize: 224,
  patchSize: 16,
  batchSize,
  masked: 75,
})

/** Everything as small as it can be: shows that the benchmark works, and says nothing of speed. */
export const SMOKE: Size = {
  name: 'smoke',
  model: { imageSize: 64, patchSize: 16, hiddenSize: 48, depth: 2, heads: 3, vocabSize: 64 },
  // The narrowest of which the kernels take the second group (ops/packed_convolution.h).
  tokenizer: tokenizer(128, 64, 1),
  imageSize: 64,
  patchSize: 16,
  batchSize: 2,
  masked: 6,
}
