/**
 * One batch from disk to tensors: the native loader decodes JPEG and makes the views; what it does not take
 * is decoded by sharp and goes through the same views; what nobody can decode is left out.
 */
import { native } from '../binding.js'
import type { ImageLoaderHandle, LoadedTensors, LoadResult, SampleRequest, ViewSettings } from '../native.js'
import type { BrokenSample } from './broken_images.js'
import { decodeFallback } from './decode_fallback.js'
import { type ImageSource, sampleOf } from './image_source.js'
import { Limiter } from './limiter.js'

export interface LoadedBatch {
  /** Null: every image of the batch is broken. */
  tensors: LoadedTensors | null
  /** Draws of {@link EpochOrder} in the tensors, in the order of their rows. */
  draws: number[]
  broken: BrokenSample[]
}

export class BatchLoader {
  readonly #source: ImageSource
  readonly #maxPixels: number
  readonly #loader: ImageLoaderHandle
  /** Shared by all batches in flight: as many images are decoded by sharp as the loader has threads. */
  readonly #fallback: Limiter
  #cancelled = false

  constructor(source: ImageSource, views: ViewSettings, threads: number, pinMemory: boolean) {
    this.#source = source
    this.#maxPixels = views.maxPixels
    this.#loader = native().imageLoaderCreate(views, threads, pinMemory)
    this.#fallback = new Limiter(threads)
  }

  /** Loads the samples that `draws` are of. The result depends on them and on `epoch` only. */
  async load(draws: readonly number[], epoch: number): Promise<LoadedBatch> {
    const requests = draws.map((draw): SampleRequest => {
      const { path, offset, length } = sampleOf(this.#source, draw % this.#source.length)
      return { path, offset, length, index: draw }
    })
    const result = await native().imageLoaderLoad(this.#loader, requests, epoch)
    try {
      // Reason of each row that stays empty; null: the row is filled.
      const failures = await Promise.all(
        requests.map((request, row) => {
          if (result.statuses[row] === 'ok') return null
          if (result.statuses[row] === 'broken') return result.messages[row] as string
          return this.#fallback.run(() => this.#decodeInto(result, row, request, epoch))
        }),
      )
      return await this.#leaveOut(failures, result, draws)
    } catch (error) {
      disposeTensors(result)
      throw error
    }
  }

  /** Gives up all loads in flight: they reject soon. */
  cancel(): void {
    this.#cancelled = true
    native().imageLoaderCancel(this.#loader)
  }

  dispose(): void {
    native().dispose(this.#loader)
  }

  /** Fills `row` from an image that sharp decodes; null, or why it cannot be decoded. */
  async #decodeInto(
    result: LoadResult,
    row: number,
    request: SampleRequest,
    epoch: number,
  ): Promise<string | null> {
    if (this.#cancelled) return 'cancelled'
    const decoded = await decodeFallback(request, this.#maxPixels).catch((error: Error) => error)
    if (decoded instanceof Error) return decoded.message
    await native().imageLoaderLoadRaw(this.#loader, result, row, { ...decoded, index: request.index }, epoch)
    return null
  }

  async #leaveOut(
    failures: readonly (string | null)[],
    result: LoadResult,
    draws: readonly number[],
  ): Promise<LoadedBatch> {
    const rows: number[] = []
    const broken: BrokenSample[] = []
    failures.forEach((message, row) => {
      const index = (draws[row] as number) % this.#source.length
      if (message === null) rows.push(row)
      else {
        const { key, path, offset } = this.#source.sample(index)
        broken.push({ index, key, path, offset, message })
      }
    })
    if (broken.length === 0) return { tensors: result, draws: [...draws], broken }
    const tensors = rows.length === 0 ? null : await native().imageLoaderTakeRows(this.#loader, result, rows)
    disposeTensors(result)
    return { tensors, draws: rows.map((row) => draws[row] as number), broken }
  }
}

export function disposeTensors({ pixels, tokenPixels, mask }: LoadedTensors): void {
  for (const tensor of [pixels, tokenPixels, mask]) if (tensor !== null) native().dispose(tensor)
}
