/** The convolutional discrete VAE that `trainTokenizer` trains from scratch (native/models/conv_discrete_vae.h). */
import { native } from '../binding.js'
import { BeitError } from '../errors.js'
import { loadModuleFile } from '../models/module_file.js'
import {
  checkLoadOptions,
  type LoadOptions,
  type ModuleOptions,
  takeModuleOptions,
} from '../models/module_options.js'
import type { ModuleHandle } from '../native.js'
import { type OptionSchema, validateOptions } from '../options.js'
import type { DType } from '../tensor.js'
import { TokenizerModule } from './image_tokenizer.js'

const KIND = 'conv_discrete_vae'

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
  readonly imageSize?: number | readonly [number, number]
}

const isSide = (x: unknown) => Number.isSafeInteger(x) && (x as number) >= 1 && (x as number) <= 65_536

/** The options of a configuration. */
export const convDiscreteVaeSchema: OptionSchema = {
  imageSize: {
    type: 'object',
    doc: 'image size in pixels: a number or [height, width]',
    check: (value) => isSide(value) || (Array.isArray(value) && value.length === 2 && value.every(isSide)),
    expected: 'a number of pixels or [height, width]',
  },
  vocabSize: { type: 'integer', doc: 'size of the codebook', default: 8192, min: 2, max: 1_048_576 },
  codebookDim: { type: 'integer', doc: 'width of a code', default: 512, min: 1, max: 65_536 },
  layers: { type: 'integer', doc: 'convolutions of stride 2', default: 3, min: 1, max: 8 },
  hiddenSize: { type: 'integer', doc: 'channels', default: 256, min: 1, max: 65_536 },
  resBlocks: { type: 'integer', doc: 'residual blocks a layer', default: 1, min: 0, max: 64 },
  outputChannels: { type: 'integer', doc: '3, or 6 for the logit-Laplace loss', default: 3, min: 3, max: 6 },
}

/**
 * A discrete VAE of convolutions (a variant of lucidrains' DiscreteVAE that came with BEiT).
 *
 * @example
 * const tokenizer = await ConvDiscreteVae.create({ imageSize: 112, vocabSize: 1024, codebookDim: 128, hiddenSize: 64 })
 */
export class ConvDiscreteVae extends TokenizerModule {
  readonly kind = 'conv'
  protected readonly moduleKind = KIND
  readonly config: ConvDiscreteVaeConfig

  /** @internal Made by `create` and `load`. */
  constructor(handle: ModuleHandle, config: ConvDiscreteVaeConfig, options: Required<LoadOptions>) {
    super(handle, options)
    this.config = config
  }

  /**
   * A new tokenizer with PyTorch's initial weights for its layers.
   * @throws BeitError ERR_INVALID_ARGUMENT for what is not a valid configuration; ERR_DEVICE for an absent device.
   */
  static async create(options: ConvDiscreteVaeInput & ModuleOptions = {}): Promise<ConvDiscreteVae> {
    const [complete, given] = takeModuleOptions('ConvDiscreteVae.create', options)
    const config = resolveConfig(given)
    return new ConvDiscreteVae(await native().moduleCreate(KIND, { ...config }, complete), config, complete)
  }

  /**
   * The tokenizer of a file that `save` wrote.
   * @throws BeitError ERR_FORMAT when it is not one, ERR_IO when it cannot be read.
   */
  static async load(path: string, options: LoadOptions = {}): Promise<ConvDiscreteVae> {
    const complete = checkLoadOptions('ConvDiscreteVae.load', options)
    return loadModuleFile(path, KIND, async (given) => {
      const config = resolveConfig(given)
      const handle = await native().moduleCreate(KIND, { ...config }, { ...complete, seed: null })
      return new ConvDiscreteVae(handle, config, complete)
    })
  }

  get vocabSize(): number {
    return this.config.vocabSize
  }

  get stride(): number {
    return 2 ** this.config.layers
  }

  /** A copy of this tokenizer elsewhere. */
  async to(target: { device?: string; dtype?: DType }): Promise<ConvDiscreteVae> {
    const options = checkLoadOptions('to', { device: this.device, dtype: this.dtype, ...target })
    const handle = await native().moduleTo(this.handle, options.device, options.dtype)
    return new ConvDiscreteVae(handle, this.config, options)
  }

  protected describe(): string {
    const { vocabSize, codebookDim, layers, hiddenSize } = this.config
    return `stride ${2 ** layers}, vocab ${vocabSize}, codebook ${codebookDim}, hidden ${hiddenSize}`
  }
}

function resolveConfig(given: ConvDiscreteVaeInput): ConvDiscreteVaeConfig {
  const { imageSize, ...options } = validateOptions<
    Omit<ConvDiscreteVaeConfig, 'imageSize'> & { imageSize: number | [number, number] }
  >('ConvDiscreteVae', convDiscreteVaeSchema, { ...given, imageSize: given.imageSize ?? 112 })
  const config: ConvDiscreteVaeConfig = {
    imageSize: typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize,
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
      `ConvDiscreteVae: imageSize must be a multiple of 2^layers = ${stride}, got [${config.imageSize.join(', ')}]`,
    )
  }
  return Object.freeze(config)
}
