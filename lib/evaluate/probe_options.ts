/** Options of `linearProbe()`, `knnProbe()` and `beit probe`. */
import { progressOption, signalOption } from '../call_options.js'
import { type ImageSource, isImageSource } from '../data/image_source.js'
import { BeitModel } from '../models/beit_model.js'
import type { FeatureSettings } from '../native.js'
import type { OptionSchema } from '../options.js'
import { cropSchema } from '../train/crop_options.js'
import { type InferenceSettings, inferenceSchema } from './inference_options.js'
import { type PreprocessingSettings, preprocessingSchema } from './preprocessing_options.js'
import type { ProbeProgress } from './probe_progress.js'

/** What stands for an image: the class token, the mean of its patches, or both side by side. */
export type Pooling = FeatureSettings['pooling']

/** What every probe is told. */
export interface ProbeSettings extends PreprocessingSettings, InferenceSettings {
  /** The frozen model. */
  model: BeitModel
  /** Labelled images to learn from. */
  data: ImageSource
  /** Labelled images to be classified. */
  validation: ImageSource
  /** Blocks whose output is probed, from 0 on; unset: all. */
  blocks: readonly number[] | null
  /** What stands for an image: 'cls', the class token; 'mean' of the patches; 'concat', both. */
  pooling: Pooling
  /** Keep features in a scratch file there, gone at the end; unset: in memory. */
  featureFile: string | null
  /** Is told how far it is. */
  onProgress: ((progress: ProbeProgress) => void) | null
  /** When aborted, the probe ends with its reason. */
  signal: AbortSignal | null
}

/** What {@link linearProbeSchema} describes, with its defaults filled in. */
export interface LinearProbeSettings extends ProbeSettings {
  /** Passes over the data; the cosine spans them. Default 100. */
  epochs: number
  /**
   * AdamW learning rate of the first epoch; from one to the next it falls as a cosine to 0. Default 0.004.
   */
  learningRate: number
  /** AdamW weight decay, of biases as well. Default 0.0001. */
  weightDecay: number
  /** AdamW betas. Default [0.9, 0.999]. */
  betas: readonly [number, number]
  /** AdamW epsilon. Default 1e-8. */
  eps: number
  /**
   * Crop and flip at random in every epoch, as the original does, instead of computing the features once.
   * Default false.
   */
  augment: boolean
  /** Area of the random crop as a share of the image, from and to. Default [0.08, 1]. */
  scale: readonly [number, number]
  /** Aspect ratio of the random crop, from and to. Default [0.75, 1.333]. */
  ratio: readonly [number, number]
  /** Of a horizontal flip. Default 0.5. */
  flipProbability: number
  /** Of initial weights, order of images, crops and flips. Default 0. */
  seed: number
}

/** What {@link knnProbeSchema} describes, with its defaults filled in. */
export interface KnnProbeSettings extends ProbeSettings {
  /** Numbers of neighbours that vote, each an answer of its own. Default [20]. */
  neighbours: readonly number[]
  /** A neighbour votes with exp(cosine similarity / temperature). Default 0.07. */
  temperature: number
}

type Needed = 'model' | 'data' | 'validation'
/** What a caller of `linearProbe()` gives. */
export type LinearProbeOptions = Pick<LinearProbeSettings, Needed> & Partial<LinearProbeSettings>
/** What a caller of `knnProbe()` gives. */
export type KnnProbeOptions = Pick<KnnProbeSettings, Needed> & Partial<KnnProbeSettings>

function probeSchema(pooling: Pooling): OptionSchema {
  return {
    model: {
      type: 'object',
      check: (value) => value instanceof BeitModel,
      expected: 'a BeitForMaskedImageModeling or a BeitForImageClassification',
      doc: 'The frozen model',
    },
    data: {
      type: 'object',
      check: isImageSource,
      expected: 'an image source with labels, as labelled() gives',
      doc: 'Labelled images to learn from',
    },
    validation: {
      type: 'object',
      check: isImageSource,
      expected: 'an image source with labels',
      doc: 'Labelled images to be classified',
    },
    blocks: {
      type: 'numbers',
      size: null,
      min: 0,
      default: null,
      optional: true,
      doc: 'Blocks whose output is probed, from 0 on; unset: all',
    },
    pooling: {
      type: 'choice',
      choices: ['cls', 'mean', 'concat'],
      default: pooling,
      doc: "What stands for an image: 'cls', the class token; 'mean' of the patches; 'concat', both",
    },
    ...preprocessingSchema,
    ...inferenceSchema({
      batchSize: 128,
      batchSizeDoc: 'Images that go through the model at once, and of a step of the linear probe',
      precisionDoc: 'Arithmetic of the frozen model; the probe itself is float32',
    }),
    featureFile: {
      type: 'string',
      default: null,
      optional: true,
      doc: 'Keep features in a scratch file there, gone at the end; unset: in memory',
    },
    onProgress: progressOption('Is told how far it is'),
    signal: signalOption('When aborted, the probe ends with its reason'),
  }
}

const { scale, ratio, flipProbability } = cropSchema(
  { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], colorJitter: [0, 0, 0] },
  'the images',
)

/** Defaults are those of the original's run_linear_eval.py, but for `augment`. */
export const linearProbeSchema: OptionSchema = {
  ...probeSchema('concat'),
  epochs: { type: 'integer', min: 1, default: 100, doc: 'Passes over the data; the cosine spans them' },
  learningRate: {
    type: 'number',
    min: 0,
    default: 4e-3,
    doc: 'AdamW learning rate of the first epoch; from one to the next it falls as a cosine to 0',
  },
  weightDecay: { type: 'number', min: 0, default: 1e-4, doc: 'AdamW weight decay, of biases as well' },
  betas: { type: 'numbers', size: 2, min: 0, max: 0.999999, default: [0.9, 0.999], doc: 'AdamW betas' },
  eps: { type: 'number', min: 1e-15, default: 1e-8, doc: 'AdamW epsilon' },
  augment: {
    type: 'boolean',
    default: false,
    doc: 'Crop and flip at random in every epoch, as the original does, instead of computing the features once',
  },
  scale: scale as OptionSchema[string],
  ratio: ratio as OptionSchema[string],
  flipProbability: flipProbability as OptionSchema[string],
  seed: { type: 'integer', min: 0, default: 0, doc: 'Of initial weights, order of images, crops and flips' },
}

/** Temperature and neighbours are what did best in eval_knn.py of facebookresearch/dino. */
export const knnProbeSchema: OptionSchema = {
  ...probeSchema('mean'),
  neighbours: {
    type: 'numbers',
    size: null,
    min: 1,
    default: [20],
    doc: 'Numbers of neighbours that vote, each an answer of its own',
  },
  temperature: {
    type: 'number',
    min: 1e-4,
    default: 0.07,
    doc: 'A neighbour votes with exp(cosine similarity / temperature)',
  },
}
