/**
 * Linear probing: how well a linear classifier does on the features of a frozen model, of all blocks at once, as
 * run_linear_eval.py of microsoft/unilm (beit/) does it. One step is native/train/linear_probe_trainer.cc.
 */
import { native } from '../binding.js'
import type { BrokenImage } from '../data/broken_images.js'
import { EpochOrder } from '../data/epoch_order.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import type { LinearProbeHandle } from '../native.js'
import { validateOptions } from '../options.js'
import { Tensor } from '../tensor.js'
import { usingThreads } from './frozen_model.js'
import { type LinearProbeOptions, type LinearProbeSettings, linearProbeSchema } from './probe_options.js'
import type { LayerScores } from './probe_progress.js'
import { type FeatureBank, type FeatureBatch, ProbeSets } from './probe_sets.js'

/** What {@link linearProbe} gives. Plain but for `weights`. */
export interface LinearProbeResult {
  /** Names of the classes, by id. */
  classes: readonly string[]
  /** Images learned from, and images classified. */
  images: { training: number; validation: number }
  /** Of each block after the last epoch: accuracy and loss on the validation images. */
  layers: LayerScores[]
  /** The block of the highest accuracy; of equal ones the first. */
  best: LayerScores
  /** Of each epoch. `training` is measured while learning. */
  epochs: { learningRate: number; training: LayerScores[]; validation: LayerScores[] }[]
  /**
   * The classifiers: `weight` float32 (blocks, C, F), `bias` (blocks, C). The caller disposes them, or a
   * scope().
   */
  weights: { weight: Tensor; bias: Tensor }
  /** Images that could not be read and were left out. */
  broken: readonly BrokenImage[]
  /** Features that had to be computed included. */
  seconds: number
}

/**
 * Trains a linear classifier on the pooled output of each block of `model`, which stays as it is, and evaluates
 * all of them after every epoch. Features are computed once and kept, unless `augment` is on.
 *
 * The paper found the ninth layer of base and the fourteenth of large best (appendix D): the last ones are busy with
 * visual tokens, and the class token took no part in the loss. So compare `best`, not the last block.
 *
 * @throws BeitError ERR_DATA when labels are missing or do not fit, ERR_INVALID_ARGUMENT, before anything is
 * computed; ERR_DATA when too many images are broken; ERR_NON_FINITE; the signal's reason
 * @example
 * const { best } = await linearProbe({ model, data: training, validation })
 * console.log(best.block, best.accuracy)
 */
export async function linearProbe(options: LinearProbeOptions): Promise<LinearProbeResult> {
  const settings = validateOptions<LinearProbeSettings>('linearProbe', linearProbeSchema, options)
  return scope(() =>
    usingThreads(settings.threads, async () => {
      using sets = await ProbeSets.open(settings)
      return trainLinearProbes(settings, sets)
    }),
  )
}

/** Images that are evaluated at once: only memory depends on it. */
const EVALUATED_AT_ONCE = 4096

/** Trains a classifier for each block on the features of `sets`. */
export async function trainLinearProbes(
  settings: LinearProbeSettings,
  sets: ProbeSets,
): Promise<LinearProbeResult> {
  const { epochs, augment, weightDecay, onProgress } = settings
  const began = performance.now()
  const training = augment ? null : await sets.bank('training')
  const validation = await sets.bank('validation')
  const probe = await createProbe(settings, sets)
  try {
    const history: LinearProbeResult['epochs'] = []
    let seen = 0
    for (let epoch = 0; epoch < epochs; epoch++) {
      const learningRate = cosineLearningRate(settings.learningRate, epoch, epochs)
      const batches =
        training === null ? withoutRows(sets.augmented(epoch, settings)) : kept(training, epoch, settings)
      for await (const { features, targets, rows } of batches) {
        await native().linearProbeStep(probe, features.handle, targets.handle, rows?.handle ?? null, {
          learningRate,
          weightDecay,
        })
      }
      const learned = await takeScores(probe, sets.blocks)
      await evaluate(probe, validation)
      const scores = {
        learningRate,
        training: learned.layers,
        validation: (await takeScores(probe, sets.blocks)).layers,
      }
      seen = learned.images
      history.push(scores)
      onProgress?.({ type: 'epoch', epoch, epochs, ...scores })
    }
    const layers = (history.at(-1) as LinearProbeResult['epochs'][number]).validation
    const [weight, bias] = await native().linearProbeWeights(probe)
    return {
      classes: sets.classes,
      images: { training: seen, validation: validation.rows },
      layers,
      best: layers.reduce((best, layer) => (layer.accuracy > best.accuracy ? layer : best)),
      epochs: history,
      weights: { weight: new Tensor(weight), bias: new Tensor(bias) },
      broken: sets.broken,
      seconds: (performance.now() - began) / 1000,
    }
  } finally {
    native().dispose(probe)
  }
}

function createProbe(settings: LinearProbeSettings, sets: ProbeSets): Promise<LinearProbeHandle> {
  const { model, seed, betas, eps } = settings
  const size = { layers: sets.blocks.length, features: sets.width, classes: sets.classes.length }
  return native().linearProbeCreate(size, { device: model.device, seed, betas, eps })
}

/** What a step takes: the rows of a bank, or all that it is given. Valid until the next one is asked for. */
interface StepBatch extends FeatureBatch {
  rows: Tensor | null
}

/** The batches of an epoch from features that were computed once. */
async function* kept(
  { features, targets, rows: count }: FeatureBank,
  epoch: number,
  { batchSize, seed, signal }: LinearProbeSettings,
): AsyncGenerator<StepBatch> {
  const order = new EpochOrder(count, { batchSize, dropLast: false, seed })
  for (const position of order.positions({ epoch, batch: 0 }, epoch + 1)) {
    signal?.throwIfAborted()
    using rows = Tensor.from(Int32Array.from(await order.indices(position)))
    yield { features, targets, rows }
  }
}

async function* withoutRows(batches: AsyncIterable<FeatureBatch>): AsyncGenerator<StepBatch> {
  for await (const batch of batches) yield { ...batch, rows: null }
}

async function evaluate(probe: LinearProbeHandle, bank: FeatureBank): Promise<void> {
  for (let start = 0; start < bank.rows; start += EVALUATED_AT_ONCE) {
    const length = Math.min(EVALUATED_AT_ONCE, bank.rows - start)
    using rows = Tensor.from(Int32Array.from({ length }, (_, i) => start + i))
    await native().linearProbeEvaluate(probe, bank.features.handle, bank.targets.handle, rows.handle)
  }
}

/** Of the images since the last call. */
async function takeScores(
  probe: LinearProbeHandle,
  blocks: readonly number[],
): Promise<{ layers: LayerScores[]; images: number }> {
  const { loss, correct, images } = await native().linearProbeTotals(probe)
  const layers = blocks.map((block, i) => {
    const mean = (loss[i] as number) / images
    if (!Number.isFinite(mean)) {
      throw new BeitError(
        'ERR_NON_FINITE',
        `linearProbe: the loss of block ${block} is not finite; lower learningRate, or use precision 'fp32'`,
      )
    }
    return { block, loss: mean, accuracy: (correct[i] as number) / images }
  })
  return { layers, images }
}

/** Of epoch 0 `base`, then along half a cosine towards 0, which it would reach after the last epoch. */
export function cosineLearningRate(base: number, epoch: number, epochs: number): number {
  return (base / 2) * (1 + Math.cos((Math.PI * epoch) / epochs))
}
