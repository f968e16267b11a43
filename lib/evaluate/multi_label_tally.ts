/** Scores of images that belong to any number of classes each. */
import { setImmediate as breathe } from 'node:timers/promises'
import { weightsOf } from '../data/batch_targets.js'
import type { LabelledImages } from '../data/labels.js'
import { BeitError } from '../errors.js'
import type { ClassifierScores } from '../native.js'
import { averagePrecision } from './average_precision.js'
import { Losses, type TalliedScores, type Tally } from './tally.js'

/** A class is said to be there from this probability on, and an image has it from this weight on. */
const THRESHOLD = 0.5
const TOP = 5
/** Probabilities that are ranked between two turns of the event loop: some 5 ms. */
const SLICE = 50_000

export class MultiLabelTally implements Tally {
  readonly topK = null
  readonly #losses: Losses
  /** Images that were scored, and their probabilities (images, C), as they came. */
  #images = 0
  readonly #probabilities: Float32Array
  /** By class id: the rows of the images that have it. */
  readonly #rowsOf: number[][]
  /** Images with a class, and those of which one is the likeliest or among the likeliest five. */
  #withClass = 0
  #correct = 0
  #correct5 = 0

  /** @throws BeitError ERR_OUT_OF_MEMORY for more probabilities than memory holds */
  constructor(private readonly data: LabelledImages) {
    this.#losses = new Losses(data.length)
    this.#probabilities = probabilitiesFor(data)
    this.#rowsOf = data.classes.map(() => [])
  }

  add(indices: readonly number[], scores: ClassifierScores): void {
    const classes = this.data.classes.length
    this.#losses.add(indices, scores)
    this.#probabilities.set(scores.probabilities, this.#images * classes)
    for (const [i, index] of indices.entries()) {
      this.#addImage(index, scores.probabilities.subarray(i * classes, (i + 1) * classes))
    }
  }

  #addImage(index: number, probabilities: Float32Array): void {
    const row = this.#images++
    const ids = new Set<number>()
    for (const [id, weight] of weightsOf(this.data.targets(index))) if (weight >= THRESHOLD) ids.add(id)
    for (const id of ids) this.#rowsOf[id]?.push(row)
    if (ids.size === 0) return
    const best = likeliest(probabilities)
    this.#withClass++
    if (ids.has(best[0] as number)) this.#correct++
    if (best.some((id) => ids.has(id))) this.#correct5++
  }

  async result(signal: AbortSignal | null = null): Promise<TalliedScores> {
    const { classes } = this.data
    const scored: (ClassScore & { name: string })[] = []
    const probabilities = new Float32Array(this.#images)
    const actual = new Uint8Array(this.#images)
    let ranked = 0
    for (const [id, name] of classes.entries()) {
      for (let row = 0; row < this.#images; row++) {
        probabilities[row] = this.#probabilities[row * classes.length + id] as number
      }
      actual.fill(0)
      for (const row of this.#rowsOf[id] ?? []) actual[row] = 1
      scored.push({ name, ...scoresOfClass(probabilities, actual) })
      ranked += this.#images
      if (ranked < SLICE) continue
      ranked = 0
      await breathe()
      signal?.throwIfAborted()
    }
    const share = (correct: number) => (this.#withClass === 0 ? null : correct / this.#withClass)
    return {
      images: this.#losses.images,
      loss: this.#losses.mean,
      accuracy: share(this.#correct),
      accuracy5: share(this.#correct5),
      perClass: scored.map(({ name, images, recall }) => ({ name, images, accuracy: recall })),
      confusion: [],
      multiLabel: {
        meanAveragePrecision: mean(scored.map((scores) => scores.averagePrecision)),
        f1: mean(scored.map(({ f1 }) => f1)),
        perClass: scored.map(({ averagePrecision, precision, f1 }) => ({ averagePrecision, precision, f1 })),
      },
    }
  }
}

function probabilitiesFor({ name, length, classes }: LabelledImages): Float32Array {
  try {
    return new Float32Array(length * classes.length)
  } catch (cause) {
    const size = `${length} images of ${classes.length} classes`
    const message = `evaluate: no memory for the probabilities of ${name} (${size}): evaluate parts, by subset()`
    throw new BeitError('ERR_OUT_OF_MEMORY', message, { cause })
  }
}

/** The likeliest classes of an image, the lower id first among equals. */
function likeliest(probabilities: Float32Array): number[] {
  const best: number[] = []
  for (let id = 0; id < probabilities.length; id++) {
    const probability = probabilities[id] as number
    let place = best.length
    while (place > 0 && probability > (probabilities[best[place - 1] as number] as number)) place--
    if (place >= TOP) continue
    best.splice(place, 0, id)
    if (best.length > TOP) best.pop()
  }
  return best
}

type ClassScore = ReturnType<typeof scoresOfClass>

function scoresOfClass(probabilities: Float32Array, actual: Uint8Array) {
  let [images, yes, hits] = [0, 0, 0]
  for (let row = 0; row < actual.length; row++) {
    const said = Number((probabilities[row] as number) >= THRESHOLD)
    images += actual[row] as number
    yes += said
    hits += said * (actual[row] as number)
  }
  return {
    images,
    averagePrecision: averagePrecision(probabilities, actual),
    precision: yes === 0 ? null : hits / yes,
    recall: images === 0 ? null : hits / images,
    f1: images === 0 ? null : (2 * hits) / (images + yes),
  }
}

/** Of what is known; null where nothing is. */
function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}
