/** What the confusions of an evaluation say: which classes are taken for which. */
import { BeitError } from '../errors.js'
import type { ClassificationEvaluation } from './classification_evaluation.js'

/** The part of an evaluation that has the confusions, by class ids, and the names. */
export type Confused = Pick<ClassificationEvaluation, 'perClass' | 'confusion'>

/** Images of one class that were taken for another. */
export interface Mistake {
  /** The class they are of. */
  actual: string
  /** The class they were taken for. */
  predicted: string
  /** How many. */
  images: number
  /** Of the images of `actual`. */
  share: number
}

/**
 * The mistakes of an evaluation: most images first, then the larger share, then the order of classes.
 *
 * @example
 * const evaluation = await evaluate({ model: classifier, data: validation })
 * for (const { actual, predicted, images } of mistakes(evaluation)) console.log(actual, predicted, images)
 */
export function mistakes(evaluation: Confused): Mistake[] {
  const totals = rowTotals(evaluation)
  const name = (id: number) => evaluation.perClass[id]?.name as string
  return evaluation.confusion
    .filter(([actual, predicted]) => actual !== predicted)
    .map(([actual, predicted, images]) => {
      const share = images / (totals[actual] as number)
      return { actual: name(actual), predicted: name(predicted), images, share }
    })
    .sort((a, b) => b.images - a.images || b.share - a.share)
}

/** Images of each class that were taken for one. */
export function rowTotals({ perClass, confusion }: Confused): number[] {
  const totals = perClass.map(() => 0)
  for (const [actual, , images] of confusion) totals[actual] = (totals[actual] as number) + images
  return totals
}

/**
 * Images of one class, and the share of them that was taken for it.
 * @throws BeitError ERR_INVALID_ARGUMENT where there is nothing to tell: images have several classes
 */
export function confusionSummary({ confusion }: Confused): { images: number; accuracy: number } {
  if (confusion.length === 0) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      'the evaluation has no confusions: they are told of images that have one class each',
    )
  }
  let [all, right] = [0, 0]
  for (const [actual, predicted, images] of confusion) {
    all += images
    if (actual === predicted) right += images
  }
  return { images: all, accuracy: right / all }
}
