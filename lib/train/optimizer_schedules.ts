/** Learning rate and weight decay of every step, from the options. */
import { BeitError } from '../errors.js'
import type { StepSettings } from '../native.js'
import type { RunLength } from './run_length.js'
import type { RunSettings } from './run_options.js'
import { constant, cosineSchedule } from './schedules.js'

/**
 * Linear warm-up and a cosine for the learning rate, a cosine or nothing for the weight decay
 * (microsoft/unilm, beit/utils.py).
 * @returns settings of the step that follows `step` finished ones
 * @throws BeitError ERR_INVALID_ARGUMENT when the warm-up is longer than the run
 */
export function optimizerSchedules(
  settings: RunSettings,
  { steps, stepsPerEpoch }: RunLength,
): (step: number) => StepSettings {
  const { learningRate, minLearningRate, warmupEpochs, weightDecay, weightDecayEnd } = settings
  const warmupSteps = settings.warmupSteps ?? Math.round(warmupEpochs * stepsPerEpoch)
  if (warmupSteps > steps) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `the warm-up has ${warmupSteps} steps, the whole run ${steps}: ` +
        `lower ${settings.warmupSteps === null ? 'warmupEpochs' : 'warmupSteps'}`,
    )
  }
  if (minLearningRate > learningRate) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `minLearningRate ${minLearningRate} is above learningRate ${learningRate}: lower it`,
    )
  }
  const rate = cosineSchedule({ base: learningRate, final: minLearningRate, steps, warmupSteps })
  const decay =
    weightDecayEnd === null
      ? constant(weightDecay)
      : cosineSchedule({ base: weightDecay, final: weightDecayEnd, steps })
  return (step) => ({ learningRate: rate(step), weightDecay: decay(step) })
}
