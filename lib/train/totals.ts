/** Sums over the steps of an epoch, of an interval or of an evaluation, and the means made of them. */
import type { StepResult } from '../native.js'

/** JSON form: token counts as plain numbers. */
export type SavedTotals = Omit<StepSums, 'tokenCounts'> & { tokenCounts: number[] }

interface StepSums {
  /** Steps in all, and those of them that were not skipped. */
  steps: number
  finite: number
  images: number
  /** Of those, images of steps that were not skipped. */
  counted: number
  seconds: number
  waited: number
  /** Sums of the means of the steps, each times its weight. */
  weight: number
  loss: number
  reconstruction: number
  kl: number
  masked: number
  correct: number
  tokenCounts: BigInt64Array
}

/** What a step took. */
export interface StepCost {
  images: number
  seconds: number
  /** Of those, seconds spent waiting for data. */
  waited: number
}

/** Adds steps up. Skipped ones count as time, not in the means. */
export class Totals {
  readonly #sums: StepSums

  constructor(saved?: SavedTotals) {
    this.#sums = saved
      ? { ...EMPTY, ...saved, tokenCounts: BigInt64Array.from(saved.tokenCounts, (count) => BigInt(count)) }
      : { ...EMPTY, tokenCounts: new BigInt64Array(0) }
  }

  add(result: StepResult, { images, seconds, waited }: StepCost): void {
    const sums = this.#sums
    sums.steps++
    sums.images += images
    sums.seconds += seconds
    sums.waited += waited
    if (!result.finite) return
    sums.finite++
    sums.counted += images
    // The loss of masked image modelling is a mean over masked tokens, that of the others over images.
    const weight = result.masked > 0 ? result.masked : images
    sums.weight += weight
    sums.loss += result.loss * weight
    sums.reconstruction += (result.reconstruction ?? 0) * weight
    sums.kl += (result.kl ?? 0) * weight
    sums.masked += result.masked
    sums.correct += result.correct
    if (sums.tokenCounts.length === 0) sums.tokenCounts = new BigInt64Array(result.tokenCounts.length)
    addCounts(sums.tokenCounts, result.tokenCounts)
  }

  get steps(): number {
    return this.#sums.steps
  }

  get images(): number {
    return this.#sums.images
  }

  /**
   * The steps as if they had been one: what `Objective.metrics` takes. The losses are NaN when all were
   * skipped.
   */
  get result(): StepResult {
    const { finite, counted, weight, loss, reconstruction, kl, masked, correct, tokenCounts } = this.#sums
    return {
      loss: loss / weight,
      gradientNorm: 0,
      finite: finite > 0,
      masked,
      correct,
      images: counted,
      reconstruction: reconstruction / weight,
      kl: kl / weight,
      tokenCounts,
    }
  }

  get pace(): { seconds: number; imagesPerSecond: number; waiting: number } {
    return pace(this.#sums)
  }

  toJSON(): SavedTotals {
    return { ...this.#sums, tokenCounts: Array.from(this.#sums.tokenCounts, Number) }
  }
}

/** By index: an iterator over 8192 BigInts takes forty times as long. */
function addCounts(sums: BigInt64Array, counts: BigInt64Array): void {
  for (let token = 0; token < counts.length; token++) {
    sums[token] = (sums[token] as bigint) + (counts[token] as bigint)
  }
}

/** Images per second, and the share of the time spent waiting. */
export function pace({ images, seconds, waited }: StepCost) {
  return { seconds, imagesPerSecond: images / seconds, waiting: waited / seconds }
}

const EMPTY = {
  steps: 0,
  finite: 0,
  images: 0,
  counted: 0,
  seconds: 0,
  waited: 0,
  weight: 0,
  loss: 0,
  reconstruction: 0,
  kl: 0,
  masked: 0,
  correct: 0,
}
