/**
 * Batches of images as an async iterable: loaded ahead while the consumer computes, in an order and with
 * contents that depend on (seed, epoch, sample) only.
 */
import { availableParallelism } from 'node:os'
import { signalOption } from '../call_options.js'
import { BeitError, invalidArgument } from '../errors.js'
import type { LoadedTensors, TensorHandle, ViewSettings } from '../native.js'
import { type OptionSchema, type OptionSpec, validateOptions } from '../options.js'
import { Tensor } from '../tensor.js'
import { BatchLoader, disposeTensors, type LoadedBatch } from './batch_loader.js'
import { type BrokenImage, BrokenImages } from './broken_images.js'
import { type BatchPosition, EpochOrder } from './epoch_order.js'
import type { ImageSource } from './image_source.js'

/** How a data set becomes batches. */
export interface BatchOptions {
  /** How each image becomes the views; trainingViews() and evaluationViews() make it. */
  views: ViewSettings
  /** Images in a batch. */
  batchSize: number
  /** A new order in every epoch; false: the order of the source, for evaluation. */
  shuffle: boolean
  /** Leave out the last batch of an epoch when it is smaller. */
  dropLast: boolean
  /** Of the order. Crops, colours and masks take `views.seed`. */
  seed: number
  /** Threads that decode. Their number changes no result. */
  threads: number
  /** Repeated augmentation (https://arxiv.org/abs/1902.05509): times in a row that an epoch shows an image; default 1. */
  repeats: number
  /** Batches loaded ahead of the consumer. */
  prefetch: number
  /**
   * Load into pinned memory, from which a GPU copies while the host goes on. It is taken for each batch, and used
   * again when the batch was freed and what was copied from it has arrived.
   */
  pinMemory: boolean
  /** The first batch to give: where a stopped run goes on. `batch` may be batchesPerEpoch: the next epoch. */
  start: BatchPosition
  /** Epochs of the whole run, counted from 0 and not from `start`. */
  epochs: number
  /**
   * Share of an epoch's images that may be broken, 0 to 1; at least one may. Of an epoch that is
   * resumed in the middle, only what is left counts.
   */
  maxBrokenShare: number
  /** Ends the iteration with the signal's reason. */
  signal?: AbortSignal | null
}

/** One batch. Free it with `dispose()`, `using`, or the `scope()` in which it was taken. */
export interface Batch extends BatchPosition {
  /** Batches of a whole epoch. */
  batchesPerEpoch: number
  /**
   * The model's view: uint8 (B, 3, H, W). B is batchSize, less at the end of an epoch or when images are
   * broken.
   */
  pixels: Tensor
  /** The tokenizer's view: uint8 (B, 3, h, w); null when the views have none. */
  tokenPixels: Tensor | null
  /** bool (B, N), true = masked; null when the views have none. */
  mask: Tensor | null
  /** Index in the source of each row, after broken images were left out. */
  indices: number[]
  /**
   * What decides, with seed and epoch, the random numbers of each row: its index + copy * length of the
   * source, where copy counts the repeats of an image in the epoch.
   */
  draws: number[]
  /** Milliseconds the consumer waited for this batch. */
  waited: number
  /** Frees its tensors now. */
  dispose(): void
  /** For `using`. */
  [Symbol.dispose](): void
}

/** Batches as they come, and what was left out on the way. */
export type BatchStream = AsyncIterable<Batch> & {
  /** Images left out so far, each once. */
  readonly broken: readonly BrokenImage[]
  /** Batches of a whole epoch. */
  readonly batchesPerEpoch: number
}

/**
 * Iterates over the batches of `source`. A batch of which every image is broken is passed over, but keeps its
 * number. Leaving the loop early frees everything that was loaded ahead. Each iteration of the stream starts
 * anew.
 * @throws BeitError ERR_DATA when too many images are broken, or an epoch has no whole batch; ERR_DEVICE for
 *   pinMemory where no GPU is
 * @throws the signal's reason when it is aborted
 * @example
 * const views = trainingViews({ imageSize: [224, 224], tokenImageSize: null, maskGrid: null })
 * for await (const batch of batches(data, { views, batchSize: 8, epochs: 1 })) {
 *   console.log(batch.pixels.shape) // [8, 3, 224, 224]
 *   batch.dispose()
 * }
 */
export function batches(
  source: ImageSource,
  options: Pick<BatchOptions, 'views' | 'batchSize' | 'epochs'> & Partial<BatchOptions>,
): BatchStream {
  const settings = validateOptions<BatchOptions>('batches', OPTIONS, options)
  const { batchSize, dropLast, shuffle, seed, repeats } = settings
  const start = settings.start ?? { epoch: 0, batch: 0 }
  const order = new EpochOrder(source.length, {
    batchSize,
    dropLast,
    seed: shuffle ? seed : null,
    repeats,
  })
  if (order.batchesPerEpoch === 0) {
    throw new BeitError(
      'ERR_DATA',
      `${source.name} has ${source.length} images, fewer than one batch of ${batchSize}; lower batchSize`,
    )
  }
  if (start.batch > order.batchesPerEpoch)
    throw invalidArgument(
      'batches: start.batch',
      `at most ${order.batchesPerEpoch} (batches of an epoch)`,
      start.batch,
    )
  const broken = new BrokenImages(order.imagesPerEpoch, settings.maxBrokenShare)
  return {
    broken: broken.list,
    batchesPerEpoch: order.batchesPerEpoch,
    [Symbol.asyncIterator]: () => iterate(source, { ...settings, start }, order, broken),
  }
}

