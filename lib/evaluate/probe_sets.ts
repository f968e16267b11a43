/** The two sets of images of a probe, and their features, which are computed when they are first asked for. */
import { native } from '../binding.js'
import { type BatchStream, batches } from '../data/batches.js'
import { type BrokenImage, mergeBroken } from '../data/broken_images.js'
import { preprocessedViews } from '../data/preprocessed_views.js'
import { trainingViews } from '../data/view_settings.js'
import type { FeatureSettings, ViewSettings } from '../native.js'
import { Tensor } from '../tensor.js'
import { featureSettings, frozenPreprocessing } from './frozen_model.js'
import { type ProbeLabels, probeLabels } from './probe_labels.js'
import type { LinearProbeSettings, Pooling, ProbeSettings } from './probe_options.js'

export type SetName = 'training' | 'validation'

/** Features (N, L, F) of a set with the class of each row, on the CPU. */
export interface FeatureBank {
  /** float32 (rows or more, L, F) */
  features: Tensor
  /** int64 (rows) */
  targets: Tensor
  /** Images that could be read. */
  rows: number
}

/** Labelled features of a batch. */
export interface FeatureBatch {
  features: Tensor
  targets: Tensor
}

export class ProbeSets {
  /** Blocks that are probed, from 0 on. */
  readonly blocks: readonly number[]
  readonly classes: readonly string[]
  readonly #settings: ProbeSettings
  readonly #features: FeatureSettings
  readonly #labels: ProbeLabels
  readonly #banks = new Map<SetName, FeatureBank>()
  #broken: readonly BrokenImage[] = []

  private constructor(settings: ProbeSettings, features: FeatureSettings, labels: ProbeLabels) {
    this.#settings = settings
    this.#features = features
    this.#labels = labels
    this.blocks = features.blocks
    this.classes = labels.classes
  }

  /** Checks blocks and labels. @throws BeitError ERR_INVALID_ARGUMENT, ERR_DATA */
  static async open(settings: ProbeSettings): Promise<ProbeSets> {
    const features = featureSettings(settings)
    return new ProbeSets(settings, features, await probeLabels(settings))
  }

  /** F: numbers that stand for an image in one block. */
  get width(): number {
    const { hiddenSize } = this.#settings.model.config
    return this.#features.pooling === 'concat' ? 2 * hiddenSize : hiddenSize
  }

  /** Where `pooling` lies in the features, which are of that pooling or of both. */
  columns(pooling: Pooling): readonly [from: number, to: number] {
    const { hiddenSize } = this.#settings.model.config
    if (this.#features.pooling !== 'concat' || pooling === 'concat') return [0, this.width]
    return pooling === 'cls' ? [0, hiddenSize] : [hiddenSize, 2 * hiddenSize]
  }

  /** Images that could not be read so far. */
  get broken(): readonly BrokenImage[] {
    return this.#broken
  }

  /** The features of all images of a set in its order, without anything random. They live as long as this. */
  async bank(set: SetName): Promise<FeatureBank> {
    const bank = this.#banks.get(set) ?? (await this.#compute(set))
    this.#banks.set(set, bank)
    return bank
  }

  /** The training images of an epoch in an order of their own, cropped and flipped at random. */
  async *augmented(
    epoch: number,
    { seed, scale, ratio, flipProbability }: LinearProbeSettings,
  ): AsyncGenerator<FeatureBatch> {
    const { model, maxPixels } = this.#settings
    const { interpolation } = frozenPreprocessing(this.#settings)
    const colorJitter = [0, 0, 0] as const
    const needs = { imageSize: model.config.imageSize, tokenImageSize: null, maskGrid: null }
    const views = trainingViews(needs, {
      ...{ seed, scale, ratio, flipProbability, interpolation, maxPixels, colorJitter },
    })
    const stream = this.#batches('training', views, { epoch, shuffle: seed })
    for await (const batch of stream) {
      using held = batch
      using features = await this.#pooled(held.pixels)
      using targets = this.#targets('training', held.indices)
      yield { features, targets }
    }
    this.#broken = mergeBroken(this.#broken, stream.broken)
  }

  async #compute(set: SetName): Promise<FeatureBank> {
    const { model, maxPixels, featureFile, onProgress } = this.#settings
    const views = preprocessedViews(model.config.imageSize, frozenPreprocessing(this.#settings), maxPixels)
    const { length } = this.#settings[SOURCES[set]]
    const bank = await native().featureBank(length, this.blocks.length, this.width, featureFile)
    const features = new Tensor(bank)
    try {
      const stream = this.#batches(set, views)
      const read: number[] = []
      for await (const batch of stream) {
        using held = batch
        using pooled = await this.#pooled(held.pixels)
        await native().featureBankWrite(features.handle, read.length, pooled.handle)
        read.push(...held.indices)
        onProgress?.({ type: 'features', set, images: read.length, of: length })
      }
      this.#broken = mergeBroken(this.#broken, stream.broken)
      return { features, targets: this.#targets(set, read), rows: read.length }
    } catch (error) {
      features.dispose()
      throw error
    }
  }

  #batches(
    set: SetName,
    views: ViewSettings,
    { epoch = 0, shuffle = null }: { epoch?: number; shuffle?: number | null } = {},
  ): BatchStream {
    const { batchSize, loaderThreads, prefetch, maxBrokenShare, signal } = this.#settings
    return batches(this.#settings[SOURCES[set]], {
      views,
      batchSize,
      shuffle: shuffle !== null,
      seed: shuffle ?? 0,
      dropLast: false,
      threads: loaderThreads ?? undefined,
      prefetch,
      start: { epoch, batch: 0 },
      epochs: epoch + 1,
      maxBrokenShare,
      signal,
    })
  }

  /** (B, L, F) of uint8 images. */
  async #pooled(pixels: Tensor): Promise<Tensor> {
    const { model } = this.#settings
    return new Tensor(await native().beitPooledFeatures(model.handle, pixels.handle, this.#features))
  }

  /** int64 (indices) */
  #targets(set: SetName, indices: readonly number[]): Tensor {
    return Tensor.from(BigInt64Array.from(indices, (index) => BigInt(this.#labels[set][index] as number)))
  }

  [Symbol.dispose](): void {
    for (const { features, targets } of this.#banks.values()) {
      features.dispose()
      targets.dispose()
    }
  }
}

const SOURCES = { training: 'data', validation: 'validation' } as const
