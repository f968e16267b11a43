/** Evaluation of a classifier while it is trained: of its weights, and of their running average. */

import type { LabelledImages } from '../data/labels.js'
import type { ClassificationEvaluation } from '../evaluate/classification_evaluation.js'
import { evaluate } from '../evaluate/evaluate.js'
import type { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import type { ClassificationScores } from './events.js'
import type { FinetuneSettings } from './finetune_options.js'
import type { Score } from './run_state.js'
import type { Evaluate } from './training.js'

/** Evaluates `model`, and `ema` where there is one, by which the best checkpoint is chosen then. */
export function classificationEvaluation(
  settings: FinetuneSettings,
  ema: BeitForImageClassification | null,
): Evaluate<ClassificationScores & { ema: ClassificationScores | null }> {
  return async (_trainer, source) => {
    const own = await evaluateUnlessStopped(settings.model, source as LabelledImages, settings)
    if (own === null) return null
    const averaged = ema && (await evaluateUnlessStopped(ema, source as LabelledImages, settings))
    if (ema !== null && averaged === null) return null
    const { images, broken } = own
    const fields = { ...scoresOf(own), ema: averaged && scoresOf(averaged) }
    return { fields, images, broken, score: scoreOf(averaged ?? own) }
  }
}

/** null when the signal was aborted on the way. */
async function evaluateUnlessStopped(
  model: BeitForImageClassification,
  data: LabelledImages,
  {
    loss,
    batchSize,
    precision,
    loaderThreads,
    prefetch,
    maxBrokenShare,
    maxPixels,
    signal,
  }: FinetuneSettings,
): Promise<ClassificationEvaluation | null> {
  const scoring = { loss, batchSize, precision, loaderThreads, prefetch, maxBrokenShare, maxPixels, signal }
  try {
    return await evaluate({ model, data, ...scoring })
  } catch (error) {
    if (signal?.aborted) return null
    throw error
  }
}

const scoresOf = ({ images, broken, seconds, ...scores }: ClassificationEvaluation): ClassificationScores =>
  scores

/**
 * Of images with several classes the mean average precision: no threshold enters it. The loss where no image has
 * a class.
 */
function scoreOf({ loss, accuracy, multiLabel }: ClassificationEvaluation): Score {
  const [metric, value] =
    multiLabel === null
      ? (['accuracy', accuracy] as const)
      : (['meanAveragePrecision', multiLabel.meanAveragePrecision] as const)
  return value === null ? { metric: 'loss', value: loss } : { metric, value }
}
