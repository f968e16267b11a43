/** What `evaluate()` says of a classifier. Plain objects that JSON can hold. */
import type { BrokenImage } from '../data/broken_images.js'

/** What {@link evaluate} found. */
export interface ClassificationEvaluation {
  /** Images that were scored. */
  images: number
  /** Mean over the images, without label smoothing and mixing: cross-entropy, or binary cross-entropy a class. */
  loss: number
  /**
   * Top-1: share of the images whose likeliest class is theirs; among equals the lower id is taken. Of images
   * with several classes: is one of theirs, where they have any; null where none has.
   */
  accuracy: number | null
  /** Top-5: the same of the five likeliest classes, or of all where there are fewer. */
  accuracy5: number | null
  /** By class id. */
  perClass: ClassScores[]
  /**
   * How often images of one class were taken for one class, where that happened at all: by actual, then by
   * predicted class. `confusionMatrix` makes a matrix of it. Empty for images with several classes.
   */
  confusion: ConfusionCount[]
  /** null for images of one class. */
  multiLabel: MultiLabelScores | null
  /** Images that were left out because they could not be read. */
  broken: readonly BrokenImage[]
  /** The whole evaluation, reading images included. */
  seconds: number
}

/** How the images of one class were told. */
export interface ClassScores {
  /** Name of the class. */
  name: string
  /** Images of this class. */
  images: number
  /**
   * Share of them that was taken for this class; of images with several classes: that has it with a probability
   * of 0.5 or more. null without an image.
   */
  accuracy: number | null
}

/** Class ids, and how many images of the actual class were taken for the predicted one. */
export type ConfusionCount = readonly [actual: number, predicted: number, images: number]

/** Means are over the classes that have an image, null where none has; a probability of 0.5 or more is a yes. */
export interface MultiLabelScores {
  /** Mean of the average precisions: area under precision over recall, without interpolation. */
  meanAveragePrecision: number | null
  /** Mean of the F1 scores of the classes (macro). */
  f1: number | null
  /** By class id; averagePrecision and f1 are null for a class without an image. */
  perClass: { averagePrecision: number | null; precision: number | null; f1: number | null }[]
}

/**
 * Counts of images: a row for each actual class, a column for each predicted one.
 *
 * @example
 * const matrix = confusionMatrix(await evaluate({ model: classifier, data: validation }))
 * console.log(matrix[0]) // what the images of the first class were taken for
 */
export function confusionMatrix({
  perClass,
  confusion,
}: Pick<ClassificationEvaluation, 'perClass' | 'confusion'>): number[][] {
  const rows = perClass.map(() => new Array<number>(perClass.length).fill(0))
  for (const [actual, predicted, images] of confusion) (rows[actual] as number[])[predicted] = images
  return rows
}
