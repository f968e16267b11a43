/** Scores of images that belong to one class each. */
import { weightsOf } from '../data/batch_targets.js'
import type { LabelledImages, Target } from '../data/labels.js'
import type { ClassifierScores } from '../native.js'
import type { ConfusionCount } from './classification_evaluation.js'
import { Losses, type TalliedScores, type Tally } from './tally.js'

const TOP = 5

export class SingleLabelTally implements Tally {
  readonly topK: number
  readonly #data: LabelledImages
  readonly #losses: Losses
  /** By actual class: how often each class was predicted. */
  readonly #predictions: Map<number, number>[]
  #correct = 0
  #correct5 = 0

  constructor(data: LabelledImages) {
    this.#data = data
    this.topK = Math.min(TOP, data.classes.length)
    this.#losses = new Losses(data.length)
    this.#predictions = data.classes.map(() => new Map())
  }

  add(indices: readonly number[], scores: ClassifierScores): void {
    this.#losses.add(indices, scores)
    for (const [row, index] of indices.entries()) {
      const actual = mainClass(this.#data.targets(index))
      const best = scores.classes.subarray(row * this.topK, (row + 1) * this.topK)
      const predicted = best[0] as number
      if (predicted === actual) this.#correct++
      if (best.includes(actual)) this.#correct5++
      const counts = this.#predictions[actual]
      counts?.set(predicted, (counts.get(predicted) ?? 0) + 1)
    }
  }

  result(): TalliedScores {
    const { images, mean } = this.#losses
    const perClass = this.#data.classes.map((name, id) => {
      const counts = this.#predictions[id] as Map<number, number>
      const ofClass = [...counts.values()].reduce((sum, count) => sum + count, 0)
      return { name, images: ofClass, accuracy: ofClass === 0 ? null : (counts.get(id) ?? 0) / ofClass }
    })
    const confusion = this.#predictions.flatMap((counts, actual): ConfusionCount[] =>
      [...counts]
        .map(([predicted, count]) => [actual, predicted, count] as const)
        .sort((a, b) => a[1] - b[1]),
    )
    return {
      images,
      loss: mean,
      accuracy: this.#correct / images,
      accuracy5: this.#correct5 / images,
      perClass,
      confusion,
      multiLabel: null,
    }
  }
}

/** The class of most weight, the lower id among equals; -1 where none has any. */
function mainClass(target: Target): number {
  let [best, most] = [-1, 0]
  for (const [id, weight] of weightsOf(target)) if (weight > most) [best, most] = [id, weight]
  return best
}
