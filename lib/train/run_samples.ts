/** The sheets of samples in a run folder: what the model makes of the same images, epoch after epoch. */
import { join } from 'node:path'
import { runCheckpointPath } from '../checkpoint/run_checkpoint.js'
import type { SamplesEvent, WarningEvent } from './events.js'
import type { Samples } from './training.js'

/** Of a run folder. */
export const SAMPLES_FOLDER = 'samples'

/** Draws a sheet and saves it. A run does not end because that fails: it is warned of. */
export async function drawSamples(
  { draw }: Samples,
  output: string,
  { epoch, step }: { epoch: number; step: number },
): Promise<SamplesEvent | WarningEvent> {
  const began = performance.now()
  const path = `${runCheckpointPath(join(output, SAMPLES_FOLDER), step)}.png`
  try {
    await (await draw()).save(path)
  } catch (error) {
    const message = `no samples were drawn after step ${step}: ${(error as Error).message}`
    return { type: 'warning', message }
  }
  return { type: 'samples', epoch, step, path, seconds: (performance.now() - began) / 1000 }
}
