/**
 * Linear probing: how well a linear classifier does on the features of a frozen model, of all blocks at once, as
 * run_linear_eval.py of microsoft/unilm (beit/) does it. One step is native/train/linear_probe_trainer.cc.
 */
import { native } from '../binding.js'
import { type BrokenImage, mergeBroken } from '../data/broken_images.js'
import { EpochOrder } from '../data/epoch_order.js'
import { trainingViews } from '../data/view_settings.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import type { FeatureSettings, LinearProbeHandle, TensorHandle } from '../native.js'
import { validateOptions } from '../options.js'
import { Tensor } from '../tensor.js'
import {
  classesOf,
  type FeatureBank,
  featureBank,
  featureWidth,
  pooledFeatures,
  probeBatches,
} from './feature_bank.js'
import { featureSettings, probePreprocessing, probeViews, usingThreads, viewNeeds } from './frozen_model.js'
import { type ProbeLabels, probeLabels } from './probe_labels.js'
import { type LinearProbeOptions, type LinearProbeSettings, linearProbeSchema } from './probe_options.js'
import type { LayerScores } from './probe_progress.js'

/** What {@link linearProbe} gives. Plain but for `weights`. */
export interface LinearProbeResult {
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
  seconds: number
}

/**
 * Trains a linear classifier on the pooled output of each block of `model`, which stays as it is, and evaluates
 * all of them after every epoch. Features are computed once and kept, unless `augment` is on.
 *
 * BEiT is best in the middle: its last block is busy with visual tokens, and its class token took no part in the
 * loss. Compare `best`, not the last block.
 *
 * @throws BeitError ERR_DATA when labels are missing or do not fit, ERR_INVALID_ARGUMENT, before anything is
 * computed; ERR_DATA when too many images are broken; ERR_NON_FINITE; the signal's reason
 * @example
 * const { best } = await linearProbe({ model, data: await openImages('train/'), validation: await openImages('val/') })
 * console.log(best.block, best.accuracy)
 */
export async function linearProbe(options: LinearProbeOptions): Promise<LinearProbeResult> {
  const settings = validateOptions<LinearProbeSettings>('linearProbe', linearProbeSchema, options)
  const features = featureSettings(settings)
  const labels = await probeLabels(settings)
  const began = performance.now()
  return scope(() =>
    usingThreads(settings.threads, async () => {
      const result = await new LinearProbing(settings, features, labels).run()
      return { ...result, seconds: (performance.now() - began) / 1000 }
    }),
  )
}

/** Images that are evaluated at once: only memory depends on it. */
const EVALUATED_AT_ONCE = 4096

class LinearProbing {
  readonly #settings: LinearProbeSettings
  readonly #features: FeatureSettings
  readonly #labels: ProbeLabels
  #broken: readonly BrokenImage[] = []

  constructor(settings: LinearProbeSettings, features: FeatureSettings, labels: ProbeLabels) {
    this.#settings = settings
    this.#features = features
    this.#labels = labels
  }

