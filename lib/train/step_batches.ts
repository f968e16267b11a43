/** Batches put together to optimizer steps. */
import type { Batch } from '../data/batches.js'

/** What one optimizer step trains on. */
export interface StepBatches {
  epoch: number
  microBatches: Batch[]
  /** Images in all of them; 0 when none of the step can be read. */
  images: number
  dispose(): void
}

/**
 * Groups batches by `accumulate` into the steps that follow `step` finished ones, up to `steps`. Steps do not
 * cross epochs: what the last one of an epoch leaves over is dropped. A batch that is missing because none of
 * its images can be read is missing in its step, so the same step has the same batches wherever a run was
 * resumed. When the iteration ends, it disposes what it holds.
 */
export async function* stepBatches(
  batches: AsyncIterable<Batch>,
  { accumulate, stepsPerEpoch, steps }: { accumulate: number; stepsPerEpoch: number; steps: number },
  step: number,
): AsyncGenerator<StepBatches, void, undefined> {
  let group: Batch[] = []
  const take = (): StepBatches => {
    const microBatches = group
    group = []
    return {
      epoch: Math.floor(step++ / stepsPerEpoch),
      microBatches,
      images: microBatches.reduce((sum, { indices }) => sum + indices.length, 0),
      dispose: () => {
        for (const batch of microBatches) batch.dispose()
      },
    }
  }
  try {
    for await (const batch of batches) {
      const inEpoch = Math.floor(batch.batch / accumulate)
      if (inEpoch >= stepsPerEpoch) {
        batch.dispose()
        continue
      }
      while (step < batch.epoch * stepsPerEpoch + inEpoch) yield take()
      group.push(batch)
      if (batch.batch % accumulate === accumulate - 1) yield take()
    }
    while (step < steps) yield take()
  } finally {
    for (const batch of group) batch.dispose()
  }
}
