import { equal, is, throws } from 'uvu/assert'
import {
  constant,
  cosineSchedule,
  exponentialSchedule,
  klWeightSchedule,
  temperatureSchedule,
} from '../../lib/train/schedules.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'

const test = suite('schedules')

const values = (schedule: (step: number) => number, steps: number) =>
  Array.from({ length: steps }, (_, i) => schedule(i))

test('warm-up is linspace from 0 to the base, then the cosine begins with the base again', () => {
  const learningRate = cosineSchedule({ base: 8, final: 2, steps: 10, warmupSteps: 4 })
  const root = Math.sqrt(3) / 2
  // cos of 0, 30, 60, 90, 120 and 150 degrees
  const cosine = [1, root, 0.5, 0, -0.5, -root].map((c) => 2 + 3 * (1 + c))
  close(values(learningRate, 10), [0, 8 / 3, 16 / 3, 8, ...cosine])
})

test('the first step has learning rate 0, the last step of the warm-up the whole', () => {
  const learningRate = cosineSchedule({ base: 1.5e-3, final: 1e-5, steps: 1000, warmupSteps: 100 })
  is(learningRate(0), 0)
  is(learningRate(99), 1.5e-3)
  is(learningRate(100), 1.5e-3)
})

test('the last step is above the final value, steps after it have it', () => {
  const schedule = cosineSchedule({ base: 1, final: 0.5, steps: 3 })
  close(values(schedule, 5), [1, 0.875, 0.625, 0.5, 0.5])
})

test('a schedule can rise, as that of the weight decay', () => {
  close(values(cosineSchedule({ base: 0.04, final: 0.4, steps: 4 }), 4), [
    0.04,
    0.22 - 0.18 * Math.SQRT1_2,
    0.22,
    0.22 + 0.18 * Math.SQRT1_2,
  ])
})

test('a warm-up of 0 steps is none, of 1 step starts at its start, of all steps leaves no cosine', () => {
  close(values(cosineSchedule({ base: 1, final: 0, steps: 2, warmupSteps: 0 }), 2), [1, 0.5])
  close(values(cosineSchedule({ base: 1, final: 0, steps: 2, warmupSteps: 1 }), 3), [0, 1, 0])
  close(values(cosineSchedule({ base: 1, final: 0, steps: 3, warmupSteps: 3 }), 4), [0, 0.5, 1, 0])
})

test('a warm-up longer than the run is refused', () => {
  throws(
    () => cosineSchedule({ base: 1, final: 0, steps: 10, warmupSteps: 11 }),
    (error: { code: string; message: string }) =>
      error.code === 'ERR_INVALID_ARGUMENT' &&
      /from 0 to the 10 steps of the run, got 11/.test(error.message),
  )
  throws(() => cosineSchedule({ base: 1, final: 0, steps: 0 }), /steps must be/)
})

test('exponential decay stops at its minimum', () => {
  const temperature = exponentialSchedule({ start: 2, rate: Math.LN2 / 10, minimum: 0.5 })
  close([0, 10, 20, 21, 1e9].map(temperature), [2, 1, 0.5, 0.5, 0.5])
})

test('temperature and KL weight of the DALL-E paper', () => {
  const temperature = temperatureSchedule()
  close([0, 75_000, 150_000, 3e6].map(temperature), [1, (1 + 1 / 16) / 2, 1 / 16, 1 / 16])
  // β / 192 for the divergence averaged over the 32 x 32 positions of an image of 256 x 256.
  const klWeight = klWeightSchedule({ imageSize: [256, 256] })
  close(
    [0, 2_500, 5_000, 3e6].map((step) => klWeight(step) * 32 * 32),
    [0, 3.3 / 192, 6.6 / 192, 6.6 / 192],
  )
})

test('a constant is one', () => equal(values(constant(0.05), 3), [0.05, 0.05, 0.05]))

test.skipIf(pythonLacks('numpy'), 'equals the schedule of the original, written in numpy', () => {
  const printed = python(`
import math, numpy as np
base, final, steps, warmup = 1.5e-3, 1e-5, 137, 29
left = steps - warmup
cosine = [final + 0.5 * (base - final) * (1 + math.cos(math.pi * i / left)) for i in range(left)]
print(*map(repr, np.concatenate((np.linspace(0, base, warmup), cosine)).tolist()))`)
  const ours = values(cosineSchedule({ base: 1.5e-3, final: 1e-5, steps: 137, warmupSteps: 29 }), 137)
  close(ours, printed.trim().split(' ').map(Number))
})

test.run()

function close(actual: number[], expected: number[]) {
  is(actual.length, expected.length)
  actual.forEach((value, i) => {
    const reference = expected[i] as number
    const difference = Math.abs(value - reference)
    if (!(difference <= 1e-15 + 1e-14 * Math.abs(reference))) {
      throw new Error(`step ${i}: expected ${reference}, got ${value}`)
    }
  })
}