  async run(): Promise<Omit<LinearProbeResult, 'seconds'>> {
    const { epochs, augment, weightDecay } = this.#settings
    using training = augment ? null : await this.#bank('training')
    using validation = await this.#bank('validation')
    const probe = await this.#create()
    try {
      const history: LinearProbeResult['epochs'] = []
      for (let epoch = 0; epoch < epochs; epoch++) {
        const learningRate = cosineLearningRate(this.#settings.learningRate, epoch, epochs)
        const batches = training === null ? this.#augmented(epoch) : this.#kept(training, epoch)
        for await (const { features, targets, rows } of batches) {
          await native().linearProbeStep(probe, features, targets, rows, { learningRate, weightDecay })
        }
        const scores = {
          learningRate,
          training: await this.#scores(probe),
          validation: await this.#evaluate(probe, validation),
        }
        history.push(scores)
        this.#settings.onProgress?.({ type: 'epoch', epoch, epochs, ...scores })
      }
      const layers = (history.at(-1) as LinearProbeResult['epochs'][number]).validation
      const [weight, bias] = await native().linearProbeWeights(probe)
      return {
        classes: this.#labels.classes,
        images: {
          training: training?.rows ?? this.#settings.data.length,
          validation: validation.rows,
        },
        layers,
        best: layers.reduce((best, layer) => (layer.accuracy > best.accuracy ? layer : best)),
        epochs: history,
        weights: { weight: new Tensor(weight), bias: new Tensor(bias) },
        broken: this.#broken,
      }
    } finally {
      native().dispose(probe)
    }
  }

  #create(): Promise<LinearProbeHandle> {
    const { model, seed, betas, eps } = this.#settings
    const { blocks } = this.#features
    return native().linearProbeCreate(
      {
        layers: blocks.length,
        features: featureWidth(model, this.#features),
        classes: this.#labels.classes.length,
      },
      { device: model.device, seed, betas, eps },
    )
  }

  async #bank(set: 'training' | 'validation'): Promise<FeatureBank> {
    const { data, validation, featureFile, onProgress } = this.#settings
    const bank = await featureBank(
      set === 'training' ? data : validation,
      this.#labels[set],
      probeViews(this.#settings),
      this.#settings,
      this.#features,
      featureFile,
      (progress) => onProgress?.({ type: 'features', set, ...progress }),
    )
    this.#broken = mergeBroken(this.#broken, bank.broken)
    return bank
  }

  /** The batches of an epoch from features that were computed once. */
  async *#kept(bank: FeatureBank, epoch: number): AsyncGenerator<StepBatch> {
    const { batchSize, seed, signal } = this.#settings
    const order = new EpochOrder(bank.rows, { batchSize, dropLast: false, seed })
    for (const position of order.positions({ epoch, batch: 0 }, epoch + 1)) {
      signal?.throwIfAborted()
      using rows = Tensor.from(Int32Array.from(await order.indices(position)))
      yield { features: bank.features.handle, targets: bank.targets.handle, rows: rows.handle }
    }
  }

  /** The batches of an epoch with crops and flips of its own. */
  async *#augmented(epoch: number): AsyncGenerator<StepBatch> {
    const { model, data, seed, scale, ratio, flipProbability, maxPixels } = this.#settings
    const { interpolation } = probePreprocessing(this.#settings)
    const views = trainingViews(viewNeeds(model), {
      ...{ seed, scale, ratio, flipProbability, interpolation, maxPixels },
      colorJitter: [0, 0, 0],
    })
    const stream = probeBatches(data, views, this.#settings, { epoch, shuffle: seed })
    for await (const batch of stream) {
      using held = batch
      using features = await pooledFeatures(model, held.pixels, this.#features)
      using targets = classesOf(this.#labels.training, held.indices)
      yield { features: features.handle, targets: targets.handle, rows: null }
    }
    this.#broken = mergeBroken(this.#broken, stream.broken)
  }

  async #evaluate(probe: LinearProbeHandle, bank: FeatureBank): Promise<LayerScores[]> {
    for (let start = 0; start < bank.rows; start += EVALUATED_AT_ONCE) {
      const length = Math.min(EVALUATED_AT_ONCE, bank.rows - start)
      using rows = Tensor.from(Int32Array.from({ length }, (_, i) => start + i))
      await native().linearProbeEvaluate(probe, bank.features.handle, bank.targets.handle, rows.handle)
    }
    return this.#scores(probe)
  }

  /** Since the last call. */
  async #scores(probe: LinearProbeHandle): Promise<LayerScores[]> {
    const { loss, correct, images } = await native().linearProbeTotals(probe)
    return this.#features.blocks.map((block, i) => {
      const mean = (loss[i] as number) / images
      if (!Number.isFinite(mean)) {
        throw new BeitError(
          'ERR_NON_FINITE',
          `linearProbe: the loss of block ${block} is not finite; lower learningRate, or use precision 'fp32'`,
        )
      }
      return { block, loss: mean, accuracy: (correct[i] as number) / images }
    })
  }
}

/** What a step takes. Valid until the next one is asked for. */
interface StepBatch {
  features: TensorHandle
  targets: TensorHandle
  rows: TensorHandle | null
}

/** Of epoch 0 `base`, then along half a cosine towards 0, which it would reach after the last epoch. */
export function cosineLearningRate(base: number, epoch: number, epochs: number): number {
  return (base / 2) * (1 + Math.cos((Math.PI * epoch) / epochs))
}
