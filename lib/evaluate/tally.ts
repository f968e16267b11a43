/**
 * Sums up what a classifier says of images, each under its index: whatever batches they came in and whatever
 * their order, the sums are taken in the order of the images.
 */
import type { ClassifierScores } from '../native.js'
import type { ClassificationEvaluation } from './classification_evaluation.js'

export type TalliedScores = Omit<ClassificationEvaluation, 'broken' | 'seconds'>

export interface Tally {
  /** What it needs of each image: so many likeliest classes, or all classes (null). */
  readonly topK: number | null
  /** `scores` are those of the images `indices`. */
  add(indices: readonly number[], scores: ClassifierScores): void
  /** @throws the signal's reason when it is aborted */
  result(signal?: AbortSignal | null): TalliedScores | Promise<TalliedScores>
}

/** The losses of the images that were scored. */
export class Losses {
  readonly #losses: Float64Array
  #images = 0

  /** @param length images in all; some may never be scored */
  constructor(length: number) {
    this.#losses = new Float64Array(length)
  }

  add(indices: readonly number[], { losses }: ClassifierScores): void {
    for (const [row, index] of indices.entries()) this.#losses[index] = losses[row] as number
    this.#images += indices.length
  }

  get images(): number {
    return this.#images
  }

  get mean(): number {
    return this.#losses.reduce((sum, loss) => sum + loss, 0) / this.#images
  }
}
