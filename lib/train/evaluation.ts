/** Evaluation on the validation images: in order, centre crops, the same masks every time. */
import { batches } from '../data/batches.js'
import type { BrokenImage } from '../data/broken_images.js'
import type { ImageSource } from '../data/image_source.js'
import type { StepSettings, ViewSettings } from '../native.js'
import type { RunSettings } from './run_options.js'
import { Totals } from './totals.js'
import type { Trainer } from './trainer.js'

/** What {@link evaluateTrainer} gives. */
export interface Evaluation {
  totals: Totals
  /** Images left out because they could not be read. */
  broken: readonly BrokenImage[]
}

/** Evaluates on all of `source`; null when the signal was aborted on the way. */
export async function evaluateTrainer(
  trainer: Trainer,
  source: ImageSource,
  views: ViewSettings,
  settings: RunSettings,
  stepSettings: StepSettings,
): Promise<Evaluation | null> {
  const { batchSize, loaderThreads, prefetch, maxBrokenShare, signal } = settings
  const totals = new Totals()
  const stream = batches(source, {
    views,
    batchSize,
    shuffle: false,
    dropLast: false,
    threads: loaderThreads ?? undefined,
    prefetch,
    epochs: 1,
    maxBrokenShare,
  })
  for await (const batch of stream) {
    try {
      if (signal?.aborted) return null
      const result = await trainer.evaluate(batch, stepSettings)
      totals.add(result, { images: batch.indices.length, seconds: 0, waited: batch.waited / 1000 })
    } finally {
      batch.dispose()
    }
  }
  return { totals, broken: stream.broken }
}
