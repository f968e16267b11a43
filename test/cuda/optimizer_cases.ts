/** The end of a step: parameters, gradients and moments of any shapes, for the emulator and for GPUs. */
import { Tensor } from '../../lib/tensor.js'
import { random } from '../ops/compare.js'
import type { RowCase } from './row_cases.js'

export interface StepParts {
  /** The largest norm of the gradients. */
  maxNorm?: number
  loss?: number
  /** Replaces the first gradient's first number. */
  gradient?: number
  /** Tensors without a gradient. */
  without?: readonly number[]
  learningRate?: number
  weightDecay?: number
}

/** The fourth step of all, with updates as large as the parameters, so that an error in them shows. */
export async function adamwStep(
  shapes: readonly (readonly number[])[],
  { maxNorm = 1e9, loss = 2, gradient, without = [], learningRate = 0.1, weightDecay = 0.5 }: StepParts = {},
): Promise<RowCase> {
  const tensors: (Tensor | null)[] = [scalar(3), scalar(loss)]
  for (const [i, given] of shapes.entries()) {
    const shape = [...given]
    const numbers = await random(shape, 4 * i + 1, 0.1).toFloat32()
    if (i === 0 && gradient !== undefined) numbers[0] = gradient
    const squares = (await random(shape, 4 * i + 2, 0.1).toFloat32()).map((value) => value ** 2)
    tensors.push(
      random(shape, 4 * i + 3, 0.1),
      without.includes(i) ? null : Tensor.from(numbers, shape),
      random(shape, 4 * i + 4, 0.1),
      Tensor.from(squares, shape),
    )
  }
  const numbers = { learningRate, weightDecay, beta1: 0.9, beta2: 0.98, eps: 1e-8, maxNorm, decay: 0.75 }
  return { operation: 'adamw', tensors, numbers, weights: [] }
}

function scalar(value: number): Tensor {
  return Tensor.from(Float32Array.of(value), [])
}
