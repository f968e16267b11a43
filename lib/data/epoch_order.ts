/**
 * Which samples make up which batch: a pure function of (seed, epoch), the same for every number of threads
 * and from every point of resumption.
 */
import { native } from '../binding.js'

/** The place of a batch in a run. */
export interface BatchPosition {
  epoch: number
  /** 0 <= batch < batchesPerEpoch */
  batch: number
}

export class EpochOrder {
  readonly batchesPerEpoch: number
  /** Images that take part in an epoch: all of them, or those of its whole batches. */
  readonly imagesPerEpoch: number
  readonly #count: number
  readonly #batchSize: number
  readonly #seed: number | null
  /** The orders in use: of the epoch being consumed and of the one being prefetched. */
  readonly #permutations = new Map<number, Promise<Uint32Array>>()

  /** @param seed null: the order of the source, in every epoch */
  constructor(count: number, options: { batchSize: number; dropLast: boolean; seed: number | null }) {
    const { batchSize, dropLast, seed } = options
    this.#count = count
    this.#batchSize = batchSize
    this.#seed = seed
    this.batchesPerEpoch = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize)
    this.imagesPerEpoch = Math.min(count, this.batchesPerEpoch * batchSize)
  }

  /** Every batch from `start` to the end of the last epoch. */
  *positions(start: BatchPosition, epochs: number): Generator<BatchPosition> {
    let first = start.batch
    for (let epoch = start.epoch; epoch < epochs; epoch++) {
      for (let batch = first; batch < this.batchesPerEpoch; batch++) yield { epoch, batch }
      first = 0
    }
  }

  /** Indices of the samples of a batch. */
  async indices({ epoch, batch }: BatchPosition): Promise<number[]> {
    const start = batch * this.#batchSize
    const end = Math.min(start + this.#batchSize, this.#count)
    if (this.#seed === null) return Array.from({ length: end - start }, (_, i) => start + i)
    return Array.from((await this.#permutation(epoch, this.#seed)).subarray(start, end))
  }

  #permutation(epoch: number, seed: number): Promise<Uint32Array> {
    let permutation = this.#permutations.get(epoch)
    if (permutation === undefined) {
      permutation = native().permutation(this.#count, seed, epoch)
      this.#permutations.set(epoch, permutation)
      // Batches are asked for in order, so what is older than the epoch before is done with.
      this.#permutations.delete(epoch - 2)
    }
    return permutation
  }
}
