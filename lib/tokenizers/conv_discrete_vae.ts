/**
 * The convolutional discrete VAE that `trainTokenizer` trains from scratch
 * (native/models/conv_discrete_vae.h).
 */
import { native } from '../binding.js'
import { ownConfig } from '../checkpoint/naming/describe.js'
import { expectModel } from '../checkpoint/naming/expect_model.js'
import { readState } from '../checkpoint/naming/read_state.js'
import { loadReport } from '../checkpoint/naming/report.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { scope } from '../dispose.js'
import { configOfFile } from '../models/file_config.js'
import { makeWithState } from '../models/make_with_state.js'
import {
  checkLoadOptions,
  type LoadOptions,
  type ModuleOptions,
  takeModuleOptions,
} from '../models/module_options.js'
import type { ModuleHandle } from '../native.js'
import type { DType } from '../tensor.js'
import { checkTokenizerShapes } from './check_shapes.js'
import {
  type ConvDiscreteVaeConfig,
  type ConvDiscreteVaeInput,
  convConfigOf,
  resolveConvConfig,
} from './conv_config.js'
import { TokenizerModule } from './image_tokenizer.js'

const KIND = 'conv_discrete_vae'

/**
 * A discrete VAE of convolutions (a variant of lucidrains' DiscreteVAE that came with BEiT).
 *
 * @example
 * const tokenizer = await ConvDiscreteVae.create({ imageSize: 112, vocabSize: 1024, hiddenSize: 64 })
 */
export class ConvDiscreteVae extends TokenizerModule {
  readonly kind = 'conv'
  /** It always has one. */
  readonly hasDecoder = true
  protected readonly moduleKind = KIND
  /** Its sizes, complete. */
  readonly config: ConvDiscreteVaeConfig

  /** @internal Made by `create` and `load`. */
  constructor(handle: ModuleHandle, config: ConvDiscreteVaeConfig, options: Required<LoadOptions>) {
    super(handle, options)
    this.config = config
  }

  /**
   * A new tokenizer with PyTorch's initial weights for its layers.
   * @throws BeitError ERR_INVALID_ARGUMENT for what is not a valid configuration; ERR_DEVICE for an absent
   * device.
   */
  static async create(options: ConvDiscreteVaeInput & ModuleOptions = {}): Promise<ConvDiscreteVae> {
    const [complete, given] = await takeModuleOptions('ConvDiscreteVae.create', options)
    const config = resolveConvConfig(given)
    return new ConvDiscreteVae(await native().moduleCreate(KIND, { ...config }, complete), config, complete)
  }

  /**
   * The tokenizer of a file: of `save`, or of the original's state dict, whose sizes follow from its weights.
   * @throws BeitError ERR_FORMAT or ERR_CHECKPOINT_MISMATCH when it is not one, ERR_IO when it cannot be read.
   */
  static async load(path: string, options: LoadOptions = {}): Promise<ConvDiscreteVae> {
    const complete = await checkLoadOptions('ConvDiscreteVae.load', options)
    return scope(async () => {
      const file = await openCheckpoint(path)
      const description = await expectModel(file, [KIND])
      const told = ownConfig(file)?.config ?? convConfigOf(description.shapes)
      const config = configOfFile(path, () => resolveConvConfig(told))
      await checkTokenizerShapes(path, KIND, config, description.shapes)
      const state = await readState(file, description.identity.recipe)
      const tokenizer = await makeWithState(async () => {
        const handle = await native().moduleCreate(KIND, { ...config }, { ...complete, seed: null })
        return new ConvDiscreteVae(handle, config, complete)
      }, state)
      tokenizer.loadReport = loadReport(file, description)
      return tokenizer
    })
  }

  /** V: tokens are 0 .. V - 1. */
  get vocabSize(): number {
    return this.config.vocabSize
  }

  /** Pixels a token, along each side: 2 ** layers. */
  get stride(): number {
    return 2 ** this.config.layers
  }

  /** A copy of this tokenizer elsewhere. */
  async to(target: { device?: string; dtype?: DType }): Promise<ConvDiscreteVae> {
    const options = await checkLoadOptions('to', { device: this.device, dtype: this.dtype, ...target })
    const handle = await native().moduleTo(this.handle, options.device, options.dtype)
    return new ConvDiscreteVae(handle, this.config, options)
  }

  protected describe(): string {
    const { vocabSize, codebookDim, layers, hiddenSize } = this.config
    return `stride ${2 ** layers}, vocab ${vocabSize}, codebook ${codebookDim}, hidden ${hiddenSize}`
  }
}
