/**
 * How many steps a run has, and where in the data a step lies. Pure functions: a resumed run needs only its
 * step.
 */
import { BeitError } from '../errors.js'
import type { RunSettings } from './run_options.js'

/** The length of a run. */
export interface RunLength {
  /** Of the whole run. */
  steps: number
  /** Steps do not cross epochs: images that do not fill one are left out, other ones each epoch. */
  stepsPerEpoch: number
  /** Epochs that are begun; fewer than asked for when maxSteps ends the run before. */
  epochs: number
}

/** @throws BeitError ERR_DATA when the images do not fill one step */
export function runLength(
  images: number,
  settings: Pick<RunSettings, 'batchSize' | 'accumulate' | 'epochs' | 'maxSteps'>,
): RunLength {
  const { batchSize, accumulate } = settings
  const stepsPerEpoch = Math.floor(Math.floor(images / batchSize) / accumulate)
  if (stepsPerEpoch === 0) {
    throw new BeitError(
      'ERR_DATA',
      `${images} images do not fill one step of batchSize ${batchSize} * accumulate ${accumulate}: ` +
        'give more images or a smaller batchSize',
    )
  }
  const steps = Math.min(settings.epochs * stepsPerEpoch, settings.maxSteps ?? Infinity)
  return { steps, stepsPerEpoch, epochs: Math.ceil(steps / stepsPerEpoch) }
}

/** First batch of the step that follows `step` finished ones. */
export function positionAfter(
  step: number,
  stepsPerEpoch: number,
  accumulate: number,
): { epoch: number; batch: number } {
  return { epoch: Math.floor(step / stepsPerEpoch), batch: (step % stepsPerEpoch) * accumulate }
}
