/**
 * Options of `finetune()` and of `beit finetune`. Where the original's run_class_finetuning.py and its published
 * recipes differ, the recipe of base decides what regularises (layer decay, mixing, erasing), and the script
 * how long and how fast; lib/recipes has the published ones whole. Without a layer decay given, where the model
 * comes from decides.
 */
import { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import type { OptionSchema, OptionSpec } from '../options.js'
import { type CropSettings, cropSchema } from './crop_options.js'
import { type RunSettings, runSchema } from './run_options.js'

/** What {@link finetuneSchema} describes, with its defaults filled in. */
export interface FinetuneSettings extends RunSettings, Omit<CropSettings, 'interpolation'> {
  /**
   * The model to train; drop path is part of its config, normalisation and resizing of its preprocessing.
   */
  model: BeitForImageClassification
  /**
   * 'binary-cross-entropy': every class by itself, as images of several labels need it. Default
   * "cross-entropy".
   */
  loss: 'cross-entropy' | 'binary-cross-entropy'
  /** Share of the target that is spread over all classes. Default 0.1. */
  labelSmoothing: number
  /**
   * Learning rate of each block as a share of the one above it; unset: 0.65 for a model that was loaded, all
   * the same for a new one. The original: 0.65 base, 0.75 large.
   */
  layerDecay: number | null
  /** Decay of a running average of the weights, which is evaluated and saved too; 0.9999 with long runs. */
  ema: number | null
  /**
   * Training crops: of scale and ratio, or of the image's own size after padding; unset: the latter up to 32
   * pixels.
   */
  crop: 'random-resized-crop' | 'random-crop' | null
  /** Pixels around the image for random-crop. Default 4. */
  padding: number
  /**
   * RandAugment in timm's grammar: m magnitude, n operations, p of each, mstd spread, inc1 growing severity.
   * Default "rand-m9-mstd0.5-inc1".
   */
  randAugment: string | null
  /** Probability of erasing a box of an image. Default 0.25. */
  erasing: number
  /** Boxes that are erased. Default 1. */
  erasingCount: number
  /** Alpha of mixup, Beta(alpha, alpha); 0: none. Default 0.8. */
  mixup: number
  /** Alpha of cutmix, Beta(alpha, alpha); 0: none. Default 1. */
  cutmix: number
  /** Of mixing a batch at all. Default 1. */
  mixProbability: number
  /** Of cutmix in a batch that is mixed, where mixup and cutmix are both on. Default 0.5. */
  mixSwitch: number
  /**
   * Repeated augmentation: copies of an image in an epoch, which has as many images as ever; DeiT: 3. Default
   * 1.
   */
  repeats: number
}

/** What a caller of `finetune()` gives. */
export type FinetuneOptions = Pick<FinetuneSettings, 'model' | 'data' | 'output'> & Partial<FinetuneSettings>

const { interpolation: _ofTheModel, ...crop } = cropSchema(
  { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], colorJitter: [0.4, 0.4, 0.4] },
  'the images',
)

const run = runSchema({
  epochs: 30,
  batchSize: 64,
  learningRate: 5e-4,
  minLearningRate: 1e-6,
  warmupEpochs: 5,
  weightDecay: 0.05,
  clipGradient: null,
})

/** The recipe of base, for weights that are worth keeping. */
const LAYER_DECAY = 0.65

/**
 * The layer decay of a run that was given none: 0.65 for a model that was loaded, whose lower layers know
 * something; null, one rate for all, for a new one, whose lower layers have everything to learn.
 */
export const defaultLayerDecay = ({ loadReport }: Pick<BeitForImageClassification, 'loadReport'>) =>
  loadReport === null ? null : LAYER_DECAY

/** The same option with other words about it. */
const withDoc = (spec: OptionSpec | undefined, doc: string) => ({ ...spec, doc }) as OptionSpec

