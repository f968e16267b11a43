/** Steps of masked image modelling, with graphs and without: what they report, and all that they leave, as bits. */
import { createHash } from 'node:crypto'
import { scope } from '../../lib/dispose.js'
import type { StepResult } from '../../lib/native.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { MicroBatch, Trainer, TrainerOptions } from '../../lib/train/trainer.js'
import { randomNumbers } from '../support/tensors.js'
import { microModel, microTokenizer } from './micro.js'

const [IMAGES, PATCHES] = [2, 4]
/** Patches of an image that a mask may have. */
export const MOST = 2
/** Steps that run before one is recorded: the first one, whose shapes are not known, and the warm-up. */
export const BEFORE = 4

export interface Steps {
  device?: string
  steps: number
  options?: Partial<TrainerOptions>
  accumulate?: number
  /** Steps, counted from 0, of one image less, and steps with more masked patches than there may be. */
  smaller?: number[]
  fuller?: number[]
  /** Called before each step. */
  before?(step: number, trainer: Trainer, batch: MicroBatch): Promise<void>
}

export interface Course {
  results: Omit<StepResult, 'replayed' | 'notice'>[]
  /** SHA-256 of the gradients after each step, and of weights, averages, moments, step count and generator at the end. */
  gradients: string[]
  state: Record<string, string>
  /** Steps that were replays, and what was told of steps. */
  replayed: number[]
  notices: string[]
}

/** Rates, images, masks and the number of masked patches differ from step to step. */
export function course(given: Steps): Promise<Course> {
  return scope(async () => {
    const { device = 'cpu', steps, options, accumulate = 1, smaller = [], fuller = [], before } = given
    const config = { imageSize: [16, 16], hiddenSize: 32, heads: 2, dropPath: 0.4, seed: 3 } as const
    const model = await (await microModel(config)).to({ device })
    const average = await (await microModel(config)).to({ device })
    const tokenizer = await (await microTokenizer()).to({ device })
    const objective = new MaskedImageModeling({ model, tokenizer, maskedPatches: MOST })
    const trainer = await objective.createTrainer({
      ...{ betas: [0.9, 0.999], eps: 1e-8, clipGradient: 0.5, precision: 'fp32', seed: 7 },
      ema: { model: average.handle, decay: 0.9 },
      ...options,
    })
    const made: Course = { results: [], gradients: [], state: {}, replayed: [], notices: [] }
    for (let step = 0; step < steps; step++) {
      const images = smaller.includes(step) ? IMAGES - 1 : IMAGES
      const batches = Array.from({ length: accumulate }, (_, i) =>
        batchOf(images, accumulate * step + i + 1, fuller.includes(step)),
      )
      await before?.(step, trainer, batches[0] as MicroBatch)
      const rates = { learningRate: 1e-3 * (1 + step / 10), weightDecay: 0.05 * (1 + step) }
      const { replayed, notice, ...result } = await trainer.step(batches, rates)
      made.results.push(result)
      if (replayed) made.replayed.push(step)
      if (notice !== undefined) made.notices.push(notice)
      made.gradients.push(await digest(await trainer.gradients()))
    }
    made.state = {
      weights: await digest(await model.stateDict()),
      averages: await digest(await average.stateDict()),
      trainer: await digest(await trainer.state()),
    }
    trainer.dispose()
    return made
  })
}

function batchOf(images: number, seed: number, full: boolean): MicroBatch {
  const bytes = (length: number, salt: number) =>
    Uint8Array.from(randomNumbers(length, seed * 1000 + salt), (x) => 256 * x)
  const mask = new Uint8Array(images * PATCHES)
  for (let image = 0; image < images; image++) {
    const count = full ? MOST + 1 : 1 + ((seed * 7 + image * 3) % MOST)
    for (let i = 0; i < count; i++) mask[image * PATCHES + ((seed + image * 5 + i * 3) % PATCHES)] = 1
  }
  return {
    pixels: Tensor.from(bytes(images * 3 * 16 * 16, 1), [images, 3, 16, 16]),
    tokenPixels: Tensor.from(bytes(images * 3 * 8 * 8, 2), [images, 3, 8, 8]),
    mask: Tensor.from(mask, [images, PATCHES], { dtype: 'bool' }),
  }
}

async function digest(tensors: ReadonlyMap<string, Tensor>): Promise<string> {
  const hash = createHash('sha256')
  for (const [name, tensor] of tensors) {
    const { buffer, byteOffset, byteLength } = (await tensor.toTypedArray()) as Uint8Array
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest('hex')
}
