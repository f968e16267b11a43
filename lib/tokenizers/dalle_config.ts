/** The sizes of a DALL-E dVAE, read off its weights: the original's files hold no configuration. */
import { BeitError } from '../errors.js'
import type { Tensor } from '../tensor.js'

/** The architecture; the published weights have the values given here. */
export interface DalleDvaeConfig {
  /** V: 8192 */
  readonly vocabSize: number
  /** Channels of the widest resolution: 256. The groups have 1, 2, 4 and 8 times as many. */
  readonly hiddenSize: number
  /** Channels that the decoder's first convolution makes of a token: 128. */
  readonly decoderInputSize: number
  /** Residual blocks a group: 2. */
  readonly blocksPerGroup: number
  /** Is there a decoder? Encoding needs none. */
  readonly decoder: boolean
}

/**
 * The configuration of the network that `state` belongs to.
 *
 * @throws BeitError ERR_CHECKPOINT_MISMATCH when it is not a DALL-E dVAE's.
 */
export function dalleConfigOf(state: ReadonlyMap<string, Tensor>): DalleDvaeConfig {
  const hiddenSize = outputsOf(state, 'encoder.blocks.input.w')
  const decoder = state.has('decoder.blocks.input.w')
  let blocksPerGroup = 1
  while (state.has(`encoder.blocks.group_1.block_${blocksPerGroup + 1}.res_path.conv_1.w`)) blocksPerGroup++
  if (hiddenSize % 4 !== 0) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `a DALL-E dVAE has a multiple of 4 channels, got ${hiddenSize} in encoder.blocks.input.w`,
    )
  }
  return Object.freeze({
    vocabSize: outputsOf(state, 'encoder.blocks.output.conv.w'),
    hiddenSize,
    decoderInputSize: decoder ? outputsOf(state, 'decoder.blocks.input.w') : 0,
    blocksPerGroup,
    decoder,
  })
}

/** Output channels of the convolution `name`, whose weight is (out, in, k, k). */
function outputsOf(state: ReadonlyMap<string, Tensor>, name: string): number {
  const weight = state.get(name)
  if (weight?.shape.length !== 4) {
    const found = weight === undefined ? 'is missing' : `has shape [${weight.shape.join(', ')}]`
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `these are not the weights of a DALL-E dVAE: ${name} ${found}, and a convolution's weight ` +
        `[out, in, k, k] was expected. There are ${[...state.keys()].slice(0, 4).join(', ')}, ...`,
    )
  }
  return weight.shape[0] as number
}
