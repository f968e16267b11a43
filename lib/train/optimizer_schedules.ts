/** Learning rate and weight decay of every step, from the options. */
import { BeitError } from '../errors.js'
import type { StepSettings } from '../native.js'
import type { RunLength } from './run_length.js'
import type { RunSettings } from './run_options.js'
import { constant, cosineSchedule, type Schedule } from './schedules.js'

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
  const { learningRate, minLearningRate, warmupEpochs } = settings
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
  const decay = weightDecaySchedule(settings, steps)
  return (step) => ({ learningRate: rate(step), weightDecay: decay(step) })
}

/** The weight decay of every step of a run: a cosine from `weightDecay` to `weightDecayEnd`, or always the same. */
export function weightDecaySchedule(
  { weightDecay, weightDecayEnd }: Pick<RunSettings, 'weightDecay' | 'weightDecayEnd'>,
  steps: number,
): Schedule {
  if (weightDecayEnd === null) return constant(weightDecay)
  return cosineSchedule({ base: weightDecay, final: weightDecayEnd, steps })
}
