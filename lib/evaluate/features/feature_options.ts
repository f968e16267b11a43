/** Options of `extractFeatures()` and `beit features`. */
import { progressOption, signalOption } from '../../call_options.js'
import type { BrokenImage } from '../../data/broken_images.js'
import { type ImageSource, isImageSource } from '../../data/image_source.js'
import { BeitModel } from '../../models/beit_model.js'
import type { ExtractionSettings } from '../../native.js'
import type { OptionSchema } from '../../options.js'
import { type InferenceSettings, inferenceSchema } from '../inference_options.js'
import { type PreprocessingSettings, preprocessingSchema } from '../preprocessing_options.js'
import { FEATURE_FORMATS, type FeatureFormat } from './feature_file.js'

/** What stands for an image: class token, mean of its patches, both side by side, or each patch. */
export type FeaturePooling = ExtractionSettings['pooling']

/** What {@link featureSchema} describes, with its defaults filled in. */
export interface FeatureSettings extends PreprocessingSettings, InferenceSettings {
  /** The model whose features they are. */
  model: BeitModel
  /** The images. */
  data: ImageSource
  /** The file to write. */
  output: string
  /** Blocks after which features are taken. */
  blocks: 'all' | 'head' | readonly number[]
  /**
   * What stands for an image: 'mean' of its patches, 'cls', the class token; 'concat', both; 'patches', each
   * of them; unset: mean, and for the head of a classifier the classifier's own.
   */
  pooling: FeaturePooling | null
  /** Of the file; unset: by its extension. */
  format: FeatureFormat | null
  /** Of the numbers in it. Default "float32". */
  dtype: 'float32' | 'float16'
  /** Is told how far it is, after each batch. */
  onProgress: ((progress: FeatureProgress) => void) | null
  /** When aborted, the call ends with its reason and leaves no file. */
  signal: AbortSignal | null
}

/** What a caller of `extractFeatures()` gives. */
export type FeatureOptions = Pick<FeatureSettings, 'model' | 'data' | 'output'> & Partial<FeatureSettings>

/** How far it is. */
export interface FeatureProgress {
  /** Images written. */
  images: number
  /** There are. */
  of: number
}

/** What `extractFeatures()` has written. */
export interface ExtractedFeatures {
  /** The file. */
  output: string
  /** Its format. */
  format: FeatureFormat
  /** Images in the file. */
  images: number
  /** Names of the features, each (images, ...shape). */
  names: readonly string[]
  /** Of one feature of one image: [D], [2D] or [N, D]. */
  shape: readonly number[]
  /** Of the numbers in it. */
  dtype: 'float32' | 'float16'
  /** Images that could not be read and are not in the file. */
  broken: readonly BrokenImage[]
  /** The whole call, reading images included. */
  seconds: number
}

/** The options of {@link extractFeatures} as data: types, ranges, defaults and texts. */
export const featureSchema: OptionSchema = {
  model: {
    type: 'object',
    check: (value) => value instanceof BeitModel,
    expected: 'a BeitForMaskedImageModeling or a BeitForImageClassification',
    doc: 'The model whose features they are',
  },
  data: {
    type: 'object',
    check: isImageSource,
    expected: 'an image source, as ImageFolder.open() or WebDataset.open() gives',
    doc: 'The images',
  },
  output: { type: 'string', default: null, doc: 'The file to write' },
  blocks: {
    type: 'object',
    check: (value) => value === 'all' || value === 'head' || Array.isArray(value),
    expected: "'all', 'head' or an array of block numbers",
    optional: true,
    doc: 'Blocks after which features are taken',
  },
  pooling: {
    type: 'choice',
    choices: ['mean', 'cls', 'concat', 'patches'],
    default: null,
    optional: true,
    doc:
      "What stands for an image: 'mean' of its patches, 'cls', the class token; 'concat', both; 'patches', each " +
      "of them; unset: mean, and for the head of a classifier the classifier's own",
  },
  format: {
    type: 'choice',
    choices: FEATURE_FORMATS,
    default: null,
    optional: true,
    doc: 'Of the file; unset: by its extension',
  },
  dtype: { type: 'choice', choices: ['float32', 'float16'], default: 'float32', doc: 'Of the numbers in it' },
  ...preprocessingSchema,
  ...inferenceSchema({
    batchSize: 64,
    batchSizeDoc: 'Images that go through the model at once',
    precisionDoc: 'Arithmetic of the model',
  }),
  onProgress: progressOption('Is told how far it is, after each batch'),
  signal: signalOption('When aborted, the call ends with its reason and leaves no file'),
}
