/** What a classifier makes of images: their likeliest classes by name. */
import { native } from '../binding.js'
import { signalOption } from '../call_options.js'
import { type EncodedImage, imagePixels } from '../data/image_pixels.js'
import { preprocessedViews } from '../data/preprocessed_views.js'
import { DEFAULT_MAX_PIXELS } from '../data/view_settings.js'
import { BeitError, invalidArgument } from '../errors.js'
import type { ClassifierScores, ScoringSettings } from '../native.js'
import { defined, type OptionSchema, validateOptions } from '../options.js'
import { Tensor } from '../tensor.js'
import { FLOAT_DTYPES } from './arguments.js'
import type { BeitForImageClassification } from './beit_for_image_classification.js'

/** One class that an image may be of. */
export interface Prediction {
  /** Name of the class; its id as text for a model that has no names. */
  label: string
  /** Its id. */
  classId: number
  /** Share of this class among all; with `multiLabel` the probability that it is there. */
  probability: number
}

/** What {@link predictSchema} describes, with its defaults filled in. */
export interface PredictSettings {
  /** Classes of an image, or all where there are fewer. Default 5. */
  topK: number
  /** Each class by itself (sigmoid); unset: as the model was trained. Default false. */
  multiLabel: boolean
  /** Images that go through the model at once. Default 32. */
  batchSize: number
  /** Arithmetic of the matrix products. Default "fp32". */
  precision: 'fp32' | 'bf16'
  /** An image of more pixels is refused. Default 179000000. */
  maxPixels: number
  /** When aborted, the call ends with its reason. */
  signal: AbortSignal | null
}

/** What a caller of `predict()` gives. */
export type PredictOptions = Partial<PredictSettings>

/** The options of `predict()` as data: types, ranges, defaults and texts. */
export const predictSchema: OptionSchema = {
  topK: { type: 'integer', min: 1, default: 5, doc: 'Classes of an image, or all where there are fewer' },
  multiLabel: {
    type: 'boolean',
    default: false,
    doc: 'Each class by itself (sigmoid); unset: as the model was trained',
  },
  batchSize: { type: 'integer', min: 1, default: 32, doc: 'Images that go through the model at once' },
  precision: {
    type: 'choice',
    choices: ['fp32', 'bf16'],
    default: 'fp32',
    doc: 'Arithmetic of the matrix products',
  },
  maxPixels: {
    type: 'integer',
    min: 1,
    default: DEFAULT_MAX_PIXELS,
    doc: 'An image of more pixels is refused',
  },
  signal: signalOption('When aborted, the call ends with its reason'),
}

/** What {@link BeitForImageClassification.predict} takes. */
export type PredictInput = EncodedImage | readonly EncodedImage[] | Tensor

/** {@link BeitForImageClassification.predict} */
export async function predict(
  model: BeitForImageClassification,
  images: PredictInput,
  options: PredictOptions,
): Promise<Prediction[][]> {
  const settings = validateOptions<PredictSettings>('predict', predictSchema, {
    multiLabel: model.multiLabel,
    ...defined(options),
  })
  const scoring = predictionScoring(model, settings)
  if (images instanceof Tensor) return predictTensor(model, images, scoring)
  const list = typeof images === 'string' || images instanceof Uint8Array ? [images] : images
  checkImages(list)
  const views = preprocessedViews(model.config.imageSize, model.preprocessing, settings.maxPixels)
  const predictions: Prediction[][] = []
  for (let start = 0; start < list.length; start += settings.batchSize) {
    settings.signal?.throwIfAborted()
    using pixels = await imagePixels(list.slice(start, start + settings.batchSize), views, start)
    const scores = await native().classifierScores(model.handle, pixels.handle, null, scoring)
    const nameOf = (row: number) => {
      const image = list[start + row]
      return typeof image === 'string' ? image : `images[${start + row}]`
    }
    checkFinite(scores, nameOf, scoring)
    predictions.push(...predictionsOf(scores, model.labels))
  }
  return predictions
}

/** How the classifier is asked for its likeliest classes. */
export function predictionScoring(
  model: BeitForImageClassification,
  { topK, multiLabel, precision }: Pick<PredictSettings, 'topK' | 'multiLabel' | 'precision'>,
): ScoringSettings {
  const { mean, std } = model.preprocessing
  const loss = multiLabel ? 'binary-cross-entropy' : 'cross-entropy'
  return { mean, std, loss, precision, topK: Math.min(topK, model.config.numClasses) }
}

/**
 * @param nameOf of an image by its row, for messages
 * @throws BeitError ERR_NON_FINITE for scores that are no numbers
 */
export function checkFinite(
  { probabilities, classesPerImage }: ClassifierScores,
  nameOf: (row: number) => string,
  { precision }: ScoringSettings,
): void {
  const wrong = probabilities.findIndex((probability) => !Number.isFinite(probability))
  if (wrong < 0) return
  throw scoresNotFinite('predict', nameOf(Math.floor(wrong / classesPerImage)), precision)
}

/** The error of a classifier that gives no numbers for `image`. */
export function scoresNotFinite(
  call: string,
  image: string,
  precision: ScoringSettings['precision'],
): BeitError {
  return new BeitError(
    'ERR_NON_FINITE',
    `${call}: the model's scores of ${image} are not finite numbers: its weights are broken, or too large for ` +
      precision,
  )
}

/** The classes of each image, likeliest first. */
export function predictionsOf(
  { classes, probabilities, classesPerImage }: ClassifierScores,
  labels: readonly string[] | null,
): Prediction[][] {
  const images = classes.length / classesPerImage
  return Array.from({ length: images }, (_, row) =>
    Array.from({ length: classesPerImage }, (_, i) => {
      const classId = classes[row * classesPerImage + i] as number
      const probability = probabilities[row * classesPerImage + i] as number
      return { label: labels?.[classId] ?? String(classId), classId, probability }
    }),
  )
}

async function predictTensor(
  model: BeitForImageClassification,
  pixels: Tensor,
  scoring: ScoringSettings,
): Promise<Prediction[][]> {
  const isFloat = FLOAT_DTYPES.includes(pixels.dtype) && pixels.dtype !== 'float32'
  const taken = isFloat ? await pixels.to({ dtype: 'float32' }) : pixels
  try {
    const scores = await native().classifierScores(model.handle, taken.handle, null, scoring)
    checkFinite(scores, (row) => `row ${row} of the tensor`, scoring)
    return predictionsOf(scores, model.labels)
  } finally {
    if (taken !== pixels) taken.dispose()
  }
}

function checkImages(images: unknown): asserts images is readonly EncodedImage[] {
  const isImage = (value: unknown) =>
    (typeof value === 'string' && value !== '') || value instanceof Uint8Array
  if (!Array.isArray(images) || !images.every(isImage)) {
    throw invalidArgument('images', 'paths, bytes of encoded images, or a Tensor [B, 3, H, W]', images)
  }
}
