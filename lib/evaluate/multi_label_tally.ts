/** Scores of images that belong to any number of classes each. */
import { weightsOf } from '../data/batch_targets.js'
import type { LabelledImages } from '../data/labels.js'
import type { ClassifierScores } from '../native.js'
import { averagePrecision } from './average_precision.js'
import { Losses, type TalliedScores, type Tally } from './tally.js'

/** A class is said to be there from this probability on, and an image has it from this weight on. */
const THRESHOLD = 0.5
const TOP = 5

export class MultiLabelTally implements Tally {
  readonly topK = null
  readonly #data: LabelledImages
  readonly #losses: Losses
  /** Images that were scored, and their probabilities (images, C), as they came. */
  readonly #indices: number[] = []
  readonly #probabilities: Float32Array

  constructor(data: LabelledImages) {
    this.#data = data
    this.#losses = new Losses(data.length)
    this.#probabilities = new Float32Array(data.length * data.classes.length)
  }

  add(indices: readonly number[], scores: ClassifierScores): void {
    this.#losses.add(indices, scores)
    this.#probabilities.set(scores.probabilities, this.#indices.length * this.#data.classes.length)
    this.#indices.push(...indices)
  }

  result(): TalliedScores {
    const classes = this.#data.classes.length
    const targets = this.#indices.map((index) => this.#classesOf(index))
    const scored = this.#data.classes.map((name, id) => {
      const probabilities = this.#indices.map((_, row) => this.#probabilities[row * classes + id] as number)
      const actual = targets.map((ids) => ids.has(id))
      return { name, ...scoresOfClass(probabilities, actual) }
    })
    const withClass = targets.flatMap((ids, row) => (ids.size === 0 ? [] : [{ ids, best: this.#best(row) }]))
    const share = (top: number) =>
      withClass.filter(({ ids, best }) => best.slice(0, top).some((id) => ids.has(id))).length /
      withClass.length
    return {
      images: this.#losses.images,
      loss: this.#losses.mean,
      accuracy: share(1),
      accuracy5: share(TOP),
      perClass: scored.map(({ name, images, recall }) => ({ name, images, accuracy: recall })),
      confusion: [],
      multiLabel: {
        meanAveragePrecision: mean(scored.map((scores) => scores.averagePrecision)),
        f1: mean(scored.map(({ f1 }) => f1)),
        perClass: scored.map(({ averagePrecision, precision, f1 }) => ({ averagePrecision, precision, f1 })),
      },
    }
  }

  #classesOf(index: number): ReadonlySet<number> {
    const weights = [...weightsOf(this.#data.targets(index))]
    return new Set(weights.filter(([, weight]) => weight >= THRESHOLD).map(([id]) => id))
  }

  /** The likeliest classes of a row, the lower id first among equals. */
  #best(row: number): number[] {
    const classes = this.#data.classes.length
    const probabilities = this.#probabilities.subarray(row * classes, (row + 1) * classes)
    const ids = Array.from(probabilities, (_, id) => id)
    return ids.sort((a, b) => (probabilities[b] as number) - (probabilities[a] as number)).slice(0, TOP)
  }
}

function scoresOfClass(probabilities: readonly number[], actual: readonly boolean[]) {
  const said = probabilities.map((probability) => probability >= THRESHOLD)
  const count = (right: (row: number) => boolean | undefined) => actual.filter((_, row) => right(row)).length
  const images = count((row) => actual[row])
  const yes = count((row) => said[row])
  const hits = count((row) => actual[row] && said[row])
  return {
    images,
    averagePrecision: averagePrecision(probabilities, actual),
    precision: yes === 0 ? null : hits / yes,
    recall: images === 0 ? null : hits / images,
    f1: images === 0 ? null : (2 * hits) / (images + yes),
  }
}

function mean(values: readonly (number | null)[]): number {
  const known = values.filter((value) => value !== null)
  return known.reduce((sum, value) => sum + value, 0) / known.length
}
