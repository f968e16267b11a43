/**
 * The list of images that could not be read, and the limit above which a run stops.
 */
import { BeitError } from '../errors.js'

/** An image that was left out of its batch. */
export interface BrokenImage {
  /** Name of the sample in its data set. */
  key: string
  /** The image, or the shard that holds it. */
  path: string
  /** First byte of the image in `path`. */
  offset: number
  /** Why it could not be read. */
  message: string
}

/** As a batch reports them: with the index of the sample. */
export interface BrokenSample extends BrokenImage {
  index: number
}

/** `lists` as one, each image once. */
export function mergeBroken(...lists: readonly (readonly BrokenImage[])[]): BrokenImage[] {
  const identity = ({ path, offset, key }: BrokenImage) => JSON.stringify([path, offset, key])
  return [...new Map(lists.flat().map((image) => [identity(image), image])).values()]
}

/**
 * Each broken image is listed once, in the order in which batches reach the consumer. The limit counts an
 * epoch: it is `maxShare` of the images of an epoch, but at least one (a small set survives one bad file)
 * unless `maxShare` is 0, and never all of them. It is checked with every batch, so a run stops as soon as
 * the epoch cannot end below it.
 */
export class BrokenImages {
  readonly list: BrokenImage[] = []
  readonly #known = new Set<number>()
  readonly #perEpoch: number
  readonly #allowed: number
  readonly #maxShare: number
  #epoch = -1
  #inEpoch = new Map<number, BrokenSample>()

  constructor(imagesPerEpoch: number, maxShare: number) {
    this.#perEpoch = imagesPerEpoch
    this.#maxShare = maxShare
    const share = Math.floor(imagesPerEpoch * maxShare)
    this.#allowed = maxShare === 0 ? 0 : Math.min(Math.max(1, share), imagesPerEpoch - 1)
  }

  /** Adds what one batch left out. @throws BeitError ERR_DATA when the epoch has more than the limit */
  add(epoch: number, samples: readonly BrokenSample[]): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      this.#inEpoch = new Map()
    }
    for (const sample of samples) {
      this.#inEpoch.set(sample.index, sample)
      if (this.#known.has(sample.index)) continue
      this.#known.add(sample.index)
      const { key, path, offset, message } = sample
      this.list.push({ key, path, offset, message })
    }
    if (this.#inEpoch.size > this.#allowed) throw this.#tooMany()
  }

  #tooMany(): BeitError {
    const count = this.#inEpoch.size
    const first = [...this.#inEpoch.values()]
      .slice(0, 3)
      .map(({ key, path, message }) => `${key} in ${path}: ${message}`)
    const more = count > first.length ? `; and ${count - first.length} more` : ''
    return new BeitError(
      'ERR_DATA',
      `${count} images of epoch ${this.#epoch} cannot be read, and ${this.#allowed} of ${this.#perEpoch} ` +
        `are allowed (maxBrokenShare ${this.#maxShare}): ${first.join('; ')}${more}`,
    )
  }
}
