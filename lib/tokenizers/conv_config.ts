/** The sizes of a convolutional discrete VAE, checked. The mirror of native/models/conv_discrete_vae.h. */
import type { Shapes } from '../checkpoint/naming/recipe.js'
import { BeitError } from '../errors.js'
import { IMAGE_SIZE_OPTION, type ImageSize, imageSizePair } from '../models/image_size.js'
import { type OptionSchema, validateOptions } from '../options.js'

/** The architecture; the defaults are those of the variant that came with BEiT. */
export interface ConvDiscreteVaeConfig {
  /** [height, width] of the images it is trained on; it takes any multiple of the stride. */
  readonly imageSize: readonly [number, number]
  /** V: size of the codebook. Default 8192. */
  readonly vocabSize: number
  /** Width of a code. Default 512. */
  readonly codebookDim: number
  /** Convolutions of stride 2, so that a token is 2^layers pixels wide. Default 3. */
  readonly layers: number
  /** Channels between. Default 256. */
  readonly hiddenSize: number
  /** Residual blocks after each strided convolution. Default 1. */
  readonly resBlocks: number
  /** 3: the picture (MSE and smooth-L1 losses); 6: mean and log scale (logit-Laplace loss). Default 3. */
  readonly outputChannels: number
}

/** What users write: any part of it; `imageSize` may be one number. */
export type ConvDiscreteVaeInput = Partial<Omit<ConvDiscreteVaeConfig, 'imageSize'>> & {
  /** Side of the images in pixels, or [height, width]. */
  readonly imageSize?: ImageSize
}

/** The options of a configuration. */
export const convDiscreteVaeSchema: OptionSchema = {
  imageSize: IMAGE_SIZE_OPTION,
  vocabSize: { type: 'integer', doc: 'size of the codebook', default: 8192, min: 2, max: 1_048_576 },
  codebookDim: { type: 'integer', doc: 'width of a code', default: 512, min: 1, max: 65_536 },
  layers: { type: 'integer', doc: 'convolutions of stride 2', default: 3, min: 1, max: 8 },
  hiddenSize: { type: 'integer', doc: 'channels', default: 256, min: 1, max: 65_536 },
  resBlocks: { type: 'integer', doc: 'residual blocks a layer', default: 1, min: 0, max: 64 },
  outputChannels: { type: 'integer', doc: '3, or 6 for the logit-Laplace loss', default: 3, min: 3, max: 6 },
}

/**
 * A complete configuration.
 * @throws BeitError ERR_INVALID_ARGUMENT for unknown names, wrong types and ranges, and an image that is no
 * multiple of the stride
 */
export function resolveConvConfig(given: ConvDiscreteVaeInput): ConvDiscreteVaeConfig {
  const { imageSize, ...options } = validateOptions<
    Omit<ConvDiscreteVaeConfig, 'imageSize'> & { imageSize: ImageSize }
  >('ConvDiscreteVae', convDiscreteVaeSchema, { ...given, imageSize: given.imageSize ?? 112 })
  const config: ConvDiscreteVaeConfig = {
    imageSize: imageSizePair(imageSize),
    ...options,
  }
  if (config.outputChannels !== 3 && config.outputChannels !== 6) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `ConvDiscreteVae: outputChannels must be 3 or 6, got ${config.outputChannels}`,
    )
  }
  const stride = 2 ** config.layers
  if (config.imageSize.some((side) => side % stride !== 0)) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `ConvDiscreteVae: imageSize must be a multiple of 2^layers = ${stride}, ` +
        `got [${config.imageSize.join(', ')}]`,
    )
  }
  return Object.freeze(config)
}

/**
 * The configuration of the network with weights of these shapes. They do not tell the image size, on which
 * nothing in the network depends: it is that of the default, or near it.
 */
export function convConfigOf(shapes: Shapes): ConvDiscreteVaeInput {
  const names = [...shapes.keys()]
  const count = (pattern: RegExp) => names.filter((name) => pattern.test(name)).length
  const layers = count(/^encoder\.\d+\.0\.weight$/)
  const last = names.filter((name) => /^decoder\.\d+\.weight$/.test(name)).at(-1)
  const [vocabSize, codebookDim] = shapes.get('codebook.weight') ?? []
  return {
    imageSize: Math.max(1, Math.round(112 / 2 ** layers)) * 2 ** layers,
    vocabSize,
    codebookDim,
    layers,
    hiddenSize: shapes.get('encoder.0.0.weight')?.[0],
    resBlocks: Math.floor(count(/^encoder\.\d+\.net\.0\.weight$/) / layers),
    outputChannels: shapes.get(last ?? '')?.[0],
  }
}