/** The options of `finetune()` as data: types, ranges, defaults and texts. */
export const finetuneSchema: OptionSchema = {
  model: {
    type: 'object',
    check: (value) => value instanceof BeitForImageClassification,
    expected: 'a BeitForImageClassification',
    doc: 'The model to train; drop path is part of its config, normalisation and resizing of its preprocessing',
  },
  ...run,
  data: withDoc(run.data, 'Images with labels'),
  validation: withDoc(run.validation, 'Images with labels to evaluate on, as evaluate() does'),
  resume: withDoc(
    run.resume,
    "'auto': from the newest whole checkpoint in the output, or anew; 'never'; or a checkpoint folder",
  ),
  batchSize: withDoc(
    run.batchSize,
    'Images that go through the model at once; the original: 1024 over all GPUs',
  ),
  learningRate: withDoc(
    run.learningRate,
    "Peak learning rate of the head, after warm-up; the original's base: 4e-3 for 1024 images a step",
  ),
  warmupEpochs: withDoc(
    run.warmupEpochs,
    'Epochs over which the learning rate rises linearly from 0; the original: 20 of 100 for base, 5 of 50 for large',
  ),
  weightDecay: withDoc(run.weightDecay, 'AdamW weight decay of matrices'),
  clipGradient: withDoc(run.clipGradient, 'Largest global norm of the gradient'),
  seed: withDoc(run.seed, 'Of the order of images, crops, augmentation, mixing and drop path'),
  loss: {
    type: 'choice',
    choices: ['cross-entropy', 'binary-cross-entropy'],
    default: 'cross-entropy',
    doc: "'binary-cross-entropy': every class by itself, as images of several labels need it",
  },
  labelSmoothing: {
    type: 'number',
    min: 0,
    max: 0.999,
    default: 0.1,
    doc: 'Share of the target that is spread over all classes',
  },
  layerDecay: {
    type: 'number',
    min: 1e-3,
    max: 1,
    default: null,
    optional: true,
    doc: 'Learning rate of each block as a share of the one above it; unset: 0.65 for a model that was loaded, all the same for a new one. The original: 0.65 base, 0.75 large',
  },
  ema: {
    type: 'number',
    min: 0,
    max: 0.999999,
    default: null,
    optional: true,
    doc: 'Decay of a running average of the weights, which is evaluated and saved too; 0.9999 with long runs',
  },
  crop: {
    type: 'choice',
    choices: ['random-resized-crop', 'random-crop'],
    default: null,
    optional: true,
    doc: "Training crops: of scale and ratio, or of the image's own size after padding; unset: the latter up to 32 pixels",
  },
  padding: { type: 'integer', min: 0, max: 1024, default: 4, doc: 'Pixels around the image for random-crop' },
  ...crop,
  colorJitter: withDoc(
    crop.colorJitter,
    'Strength of the jitter of brightness, contrast and saturation; takes no part beside randAugment',
  ),
  randAugment: {
    type: 'string',
    default: 'rand-m9-mstd0.5-inc1',
    optional: true,
    doc: "RandAugment in timm's grammar: m magnitude, n operations, p of each, mstd spread, inc1 growing severity",
  },
  erasing: { type: 'number', min: 0, max: 1, default: 0.25, doc: 'Probability of erasing a box of an image' },
  erasingCount: { type: 'integer', min: 1, max: 100, default: 1, doc: 'Boxes that are erased' },
  mixup: {
    type: 'number',
    min: 0,
    max: 1000,
    default: 0.8,
    doc: 'Alpha of mixup, Beta(alpha, alpha); 0: none',
  },
  cutmix: {
    type: 'number',
    min: 0,
    max: 1000,
    default: 1,
    doc: 'Alpha of cutmix, Beta(alpha, alpha); 0: none',
  },
  mixProbability: { type: 'number', min: 0, max: 1, default: 1, doc: 'Of mixing a batch at all' },
  mixSwitch: {
    type: 'number',
    min: 0,
    max: 1,
    default: 0.5,
    doc: 'Of cutmix in a batch that is mixed, where mixup and cutmix are both on',
  },
  repeats: {
    type: 'integer',
    min: 1,
    max: 100,
    default: 1,
    doc: 'Repeated augmentation: copies of an image in an epoch, which has as many images as ever; DeiT: 3',
  },
}
