/** The images that a sheet shows. */
import { type Batch, batches } from '../data/batches.js'
import type { ImageSource } from '../data/image_source.js'
import { BeitError } from '../errors.js'
import type { ViewSettings } from '../native.js'

/** A few images of `source`, chosen by `seed`. The caller disposes the batch. */
export async function someImages(
  source: ImageSource,
  views: ViewSettings,
  count: number,
  seed: number,
): Promise<Batch> {
  const stream = batches(source, {
    views,
    batchSize: Math.min(count, source.length),
    epochs: 1,
    dropLast: false,
    seed,
    prefetch: 1,
    maxBrokenShare: 1,
  })
  for await (const batch of stream) return batch
  throw new BeitError('ERR_DATA', `no image of ${source.name} can be read`)
}
