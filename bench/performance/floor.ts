/**
 * The least time that a step of pre-training can take where every product is computed as it is defined: each kernel at
 * the rate of arithmetic or of memory that the same device reaches on matrix products and copies, whichever takes
 * longer. It assumes one type throughout, bf16 on a GPU and float32 on a CPU, products that add bias and GELU on their
 * way out, residuals fused with LayerNorm, and attention and arg-max that write no scores.
 */
import type { BeitConfig } from '../../lib/models/beit_config.js'
import type { DalleDvaeConfig } from '../../lib/tokenizers/dalle_config.js'

/** FLOP/s of matrix products, and bytes a second of a copy (read and written). */
export interface Rates {
  arithmetic: number
  memory: number
}

/** Of one image. */
interface Kernel {
  flops: number
  bytes: number
}

/** Bytes of a number of the step; and those that AdamW and clipping move for a parameter: gradient, weight, moments, bf16 copy. */
const BYTES = {
  bf16: { number: 2, optimizer: 38 },
  fp32: { number: 4, optimizer: 36 },
}

/** Seconds an image takes at least, in a batch of `batchSize`. */
export function floorSeconds(
  config: BeitConfig,
  parameters: number,
  tokenizer: { config: DalleDvaeConfig; side: number } | null,
  masked: number,
  batchSize: number,
  rates: Rates,
  precision: keyof typeof BYTES,
): number {
  const { number, optimizer: optimizerBytes } = BYTES[precision]
  const kernels = [
    ...modelKernels(config, masked, number),
    ...(tokenizer ? encoderKernels(tokenizer, number) : []),
  ]
  const seconds = kernels.map(({ flops, bytes }) => Math.max(flops / rates.arithmetic, bytes / rates.memory))
  const optimizer = (optimizerBytes * parameters) / rates.memory / batchSize
  return seconds.reduce((sum, one) => sum + one, optimizer)
}

/** Forward and backward. */
function modelKernels(config: BeitConfig, masked: number, bytesOfNumber: number): Kernel[] {
  const { hiddenSize: d, depth, mlpRatio, patchSize, imageSize, vocabSize } = config
  const patches = (imageSize[0] / patchSize) * (imageSize[1] / patchSize)
  const tokens = patches + 1
  const block = tokens * d * bytesOfNumber
  return [
    // Queries, keys, values, projection and MLP: the product and its two gradients.
    { flops: depth * 3 * 2 * tokens * (4 + 2 * mlpRatio) * d * d, bytes: 0 },
    // Forward reads q, k, v and writes the result; backward reads those and the gradient, and writes three.
    { flops: depth * 14 * tokens * tokens * d, bytes: depth * 12 * block },
    // Residual, LayerScale, drop path and LayerNorm twice a block: 4 passes forward, 6 backward.
    { flops: 0, bytes: depth * 2 * 10 * block },
    // Patches to tokens: no gradient of the pixels.
    { flops: 2 * 2 * patches * 3 * patchSize * patchSize * d, bytes: 0 },
    { flops: 3 * 2 * masked * d * vocabSize, bytes: 0 },
  ]
}

/** Each convolution of DALL-E's encoder, on `side` by `side` pixels. */
function encoderKernels(
  { config, side }: { config: DalleDvaeConfig; side: number },
  bytesOfNumber: number,
): Kernel[] {
  const { hiddenSize, blocksPerGroup, vocabSize } = config
  const kernels: Kernel[] = []
  const convolution = (size: number, from: number, to: number, kernel: number, residual = 0, wrote = to) =>
    kernels.push({
      flops: 2 * size * size * from * to * kernel * kernel,
      bytes: size * size * (from + residual + wrote) * bytesOfNumber,
    })
  convolution(side, 3, hiddenSize, 7)
  let width = hiddenSize
  for (let group = 0; group < 4; group++) {
    const [size, out] = [side >> group, hiddenSize << group]
    for (let block = 0; block < blocksPerGroup; block++) {
      const hidden = out / 4
      if (width !== out) convolution(size, width, out, 1)
      convolution(size, width, hidden, 3)
      convolution(size, hidden, hidden, 3)
      convolution(size, hidden, hidden, 3)
      convolution(size, hidden, out, 1, out)
      width = out
    }
  }
  // The arg-max writes one number a place.
  convolution(side >> 3, width, vocabSize, 1, 0, 1)
  return kernels
}
