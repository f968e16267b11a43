/** BEiT for image classification: the model that fine-tuning trains. */
import { native } from '../binding.js'
import { type Companions, NO_COMPANIONS } from '../checkpoint/naming/companions.js'
import type { LoadReport } from '../checkpoint/naming/report.js'
import { checkClassNames } from '../data/labels.js'
import { type ImagePreprocessing, imagePreprocessing } from '../data/preprocessing.js'
import { invalidArgument } from '../errors.js'
import { checkNames } from '../options.js'
import { type DType, Tensor } from '../tensor.js'
import { type BeitConfigInput, resolveBeitConfig } from './beit_config.js'
import { BeitModel } from './beit_model.js'
import { headByName } from './head_by_name.js'
import { type BeitLoadOptions, loadBeit, noteNormalisation } from './load_beit.js'
import { checkLoadOptions, type ModuleOptions, takeModuleOptions } from './module_options.js'
import { type PredictInput, type Prediction, type PredictOptions, predict } from './predict.js'

const KIND = 'beit_for_image_classification'

/** Fine-tuning gives every block a table of its own, where pre-training shares one. */
const DEFAULTS: BeitConfigInput = { relativePositions: 'per-block' }

/** What a classifier has beside its weights: how its classes are called, and how its images are made. */
export interface ClassifierOptions {
  /** Names of the classes in the order of the head; without `numClasses` they say how many there are. */
  labels?: readonly string[] | null
  /** What is given; the rest is as {@link imagePreprocessing} says. */
  preprocessing?: Partial<ImagePreprocessing>
  /** Whether an image may be of several classes; default: false for a new head. See {@link BeitForImageClassification.multiLabel}. */
  multiLabel?: boolean
}

/**
 * A ViT with a linear layer on its pooled output (https://arxiv.org/abs/2106.08254, section 2.6), with the
 * architecture, initial values and parameter names of the original's fine-tuning model. `pooling: 'mean'`
 * (default) gives the head the normalised mean of the patches, 'cls' the normalised class token.
 *
 * @example
 * const model = await BeitForImageClassification.create('beit_base_patch16_224', { numClasses: 10 })
 * const logits = await model.forward(pixels) // Tensor [B, 10]
 */
export class BeitForImageClassification extends BeitModel {
  protected readonly moduleKind = KIND
  #labels: readonly string[] | null = null
  #preprocessing: ImagePreprocessing | null = null
  #multiLabel = false

  /**
   * Names of the classes in the order of the head; null: they have none. They are saved with the weights.
   * @throws BeitError ERR_INVALID_ARGUMENT unless there is a name for each class, and each is different
   */
  get labels(): readonly string[] | null {
    return this.#labels
  }

  set labels(labels: readonly string[] | null) {
    checkClassNames('labels', labels)
    const { numClasses } = this.config
    if (labels !== null && labels.length !== numClasses) {
      throw invalidArgument('labels', `${numClasses} names, one a class`, labels)
    }
    this.#labels = labels === null ? null : Object.freeze([...labels])
  }

  /**
   * How an image becomes the pixels that `forward` takes. It is saved with the weights.
   * @throws BeitError ERR_INVALID_ARGUMENT for a part of it that cannot be
   */
  get preprocessing(): ImagePreprocessing {
    this.#preprocessing ??= imagePreprocessing({}, this.config.imageSize)
    return this.#preprocessing
  }

  set preprocessing(given: Partial<ImagePreprocessing>) {
    this.#preprocessing = imagePreprocessing(given, this.config.imageSize)
  }

  /**
   * Whether an image may be of several classes, each with a probability by itself (sigmoid): `predict` and
   * `evaluate` follow it unless told. `finetune()` sets it by its loss; it is saved with the weights.
   * @throws BeitError ERR_INVALID_ARGUMENT unless it is a boolean
   */
  get multiLabel(): boolean {
    return this.#multiLabel
  }

  set multiLabel(given: boolean) {
    if (typeof given !== 'boolean') throw invalidArgument('multiLabel', 'true or false', given)
    this.#multiLabel = given
  }

