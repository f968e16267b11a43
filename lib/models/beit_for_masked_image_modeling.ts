/** BEiT for masked image modelling: the model that pre-training trains. */
import { native } from '../binding.js'
import { type Companions, NO_COMPANIONS } from '../checkpoint/naming/companions.js'
import { normalizationOf } from '../data/normalization.js'
import { type ImagePreprocessing, imagePreprocessing } from '../data/preprocessing.js'
import { BeitError, invalidArgument } from '../errors.js'
import { checkNames } from '../options.js'
import { type DType, Tensor } from '../tensor.js'
import { checkTensor } from './arguments.js'
import { type BeitConfigInput, resolveBeitConfig } from './beit_config.js'
import { BeitModel } from './beit_model.js'
import { type BeitLoadOptions, loadBeit, noteNormalisation } from './load_beit.js'
import { checkLoadOptions, type ModuleOptions, takeModuleOptions } from './module_options.js'

const KIND = 'beit_for_masked_image_modeling'

/** What a pre-trained model has beside its weights. */
export interface PretrainedOptions {
  /** How images were made for its training, as far as is known; default: as the file says. */
  preprocessing?: Partial<ImagePreprocessing>
}

/**
 * A ViT that predicts the visual tokens of masked patches (https://arxiv.org/abs/2106.08254), with the
 * architecture, initial values and parameter names of the original release.
 *
 * @example
 * const model = await BeitForMaskedImageModeling.create('beit_base_patch16_224', { seed: 0 })
 * const logits = await model.forward(pixels, { mask }) // Tensor [masked, 8192]
 */
export class BeitForMaskedImageModeling extends BeitModel {
  protected readonly moduleKind = KIND
  #preprocessing: ImagePreprocessing | null = null

  /**
   * How an image becomes the pixels that this model was trained on; null: that is not known. `pretrain()` sets
   * it, it is saved with the weights, and a classifier that begins from them takes it.
   * @throws BeitError ERR_INVALID_ARGUMENT for a part of it that cannot be
   */
  get preprocessing(): ImagePreprocessing | null {
    return this.#preprocessing
  }

  set preprocessing(given: Partial<ImagePreprocessing> | null) {
    this.#preprocessing = given === null ? null : imagePreprocessing(given, this.config.imageSize)
  }

  /** @internal */
  override get companions(): Companions {
    return { ...NO_COMPANIONS, preprocessing: this.preprocessing }
  }

  /**
   * A new model with the original's initial weights.
   *
   * @param presetOrConfig a name of {@link beitPresets}, or any part of a {@link BeitConfig}
   * @param overrides any part of the configuration, and `device`, `dtype`, `seed`
   * @throws BeitError ERR_INVALID_ARGUMENT for what is not a valid configuration; ERR_DEVICE for an absent
   * device.
   */
  static async create(
    presetOrConfig: string | BeitConfigInput,
    overrides: BeitConfigInput & ModuleOptions = {},
  ): Promise<BeitForMaskedImageModeling> {
    const [options, configOverrides] = await takeModuleOptions('BeitForMaskedImageModeling.create', overrides)
    const config = resolveBeitConfig(presetOrConfig, configOverrides)
    return new BeitForMaskedImageModeling(
      await native().moduleCreate(KIND, { ...config }, options),
      config,
      options,
    )
  }

  /**
   * The model of a file: of `save`, of the original release, of timm or of transformers, in any format that
   * `openCheckpoint` takes. Which it is follows from its names; the configuration from its metadata, a
   * config.json beside it, or its shapes. `loadReport` says what was found and done.
   *
   * Where the options ask for another model than the file holds, its weights are adapted: positions to another
   * image or patch size, a shared bias to every block, another head begun anew;
   * a file of a classifier begins a model when `vocabSize` is given.
   *
   * How images were made for its training comes along: from the metadata of the file, transformers'
   * preprocessor_config.json, or the state.json of a checkpoint of `pretrain()`.
   *
   * @param options `device`, `dtype`, `preprocessing`, and any part of the configuration: what the file does not tell
   * (`imageSize` of rectangles, `heads` without relative positions), or what is to be other than it says;
   * `seed` of the initial values of what it does not have; `pick` as for `openCheckpoint`; `from.imageSize` of
   * a rectangle that does not tell its own, to make a model of another size of it
   * @throws BeitError ERR_FORMAT when the file holds no BEiT, ERR_CHECKPOINT_MISMATCH when it holds another
   * model or cannot be adapted, ERR_INVALID_ARGUMENT when only the caller can say a part of the configuration,
   * ERR_IO when it cannot be read.
   */
  static async load(
    path: string,
    options: BeitLoadOptions & PretrainedOptions = {},
  ): Promise<BeitForMaskedImageModeling> {
    const { pick, from, preprocessing = {}, ...rest } = options
    const [complete, config] = await takeModuleOptions('BeitForMaskedImageModeling.load', rest)
    const model = await loadBeit(path, KIND, { pick, from }, config, async (found, values) => {
      const seed = values === 'initial' ? complete.seed : null
      const handle = await native().moduleCreate(KIND, { ...found }, { ...complete, seed })
      return new BeitForMaskedImageModeling(handle, found, complete)
    })
    noteNormalisation(model, preprocessing, ASSUMED)
    const known = { ...model.loadReport?.companions.preprocessing, ...preprocessing }
    return describedAs(model, isEmpty(known) ? null : known)
  }