/** What a pass over all images takes of the settings of its call. */
export interface PassOptions extends Partial<Pick<BatchOptions, 'prefetch' | 'maxBrokenShare' | 'signal'>> {
  batchSize: number
  /** Threads that decode; null: as many as batches() takes. */
  loaderThreads?: number | null
}

/** Every image of `source` once, in its order: the batches of evaluation and of everything else that only looks. */
export function batchesInOrder(source: ImageSource, views: ViewSettings, options: PassOptions): BatchStream {
  const { batchSize, loaderThreads, prefetch, maxBrokenShare, signal } = options
  return batches(source, {
    views,
    batchSize,
    shuffle: false,
    dropLast: false,
    epochs: 1,
    threads: loaderThreads ?? undefined,
    prefetch,
    maxBrokenShare,
    signal,
  })
}

async function* iterate(
  source: ImageSource,
  { views, threads, prefetch, pinMemory, start, epochs, signal }: BatchOptions,
  order: EpochOrder,
  broken: BrokenImages,
): AsyncGenerator<Batch, void, void> {
  const loader = new BatchLoader(source, views, threads, pinMemory)
  const positions = order.positions(start, epochs)
  const ahead: { position: BatchPosition; loading: Promise<LoadedBatch> }[] = []
  const loadAhead = () => {
    while (ahead.length < prefetch) {
      const { done, value: position } = positions.next()
      if (done) return
      const loading = order.draws(position).then((draws) => loader.load(draws, position.epoch))
      // It may fail before its turn comes: the consumer hears of it then.
      loading.catch(() => {})
      ahead.push({ position, loading })
    }
  }

  try {
    let waited = 0
    for (;;) {
      signal?.throwIfAborted()
      loadAhead()
      const next = ahead[0]
      if (next === undefined) return
      const began = performance.now()
      const { tensors, draws, broken: leftOut } = await unlessAborted(next.loading, signal)
      waited += performance.now() - began
      ahead.shift()
      const indices = draws.map((draw) => draw % source.length)
      const place = { ...next.position, batchesPerEpoch: order.batchesPerEpoch, indices, draws, waited }
      const batch = tensors && toBatch(tensors, place)
      try {
        broken.add(next.position.epoch, leftOut)
      } catch (error) {
        batch?.dispose()
        throw error
      }
      if (batch === null) continue
      waited = 0
      loadAhead()
      yield batch
    }
  } finally {
    loader.cancel()
    for (const { loading } of ahead) {
      const tensors = await loading.then((loaded) => loaded.tensors).catch(() => null)
      if (tensors !== null) disposeTensors(tensors)
    }
    loader.dispose()
  }
}

type BatchPlace = Pick<Batch, 'epoch' | 'batch' | 'batchesPerEpoch' | 'indices' | 'draws' | 'waited'>

function toBatch({ pixels, tokenPixels, mask }: LoadedTensors, place: BatchPlace): Batch {
  // Only now, in the consumer's call: an open scope() must not own what is still being loaded ahead.
  const own = (handle: TensorHandle | null) => handle && new Tensor(handle)
  const tensors = { pixels: own(pixels) as Tensor, tokenPixels: own(tokenPixels), mask: own(mask) }
  const dispose = () => {
    for (const tensor of Object.values(tensors)) tensor?.dispose()
  }
  return { ...place, ...tensors, dispose, [Symbol.dispose]: dispose }
}

/** `promise`, or the signal's reason as soon as it is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return promise
  let abort: () => void = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const isIndex = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0

/** The option `prefetch`, of runs as well. */
export const PREFETCH: OptionSpec = {
  type: 'integer',
  min: 1,
  max: 1024,
  default: 4,
  doc: 'Batches loaded ahead',
}

const OPTIONS: OptionSchema = {
  views: {
    type: 'object',
    check: (value) => typeof value === 'object' && value !== null && 'imageSize' in value,
    expected: 'settings as trainingViews() or evaluationViews() gives',
    doc: 'How an image becomes the views',
  },
  batchSize: { type: 'integer', min: 1, default: null, doc: 'Images in a batch' },
  epochs: { type: 'integer', min: 0, default: null, doc: 'Epochs of the whole run' },
  shuffle: { type: 'boolean', default: true, doc: 'A new order in every epoch' },
  dropLast: { type: 'boolean', default: true, doc: 'Leave out a last batch that is smaller' },
  seed: { type: 'integer', min: 0, default: 0, doc: 'Of the order' },
  threads: {
    type: 'integer',
    min: 1,
    max: 256,
    default: Math.min(16, availableParallelism()),
    doc: 'Threads that decode',
  },
  repeats: { type: 'integer', min: 1, max: 100, default: 1, doc: 'Times that an epoch shows an image' },
  prefetch: PREFETCH,
  pinMemory: { type: 'boolean', default: false, doc: 'Load into pinned memory, for a GPU' },
  start: {
    type: 'object',
    check: (value) => {
      const { epoch, batch } = (value ?? {}) as Partial<BatchPosition>
      return isIndex(epoch) && isIndex(batch)
    },
    expected: '{ epoch, batch }, integers of at least 0',
    optional: true,
    doc: 'The first batch to give; unset: the first of all',
  },
  maxBrokenShare: { type: 'number', min: 0, max: 1, default: 0.01, doc: 'Images that may be broken' },
  signal: signalOption('Ends the iteration'),
}