  /** @internal */
  override get companions(): Companions {
    return { labels: this.labels, preprocessing: this.preprocessing, multiLabel: this.multiLabel }
  }

  /**
   * A new model with the original's initial weights.
   *
   * @param presetOrConfig a name of {@link beitPresets}, or any part of a {@link BeitConfig}; relative
   * positions are 'per-block' unless it says otherwise
   * @param overrides any part of the configuration, and `device`, `dtype`, `seed`, `labels`, `preprocessing`, `multiLabel`
   * @throws BeitError ERR_INVALID_ARGUMENT for what is not a valid configuration; ERR_DEVICE for an absent
   * device.
   */
  static async create(
    presetOrConfig: string | BeitConfigInput,
    overrides: BeitConfigInput & ModuleOptions & ClassifierOptions = {},
  ): Promise<BeitForImageClassification> {
    const { labels = null, preprocessing = {}, multiLabel = false, ...rest } = overrides
    const [options, given] = await takeModuleOptions('BeitForImageClassification.create', rest)
    const config = resolveBeitConfig(presetOrConfig, withClassesOf(labels, presetOrConfig, given), DEFAULTS)
    const complete = imagePreprocessing(preprocessing, config.imageSize)
    const handle = await native().moduleCreate(KIND, { ...config }, options)
    const model = new BeitForImageClassification(handle, config, options)
    return describedAs(model, { labels, preprocessing: complete, multiLabel })
  }

  /**
   * The model of a file: of `save`, of the original release, of timm or of transformers, in any format that
   * `openCheckpoint` takes. Which it is follows from its names; the configuration from its metadata, a
   * config.json beside it, or its shapes. `loadReport` says what was found and done.
   *
   * Where the options ask for another model than the file holds, its weights are adapted: positions to another
   * image or patch size, a shared bias to every block, another head begun anew;
   * a file of the pre-trained model begins a classifier when `numClasses` is given, with each block its own
   * relative positions. Names of classes, preprocessing and `multiLabel` come along: from the metadata of the
   * file, or transformers' config.json and preprocessor_config.json; of weights of `pretrain()` how their images
   * were made. A new head has no names, and another image size the default cropShare.
   *
   * With other `labels` than the file has, rows of the head follow their names: those of the same name are
   * taken, the others begin anew. To call the classes of a trained head otherwise, set `labels` of the model.
   *
   * @param options `device`, `dtype`, `labels`, `preprocessing`, `multiLabel`, and any part of the configuration: what the file does not tell
   * (`imageSize` of rectangles, `heads` without relative positions), or what is to be other than it says;
   * `seed` of the initial values of what it does not have; `pick` as for `openCheckpoint`; `from.imageSize` of
   * a rectangle that does not tell its own, to make a model of another size of it
   * @throws BeitError ERR_FORMAT when the file holds no BEiT, ERR_CHECKPOINT_MISMATCH when it holds another
   * model or cannot be adapted, ERR_INVALID_ARGUMENT when only the caller can say a part of the configuration,
   * ERR_IO when it cannot be read.
   */
  static async load(
    path: string,
    options: BeitLoadOptions & ClassifierOptions = {},
  ): Promise<BeitForImageClassification> {
    const { pick, from, labels = null, preprocessing = {}, multiLabel, ...rest } = options
    const [complete, given] = await takeModuleOptions('BeitForImageClassification.load', rest)
    const config = withClassesOf(labels, {}, given)
    const model = await loadBeit(path, KIND, { pick, from }, config, async (found, values) => {
      const seed = values === 'initial' ? complete.seed : null
      const handle = await native().moduleCreate(KIND, { ...found }, { ...complete, seed })
      return new BeitForImageClassification(handle, found, complete)
    })
    const { companions, adaptations } = model.loadReport as LoadReport
    const hasNewHead = adaptations.some(({ what, to }) => what === 'initialised' && 'head.weight' in to)
    noteNormalisation(model, preprocessing, imagePreprocessing({}, model.config.imageSize))
    const known = hasNewHead ? NO_COMPANIONS : companions
    describedAs(model, {
      labels: labels ?? known.labels,
      preprocessing: { ...companions.preprocessing, ...preprocessing },
      multiLabel: multiLabel ?? known.multiLabel,
    })
    if (labels !== null && known.labels !== null) await headByName(model, known.labels, complete)
    return model
  }

