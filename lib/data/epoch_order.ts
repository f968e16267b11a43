/**
 * Which samples make up which batch: a pure function of (seed, epoch), the same for every number of threads
 * and from every point of resumption.
 */
import { native } from '../binding.js'

/** The place of a batch in a run. */
export interface BatchPosition {
  /** Counted from 0. */
  epoch: number
  /** 0 <= batch < batchesPerEpoch */
  batch: number
}

/** How epochs are cut into batches. */
export interface EpochOrderOptions {
  batchSize: number
  dropLast: boolean
  /** Null: the order of the source, in every epoch. */
  seed: number | null
  /**
   * Repeated augmentation (https://arxiv.org/abs/1902.05509) as DeiT's sampler has it: each image comes this
   * often in a row, and an epoch keeps its length, so that it shows but one image of `repeats`. Default 1.
   */
  repeats?: number
}

export class EpochOrder {
  readonly batchesPerEpoch: number
  /** Different images that take part in an epoch: all of them, or those of its whole batches. */
  readonly imagesPerEpoch: number
  readonly #count: number
  readonly #batchSize: number
  readonly #seed: number | null
  readonly #repeats: number
  /** The orders in use: of the epoch being consumed and of the one being prefetched. */
  readonly #permutations = new Map<number, Promise<Uint32Array>>()

  constructor(count: number, { batchSize, dropLast, seed, repeats = 1 }: EpochOrderOptions) {
    this.#count = count
    this.#batchSize = batchSize
    this.#seed = seed
    this.#repeats = repeats
    this.batchesPerEpoch = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize)
    this.imagesPerEpoch = Math.ceil(Math.min(count, this.batchesPerEpoch * batchSize) / repeats)
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
  async indices(position: BatchPosition): Promise<number[]> {
    return (await this.draws(position)).map((draw) => draw % this.#count)
  }

  /**
   * The samples of a batch with the copy that each is: index + copy * count, copy 0 the first. It decides
   * every random number of the copy.
   */
  async draws({ epoch, batch }: BatchPosition): Promise<number[]> {
    const start = batch * this.#batchSize
    const end = Math.min(start + this.#batchSize, this.#count)
    const order = this.#seed === null ? null : await this.#permutation(epoch, this.#seed)
    return Array.from({ length: end - start }, (_, i) => {
      const place = Math.floor((start + i) / this.#repeats)
      const copy = (start + i) % this.#repeats
      return (order === null ? place : (order[place] as number)) + copy * this.#count
    })
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
