/** The tokenizer of DALL-E, whose visual tokens BEiT was trained on (native/models/dalle_dvae.h). */
import { native } from '../binding.js'
import { expectModel } from '../checkpoint/naming/expect_model.js'
import { readState } from '../checkpoint/naming/read_state.js'
import { shapesOf } from '../checkpoint/naming/recipe.js'
import { type LoadReport, loadReport } from '../checkpoint/naming/report.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import { makeWithState } from '../models/make_with_state.js'
import { checkLoadOptions, type LoadOptions } from '../models/module_options.js'
import type { ModuleHandle } from '../native.js'
import type { DType, Tensor } from '../tensor.js'
import { checkTokenizerShapes } from './check_shapes.js'
import { type DalleDvaeConfig, dalleConfigOf } from './dalle_config.js'
import { TokenizerModule } from './image_tokenizer.js'

const KIND = 'dalle_dvae'

/**
 * The discrete VAE of DALL-E (https://arxiv.org/abs/2102.12092): one token of 8x8 pixels, 8192 of them in the
 * published weights. Pixels are in [0, 1]; it maps them to [0.1, 0.9] itself.
 *
 * @example
 * const tokenizer = await DalleTokenizer.load('encoder.pkl', { decoder: 'decoder.pkl' })
 * const tokens = await tokenizer.encode(pixels) // pixels [B, 3, 112, 112] -> [B, 14, 14]
 */
export class DalleTokenizer extends TokenizerModule {
  readonly kind = 'dalle'
  protected readonly moduleKind = KIND
  protected override readonly summaryDepth = 3
  readonly stride = 8
  /** Its sizes, read off its weights. */
  readonly config: DalleDvaeConfig

  /** @internal Made by `load` and `fromStateDict`. */
  constructor(handle: ModuleHandle, config: DalleDvaeConfig, options: Required<LoadOptions>) {
    super(handle, options)
    this.config = config
  }

  /**
   * From a file that `save` wrote, from the original's encoder.pkl and decoder.pkl, from a state dict of either,
   * or from transformers' FlavaImageCodebook, which is the encoder alone. Encoding needs no decoder.
   *
   * @param path checkpoint file of both, or of the encoder
   * @param options.decoder checkpoint file of the decoder
   * @throws BeitError ERR_FORMAT when a file is none that readCheckpoint takes or holds no known model,
   * ERR_CHECKPOINT_MISMATCH when it holds another one, ERR_IO when a file cannot be read.
   */
  static async load(
    path: string,
    options: LoadOptions & { decoder?: string | null } = {},
  ): Promise<DalleTokenizer> {
    const { decoder = null, ...rest } = options
    const complete = await checkLoadOptions('DalleTokenizer.load', rest)
    return scope(async () => {
      const state = new Map<string, Tensor>()
      const reports: LoadReport[] = []
      for (const part of decoder === null ? [path] : [path, decoder]) {
        const file = await openCheckpoint(part)
        const description = await expectModel(file, [KIND])
        for (const [name, tensor] of await readState(file, description.identity.recipe))
          state.set(name, tensor)
        reports.push(loadReport(file, description))
      }
      const tokenizer = await DalleTokenizer.fromStateDict(state, complete)
      const [first] = reports as [LoadReport]
      const all = <T>(of: (report: LoadReport) => readonly T[]) => reports.flatMap(of)
      tokenizer.loadReport = { ...first, dropped: all((one) => one.dropped), lines: all((one) => one.lines) }
      return tokenizer
    })
  }

  /**
   * From tensors of the original's names behind `encoder.` and `decoder.`, which stay the caller's. The sizes
   * of the network follow from their shapes.
   */
  static async fromStateDict(
    state: ReadonlyMap<string, Tensor>,
    options: LoadOptions = {},
  ): Promise<DalleTokenizer> {
    const complete = await checkLoadOptions('DalleTokenizer.fromStateDict', options)
    const config = dalleConfigOf(state)
    await checkTokenizerShapes('the state', KIND, config, shapesOf(state))
    return makeWithState(() => makeEmpty(config, complete), state)
  }

  /** V: tokens are 0 .. V - 1. */
  get vocabSize(): number {
    return this.config.vocabSize
  }

  /** Whether it can `decode`: an encoder alone cannot. */
  get hasDecoder(): boolean {
    return this.config.decoder
  }

  /** @throws BeitError ERR_INVALID_ARGUMENT where it was loaded without its decoder */
  override async decode(tokens: Tensor): Promise<Tensor> {
    if (!this.hasDecoder) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        "this DalleTokenizer was loaded without its decoder; load it with { decoder: 'decoder.pkl' }",
      )
    }
    return super.decode(tokens)
  }

  /** A copy of this tokenizer elsewhere. */
  async to(target: { device?: string; dtype?: DType }): Promise<DalleTokenizer> {
    const options = await checkLoadOptions('to', { device: this.device, dtype: this.dtype, ...target })
    const handle = await native().moduleTo(this.handle, options.device, options.dtype)
    return new DalleTokenizer(handle, this.config, options)
  }

  protected describe(): string {
    const { vocabSize, hiddenSize, decoder } = this.config
    return `stride 8, vocab ${vocabSize}, hidden ${hiddenSize}, ${decoder ? 'with' : 'without'} decoder`
  }
}

async function makeEmpty(config: DalleDvaeConfig, options: Required<LoadOptions>): Promise<DalleTokenizer> {
  const handle = await native().moduleCreate(KIND, { ...config }, { ...options, seed: null })
  return new DalleTokenizer(handle, config, options)
}
