/** The features of a data set, computed once: what probes of a frozen model work on. */
import { native } from '../binding.js'
import { type BatchStream, batches } from '../data/batches.js'
import type { BrokenImage } from '../data/broken_images.js'
import type { ImageSource } from '../data/image_source.js'
import type { BeitModel } from '../models/beit_model.js'
import type { FeatureSettings, ViewSettings } from '../native.js'
import { Tensor } from '../tensor.js'
import type { ProbeSettings } from './probe_options.js'
import type { ProbeProgress } from './probe_progress.js'

/** Features (N, L, F) with the class of each row, on the CPU. */
export interface FeatureBank {
  /** float32 (rows or more, L, F) */
  features: Tensor
  /** int64 (rows) */
  targets: Tensor
  /** Images that could be read. */
  rows: number
  broken: readonly BrokenImage[]
  [Symbol.dispose](): void
}

/** The images of one epoch, in an order of its own when `shuffle`, its seed, is given. */
export function probeBatches(
  source: ImageSource,
  views: ViewSettings,
  settings: ProbeSettings,
  { epoch = 0, shuffle = null }: { epoch?: number; shuffle?: number | null } = {},
): BatchStream {
  const { batchSize, loaderThreads, prefetch, maxBrokenShare, signal } = settings
  return batches(source, {
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

/** (B, L, F) of a batch of uint8 images. */
export async function pooledFeatures(
  model: BeitModel,
  pixels: Tensor,
  settings: FeatureSettings,
): Promise<Tensor> {
  return new Tensor(await native().beitPooledFeatures(model.handle, pixels.handle, settings))
}

/** Numbers that stand for an image in one layer. */
export function featureWidth({ config }: BeitModel, { pooling }: FeatureSettings): number {
  return pooling === 'concat' ? 2 * config.hiddenSize : config.hiddenSize
}

/** int64 (indices): the classes of these images. */
export function classesOf(targets: readonly number[], indices: readonly number[]): Tensor {
  return Tensor.from(BigInt64Array.from(indices, (index) => BigInt(targets[index] as number)))
}

/**
 * The features of all of `source`, in its order.
 * @param targets the class of each image
 * @param file where a scratch file may lie; null: memory
 */
export async function featureBank(
  source: ImageSource,
  targets: readonly number[],
  views: ViewSettings,
  settings: ProbeSettings,
  featureSettings: FeatureSettings,
  file: string | null,
  report: (progress: Pick<ProbeProgress & { type: 'features' }, 'images' | 'of'>) => void,
): Promise<FeatureBank> {
  const { model } = settings
  const layers = featureSettings.blocks.length
  const width = featureWidth(model, featureSettings)
  const features = new Tensor(await native().featureBank(source.length, layers, width, file))
  try {
    const stream = probeBatches(source, views, settings)
    const read: number[] = []
    for await (const batch of stream) {
      using held = batch
      using pooled = await pooledFeatures(model, held.pixels, featureSettings)
      await native().featureBankWrite(features.handle, read.length, pooled.handle)
      read.push(...held.indices)
      report({ images: read.length, of: source.length })
    }
    const classes = classesOf(targets, read)
    const dispose = () => {
      features.dispose()
      classes.dispose()
    }
    const { broken } = stream
    return { features, targets: classes, rows: read.length, broken, [Symbol.dispose]: dispose }
  } catch (error) {
    features.dispose()
    throw error
  }
}
