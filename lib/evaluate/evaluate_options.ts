/** Options of `evaluate()` and of `beit evaluate`. */
import { progressOption, signalOption } from '../call_options.js'
import { type ImageSource, isImageSource } from '../data/image_source.js'
import { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import type { ScoringSettings } from '../native.js'
import type { OptionSchema } from '../options.js'
import { type InferenceSettings, inferenceSchema } from './inference_options.js'
import { type PreprocessingSettings, preprocessingSchema } from './preprocessing_options.js'

/** What {@link evaluateSchema} describes, with its defaults filled in. */
export interface EvaluateSettings extends PreprocessingSettings, InferenceSettings {
  /** The classifier. */
  model: BeitForImageClassification
  /** Labelled images. */
  data: ImageSource
  /**
   * Which loss is told, and whether probabilities are a softmax or a sigmoid a class; unset:
   * binary-cross-entropy for images with several classes.
   */
  loss: ScoringSettings['loss'] | null
  /** Is told how far it is, after each batch. */
  onProgress: ((progress: EvaluationProgress) => void) | null
  /** When aborted, the evaluation ends with its reason. */
  signal: AbortSignal | null
}

/** Images scored so far, and how many there are. */
export interface EvaluationProgress {
  /** Scored so far. */
  images: number
  /** There are. */
  of: number
}

/** What a caller of `evaluate()` gives. */
export type EvaluateOptions = Pick<EvaluateSettings, 'model' | 'data'> & Partial<EvaluateSettings>

/** How many images at once, and on what. */
export const scoringSchema = inferenceSchema({
  batchSize: 64,
  batchSizeDoc:
    'Images that go through the model at once; their number changes no more than the last bits of a score',
  precisionDoc: 'Arithmetic of the matrix products',
})

/** The options of {@link evaluate} as data: types, ranges, defaults and texts. */
export const evaluateSchema: OptionSchema = {
  model: {
    type: 'object',
    check: (value) => value instanceof BeitForImageClassification,
    expected: 'a BeitForImageClassification',
    doc: 'The classifier',
  },
  data: {
    type: 'object',
    check: isImageSource,
    expected: 'an image source with labels, as labelled() gives',
    doc: 'Labelled images',
  },
  loss: {
    type: 'choice',
    choices: ['cross-entropy', 'binary-cross-entropy'],
    default: null,
    optional: true,
    doc:
      'Which loss is told, and whether probabilities are a softmax or a sigmoid a class; unset: binary-cross-entropy ' +
      'for images with several classes',
  },
  ...preprocessingSchema,
  ...scoringSchema,
  onProgress: progressOption('Is told how far it is, after each batch'),
  signal: signalOption('When aborted, the evaluation ends with its reason'),
}
