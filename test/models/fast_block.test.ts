/**
 * The fast path of the Transformer computes only what is used (kept images of drop path, masked tokens of the
 * last block) and must give what the plain path gives: losses, gradients and weights, step by step.
 */
import { is, ok } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import type { BeitConfigInput } from '../../lib/models/beit_config.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { ImageClassification } from '../../lib/objectives/image_classification.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { Trainer, TrainerOptions } from '../../lib/train/trainer.js'
import { suite } from '../support/suite.js'
import { relativeError } from '../support/tensors.js'

const test = suite('fast block')

const IMAGES = 6
const OPTIONS: TrainerOptions = {
  betas: [0.9, 0.999],
  // Well above rounding: AdamW would blow up gradients that are nothing else.
  eps: 1e-5,
  clipGradient: 1,
  precision: 'fp32',
  seed: 3,
}
const SETTINGS = { learningRate: 1e-3, weightDecay: 0.05 }
const BASE = { imageSize: [24, 32], patchSize: 8, hiddenSize: 48, depth: 3, heads: 3, vocabSize: 40 } as const
const PATCHES = 12

const CONFIGS: Record<string, BeitConfigInput> = {
  'a bias of positions in each block': { ...BASE, relativePositions: 'per-block', dropPath: 0.5 },
  'one bias of positions for all blocks': { ...BASE, relativePositions: 'shared', dropPath: 0.3 },
  'absolute positions, no LayerScale': {
    ...BASE,
    relativePositions: 'none',
    absolutePositions: true,
    layerScaleInit: 0,
    dropPath: 0.5,
  },
  'a single block': { ...BASE, depth: 1, relativePositions: 'shared' },
  'no drop path': { ...BASE, relativePositions: 'per-block', dropPath: 0 },
}

for (const [name, config] of Object.entries(CONFIGS)) {
  test(`masked image modelling, ${name}: fast equals plain over 4 steps`, () =>
    scope(async () => {
      const run = async (optimize: 'auto' | 'off') => {
        const model = await BeitForMaskedImageModeling.create(config, { seed: 1 })
        const objective = new MaskedImageModeling({ model, tokenizer: null })
        return follow(await objective.createTrainer({ ...OPTIONS, optimize }), model, (step) => ({
          pixels: pixels(step),
          mask: mask(step),
          tokens: Tensor.from(
            BigInt64Array.from({ length: IMAGES * PATCHES }, (_, i) => BigInt((i * 7 + step) % 40)),
            [IMAGES, PATCHES],
          ),
        }))
      }
      await same(await run('auto'), await run('off'))
    }))
}

for (const pooling of ['mean', 'cls'] as const) {
  test(`classification, ${pooling} pooling: fast equals plain over 4 steps`, () =>
    scope(async () => {
      const run = async (optimize: 'auto' | 'off') => {
        const model = await BeitForImageClassification.create(
          { ...BASE, relativePositions: 'per-block', dropPath: 0.5, pooling },
          { numClasses: 5, seed: 1 },
        )
        const objective = new ImageClassification({ model })
        return follow(await objective.createTrainer({ ...OPTIONS, optimize }), model, (step) => ({
          pixels: pixels(step),
          targets: Tensor.from(
            BigInt64Array.from({ length: IMAGES }, (_, i) => BigInt((i + step) % 5)),
            [IMAGES],
          ),
        }))
      }
      await same(await run('auto'), await run('off'))
    }))
}

interface Course {
  losses: number[]
  correct: number[]
  gradients: Map<string, Tensor>[]
  weights: Map<string, Tensor>
}

async function follow(
  trainer: Trainer,
  model: BeitForMaskedImageModeling | BeitForImageClassification,
  batch: (step: number) => Parameters<Trainer['step']>[0][number],
): Promise<Course> {
  const course: Course = { losses: [], correct: [], gradients: [], weights: await model.stateDict() }
  for (let step = 0; step < 4; step++) {
    const result = await trainer.step([batch(step)], SETTINGS)
    course.losses.push(result.loss)
    course.correct.push(result.correct)
    const gradients = await trainer.gradients()
    const copies = [...gradients].map(
      async ([name, tensor]) => [name, Tensor.from(await tensor.toFloat32(), tensor.shape)] as const,
    )
    course.gradients.push(new Map(await Promise.all(copies)))
  }
  return course
}

async function same(fast: Course, plain: Course): Promise<void> {
  for (let step = 0; step < plain.losses.length; step++) {
    const [a, b] = [fast.losses[step] as number, plain.losses[step] as number]
    ok(Math.abs(a - b) <= 1e-5 * Math.abs(b), `loss of step ${step}: ${a} and ${b}`)
    is(fast.correct[step], plain.correct[step])
    const expected = plain.gradients[step] as Map<string, Tensor>
    const actual = fast.gradients[step] as Map<string, Tensor>
    is([...actual.keys()].join(), [...expected.keys()].join())
    for (const [name, gradient] of expected) {
      const error = await relativeError(actual.get(name) as Tensor, gradient)
      ok(error < 1e-4, `gradient of ${name} in step ${step}: ${error}`)
    }
  }
  for (const [name, weight] of plain.weights) {
    const error = await relativeError(fast.weights.get(name) as Tensor, weight)
    ok(error < 1e-4, `${name} after the last step: ${error}`)
  }
}

/** Smooth patterns that differ from image to image. */
function pixels(step: number): Tensor {
  const values = Float32Array.from(
    { length: IMAGES * 3 * 24 * 32 },
    (_, i) => Math.sin(i * 0.37 + step) * 1.5,
  )
  return Tensor.from(values, [IMAGES, 3, 24, 32])
}

/** From none to all patches of an image. */
function mask(step: number): Tensor {
  const masked = Uint8Array.from({ length: IMAGES * PATCHES }, (_, i) => {
    const image = Math.floor(i / PATCHES)
    if (image === 0) return 0
    return image === 1 || (i * 5 + step * 3) % 7 < image ? 1 : 0
  })
  return Tensor.from(masked, [IMAGES, PATCHES], { dtype: 'bool' })
}

test.run()
