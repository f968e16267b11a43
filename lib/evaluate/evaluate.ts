/** Evaluation of a classifier on labelled images. */
import { native } from '../binding.js'
import { batchTargets } from '../data/batch_targets.js'
import { type Batch, batchesInOrder } from '../data/batches.js'
import { checkDistributions } from '../data/check_distributions.js'
import type { ImageSource } from '../data/image_source.js'
import { type LabelledImages, labelled } from '../data/labels.js'
import { preprocessedViews } from '../data/preprocessed_views.js'
import { BeitError } from '../errors.js'
import type { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import { scoresNotFinite } from '../models/predict.js'
import type { ClassifierScores, ScoringSettings } from '../native.js'
import { defined, validateOptions } from '../options.js'
import type { ClassificationEvaluation } from './classification_evaluation.js'
import { type EvaluateOptions, type EvaluateSettings, evaluateSchema } from './evaluate_options.js'
import { frozenPreprocessing, usingThreads } from './frozen_model.js'
import { MultiLabelTally } from './multi_label_tally.js'
import { SingleLabelTally } from './single_label_tally.js'

/**
 * How well `model` classifies `data`: loss, top-1 and top-5 accuracy, and each class by itself; for images with
 * several classes mean average precision and F1 too. Images are made as the model's own preprocessing has it
 * (resized and cropped in the middle, or resized whole), where the options do not say otherwise.
 *
 * Batch size, loader threads and the order of the images do not enter: each image is scored by itself and the
 * sums are taken in the order of the data. What remains is the rounding of matrix products, whose kernels libtorch
 * chooses by size: about 1e-6 of a logit in float32. Only an image whose two likeliest classes are that near can
 * change sides.
 *
 * @param options `data` is brought to the model's classes by name, where the model has names
 * @throws BeitError before anything is computed: ERR_INVALID_ARGUMENT for a wrong option, ERR_DATA for labels that
 * are missing or out of range or unknown to the model and for weights that cross-entropy cannot take,
 * ERR_SHAPE_MISMATCH when the model has another number of classes; later ERR_DATA when too many images cannot be read, ERR_NON_FINITE when the model gives no numbers
 * @throws the signal's reason when it is aborted
 * @example
 * const model = await BeitForImageClassification.load('hens.safetensors')
 * const { accuracy, perClass } = await evaluate({ model, data: await openImages('photos/val') })
 */
export async function evaluate(options: EvaluateOptions): Promise<ClassificationEvaluation> {
  const settings = validateOptions<EvaluateSettings>('evaluate', evaluateSchema, defined(options))
  const { model, onProgress } = settings
  const data = await labelledFor(model, settings.data)
  const several = data.targetKind === 'classes'
  const loss = settings.loss ?? (several || model.multiLabel ? 'binary-cross-entropy' : 'cross-entropy')
  if (several && loss === 'cross-entropy') {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `evaluate: the images of ${data.name} have several classes or none: give loss 'binary-cross-entropy'`,
    )
  }
  if (loss === 'cross-entropy') await checkDistributions(data)
  const multiLabel = data.targetKind !== 'class' && loss === 'binary-cross-entropy'
  const tally = multiLabel ? new MultiLabelTally(data) : new SingleLabelTally(data)
  const preprocessing = frozenPreprocessing(settings)
  const { mean, std } = preprocessing
  const scoring = { mean, std, loss, precision: settings.precision, topK: tally.topK }
  const began = performance.now()
  const views = preprocessedViews(model.config.imageSize, preprocessing, settings.maxPixels)
  const stream = batchesInOrder(data, views, settings)
  await usingThreads(settings.threads, async () => {
    let images = 0
    for await (const batch of stream) {
      using held = batch
      tally.add(held.indices, await scoresOf(held, model, data, scoring))
      images += held.indices.length
      onProgress?.({ images, of: data.length })
    }
  })
  const scores = await tally.result(settings.signal)
  return { ...scores, broken: stream.broken, seconds: (performance.now() - began) / 1000 }
}

/** Labels as the model numbers them. */
async function labelledFor(model: BeitForImageClassification, source: ImageSource): Promise<LabelledImages> {
  const data = await labelled(source, { classes: model.labels })
  const { numClasses } = model.config
  if (data.classes.length === numClasses) return data
  throw new BeitError(
    'ERR_SHAPE_MISMATCH',
    `evaluate: the model has ${numClasses} classes without names, but ${data.name} has ${data.classes.length}: ` +
      'give the model their names (labels), or take the model of these classes',
  )
}

async function scoresOf(
  { pixels, indices }: Batch,
  model: BeitForImageClassification,
  data: LabelledImages,
  scoring: ScoringSettings,
): Promise<ClassifierScores> {
  using targets = batchTargets(data, indices, { numClasses: model.config.numClasses })
  const scores = await native().classifierScores(model.handle, pixels.handle, targets.handle, scoring)
  const row = scores.losses.findIndex((loss) => !Number.isFinite(loss))
  if (row < 0) return scores
  throw scoresNotFinite('evaluate', data.sample(indices[row] as number).key, scoring.precision)
}
