/**
 * Schedules: what a setting is at each optimizer step. Pure functions of the step, so a resumed run needs no
 * state.
 */
import { invalidArgument } from '../errors.js'

/** The value at optimizer step 0, 1, 2, … */
export type Schedule = (step: number) => number

/**
 * The same value at every step.
 *
 * @example
 * constant(0.05)(1000) // 0.05
 */
export const constant =
  (value: number): Schedule =>
  () =>
    value

/**
 * Linear warm-up, then half a cosine: learning rate and weight decay as the original's `cosine_scheduler`
 * (microsoft/unilm, beit/utils.py). The warm-up is `linspace(warmupStart, base, warmupSteps)`: its first step
 * has `warmupStart`, its last one already `base`, and the first step of the cosine has `base` again. The
 * cosine ends one step short of `final`, which every step after the last has.
 *
 * @throws BeitError ERR_INVALID_ARGUMENT when the warm-up is longer than the run
 *
 * @example
 * const learningRate = cosineSchedule({ base: 1.5e-3, final: 1e-5, steps: 1000, warmupSteps: 100 })
 * learningRate(0) // 0
 * learningRate(99) // 0.0015
 */
export function cosineSchedule(options: {
  /** After the warm-up. */
  base: number
  /** After the last step. */
  final: number
  /** All steps, the warm-up included. */
  steps: number
  /** Of the linear rise; default 0. */
  warmupSteps?: number
  /** At step 0 of it; default 0. */
  warmupStart?: number
}): Schedule {
  const { base, final, steps, warmupSteps = 0, warmupStart = 0 } = options
  if (!Number.isInteger(steps) || steps < 1) throw invalidArgument('steps', 'an integer of at least 1', steps)
  if (!Number.isInteger(warmupSteps) || warmupSteps < 0 || warmupSteps > steps) {
    throw invalidArgument('warmupSteps', `an integer from 0 to the ${steps} steps of the run`, warmupSteps)
  }
  const cosineSteps = steps - warmupSteps
  return (step) => {
    if (step < warmupSteps) {
      return warmupSteps === 1 ? warmupStart : warmupStart + ((base - warmupStart) * step) / (warmupSteps - 1)
    }
    if (step >= steps) return final
    return final + 0.5 * (base - final) * (1 + Math.cos((Math.PI * (step - warmupSteps)) / cosineSteps))
  }
}

/**
 * `max(start · e^(−rate · step), minimum)`: the temperature of lucidrains/DALLE-pytorch (start 1, rate 1e-6,
 * minimum 0.5), here at every step instead of every hundredth.
 * @example
 * exponentialSchedule({ start: 1, rate: 1e-3, minimum: 0.5 })(100) // 0.9048...
 */
export function exponentialSchedule(options: { start: number; rate: number; minimum: number }): Schedule {
  const { start, rate, minimum } = options
  return (step) => Math.max(start * Math.exp(-rate * step), minimum)
}

/**
 * Temperature of the relaxation as in the DALL-E paper (arXiv 2102.12092, appendix A.2): a cosine from 1 to
 * 1/16 over 150,000 steps, then constant. A linear fall often diverged there.
 * @example
 * temperatureSchedule({ steps: 1000 })(1000) // 0.0625
 */
export function temperatureSchedule(
  options: { start?: number; final?: number; steps?: number } = {},
): Schedule {
  const { start = 1, final = 1 / 16, steps = 150_000 } = options
  return cosineSchedule({ base: start, final, steps })
}

/**
 * Weight of the KL divergence as in the DALL-E paper (appendix A.2): a cosine from 0 to β = 6.6 over 5,000
 * steps, then constant. The paper divides the whole loss by the number of values of an image, and our
 * reconstruction loss is a mean over them while the divergence is a sum over positions, so the weight is β /
 * (3 · height · width).
 * @example
 * klWeightSchedule({ imageSize: [112, 112] })(5000) // 6.6 / (3 * 112 * 112)
 */
export function klWeightSchedule(options: {
  /** Of the training images. */
  imageSize: readonly [height: number, width: number]
  /** After the rise; default 6.6. */
  beta?: number
  /** Of the rise; default 5,000. */
  steps?: number
}): Schedule {
  const { imageSize, beta = 6.6, steps = 5_000 } = options
  return cosineSchedule({ base: 0, final: beta / (3 * imageSize[0] * imageSize[1]), steps })
}