  /**
   * Logits of the classes, without a gradient and without drop path.
   *
   * @param pixels (B, 3, H, W) float, normalised as in training
   * @returns (B, C)
   * @throws BeitError ERR_SHAPE_MISMATCH, ERR_INVALID_ARGUMENT or ERR_DEVICE naming the argument.
   */
  async forward(pixels: Tensor): Promise<Tensor> {
    this.checkPixels(pixels)
    return new Tensor(await native().beitClassify(this.handle, pixels.handle))
  }

  /**
   * Features, without a gradient and without drop path. With `blocks`: the residual stream after each of
   * these blocks (0-based), without a norm, in the order asked for. Without: what the head sees.
   *
   * @returns (B, D); with `blocks` an array of (B, N + 1, D), class token first
   */
  async features(pixels: Tensor, options?: { blocks?: undefined }): Promise<Tensor>
  async features(pixels: Tensor, options: { blocks: readonly number[] }): Promise<Tensor[]>
  async features(pixels: Tensor, options: { blocks?: readonly number[] } = {}): Promise<Tensor | Tensor[]> {
    checkNames('features', ['blocks'], options)
    this.checkPixels(pixels)
    if (options.blocks !== undefined) return this.blockFeatures(pixels, null, options.blocks)
    return new Tensor(await native().beitPooled(this.handle, pixels.handle))
  }

  /**
   * The likeliest classes of images, without a gradient and without drop path. Encoded images are made as
   * `preprocessing` has it, so nothing has to be known of the training.
   *
   * @param images paths or bytes of encoded images, one or several; or a Tensor (B, 3, H, W) of this model's
   * size, uint8 in [0, 255] or float that is already normalised
   * @param options `topK` classes of an image (5); `multiLabel` for classes that exclude no other (default:
   * the model's own): each probability is a sigmoid; `batchSize`, `precision`, `maxPixels`, `signal`
   * @returns for each image its classes, likeliest first, the lower id first among equals
   * @throws BeitError ERR_IO or ERR_FORMAT naming the image that cannot be read; ERR_INVALID_ARGUMENT,
   * ERR_SHAPE_MISMATCH
   * @throws the signal's reason when it is aborted
   * @example
   * const [hen] = await classifier.predict('photos/hen.jpg', { topK: 2 })
   * console.log(hen) // [{ label: 'rings', classId: 4, probability: 0.93 }, ...], likeliest first
   */
  async predict(images: PredictInput, options: PredictOptions = {}): Promise<Prediction[][]> {
    return predict(this, images, options)
  }

  /** A copy of this model elsewhere. */
  async to(target: { device?: string; dtype?: DType }): Promise<BeitForImageClassification> {
    const options = await checkLoadOptions('to', { device: this.device, dtype: this.dtype, ...target })
    const handle = await native().moduleTo(this.handle, options.device, options.dtype)
    const copy = new BeitForImageClassification(handle, this.config, options)
    return describedAs(copy, this)
  }

  protected override describe(): string {
    const { numClasses, pooling } = this.config
    return `${super.describe()}, classes ${numClasses}, pooling ${pooling}`
  }
}

/** Names say how many classes there are, where nothing else does. */
function withClassesOf(
  labels: readonly string[] | null,
  presetOrConfig: string | BeitConfigInput,
  given: BeitConfigInput,
): BeitConfigInput {
  checkClassNames('labels', labels)
  const isSaid = typeof presetOrConfig === 'object' && presetOrConfig?.numClasses !== undefined
  if (labels === null || isSaid || given.numClasses !== undefined) return given
  return { ...given, numClasses: labels.length }
}

function describedAs(
  model: BeitForImageClassification,
  { labels, preprocessing, multiLabel }: Required<ClassifierOptions>,
): BeitForImageClassification {
  try {
    model.labels = labels
    model.preprocessing = preprocessing
    model.multiLabel = multiLabel
    return model
  } catch (error) {
    model.dispose()
    throw error
  }
}
