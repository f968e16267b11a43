/** Evaluation by the objective itself: in order, centre crops, the same masks every time. */
import { batchesInOrder } from '../data/batches.js'
import type { StepResult, ViewSettings } from '../native.js'
import type { RunSettings } from './run_options.js'
import { Totals } from './totals.js'
import type { Evaluate } from './training.js'

/**
 * Evaluates with the trainer's objective on `views`. The best checkpoint is that of the lowest loss.
 * @param describe the fields of the event, from all batches as if they had been one
 */
export function objectiveEvaluation<Fields extends { loss: number }>(
  views: ViewSettings,
  run: RunSettings,
  describe: (result: StepResult) => Fields,
): Evaluate<Fields> {
  return async (trainer, source, settings) => {
    const totals = new Totals()
    // Without the signal: an evaluation that is stopped ends without an error.
    const stream = batchesInOrder(source, views, { ...run, signal: null })
    for await (const batch of stream) {
      try {
        if (run.signal?.aborted) return null
        const result = await trainer.evaluate(batch, settings)
        totals.add(result, { images: batch.indices.length, seconds: 0, waited: batch.waited / 1000 })
      } finally {
        batch.dispose()
      }
    }
    const fields = describe(totals.result)
    const score = { metric: 'loss', value: fields.loss } as const
    return { fields, images: totals.images, broken: stream.broken, score }
  }
}