  /**
   * Logits over the visual tokens, without a gradient and without drop path.
   *
   * @param pixels (B, 3, H, W) float, normalised as in training
   * @param options.mask (B, N) bool, true where the mask token replaces the patch; null (default): nothing is
   * masked
   * @param options.allTokens false: only the masked patches, (masked, V) in row-major order of the mask.
   * true: (B, N, V). Default: false with a mask, true without.
   * @throws BeitError ERR_SHAPE_MISMATCH, ERR_INVALID_ARGUMENT or ERR_DEVICE naming the argument.
   */
  async forward(
    pixels: Tensor,
    options: { mask?: Tensor | null; allTokens?: boolean } = {},
  ): Promise<Tensor> {
    checkNames('forward', ['mask', 'allTokens'], options)
    const mask = this.#check(pixels, options.mask)
    const allTokens = options.allTokens ?? mask === null
    if (typeof allTokens !== 'boolean') throw invalidArgument('allTokens', 'true or false', allTokens)
    if (!allTokens && mask === null) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        'forward with allTokens: false gives the logits of masked patches and needs a mask',
      )
    }
    return new Tensor(await native().beitForward(this.handle, pixels.handle, mask?.handle ?? null, allTokens))
  }

  /**
   * Features, without a gradient and without drop path. With `blocks`: the residual stream after each of
   * these blocks (0-based), without a norm, in the order asked for. Without: the output of the final norm.
   *
   * @returns (B, N + 1, D), class token first; an array of them with `blocks`
   */
  async features(pixels: Tensor, options?: { mask?: Tensor | null; blocks?: undefined }): Promise<Tensor>
  async features(
    pixels: Tensor,
    options: { mask?: Tensor | null; blocks: readonly number[] },
  ): Promise<Tensor[]>
  async features(
    pixels: Tensor,
    options: { mask?: Tensor | null; blocks?: readonly number[] } = {},
  ): Promise<Tensor | Tensor[]> {
    checkNames('features', ['mask', 'blocks'], options)
    const mask = this.#check(pixels, options.mask)
    if (options.blocks !== undefined) return this.blockFeatures(pixels, mask, options.blocks)
    return new Tensor(await native().beitFeatures(this.handle, pixels.handle, mask?.handle ?? null))
  }

  /** See {@link BeitModel.attentionMaps}. @param options.mask (B, N) bool, true where the mask token replaces the patch */
  override async attentionMaps(
    pixels: Tensor,
    options: { mask?: Tensor | null; layer?: number } = {},
  ): Promise<Tensor> {
    checkNames('attentionMaps', ['mask', 'layer'], options)
    return this.attentionOf(pixels, this.#check(pixels, options.mask), options.layer)
  }

  /** A copy of this model elsewhere. */
  async to(target: { device?: string; dtype?: DType }): Promise<BeitForMaskedImageModeling> {
    const options = await checkLoadOptions('to', { device: this.device, dtype: this.dtype, ...target })
    const handle = await native().moduleTo(this.handle, options.device, options.dtype)
    return describedAs(new BeitForMaskedImageModeling(handle, this.config, options), this.preprocessing)
  }

  #check(pixels: Tensor, mask: Tensor | null | undefined): Tensor | null {
    this.checkPixels(pixels)
    if (mask === null || mask === undefined) return null
    const shape = [pixels.shape[0] as number, this.patches]
    const legend = `[${shape.join(', ')}] (a row of patches for each image)`
    checkTensor(this.callee, 'mask', mask, ['bool'], shape, legend)
    return mask
  }

  protected override describe(): string {
    return `${super.describe()}, vocab ${this.config.vocabSize}`
  }
}

/** What is taken where nothing is known: by features, probes, and `pretrain()`. */
const ASSUMED = normalizationOf({ normalization: 'imagenet', mean: null, std: null })

const isEmpty = (object: object) => Object.keys(object).length === 0

function describedAs(
  model: BeitForMaskedImageModeling,
  preprocessing: Partial<ImagePreprocessing> | null,
): BeitForMaskedImageModeling {
  try {
    // A mean and deviation that nobody told are those that are taken without them.
    model.preprocessing = preprocessing && { ...ASSUMED, ...preprocessing }
    return model
  } catch (error) {
    model.dispose()
    throw error
  }
}
