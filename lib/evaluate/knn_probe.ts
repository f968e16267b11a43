/**
 * k-nearest-neighbour probing: how well the features of a frozen model tell classes apart without any training,
 * as eval_knn.py of facebookresearch/dino does it. The arithmetic is native/ops/nearest_neighbours.cc.
 */
import { native } from '../binding.js'
import type { BrokenImage } from '../data/broken_images.js'
import { scope } from '../dispose.js'
import { BeitError, invalidArgument } from '../errors.js'
import type { TensorHandle } from '../native.js'
import { validateOptions } from '../options.js'
import { Tensor } from '../tensor.js'
import { usingThreads } from './frozen_model.js'
import { type KnnProbeOptions, type KnnProbeSettings, knnProbeSchema } from './probe_options.js'
import { type FeatureBank, ProbeSets } from './probe_sets.js'

/** Share of the validation images whose class the votes tell. */
export interface KnnScore {
  /** Block whose output was probed, from 0 on. */
  block: number
  /** Neighbours that vote. */
  neighbours: number
  /** 0 to 1. */
  accuracy: number
}

/** What {@link knnProbe} gives. */
export interface KnnProbeResult {
  /** Names of the classes, by id. */
  classes: readonly string[]
  /** Images that vote, and images classified. */
  images: { training: number; validation: number }
  /** Of each block and number of neighbours. */
  scores: KnnScore[]
  /** The highest accuracy; of equal ones the first. */
  best: KnnScore
  /** Images that could not be read and were left out. */
  broken: readonly BrokenImage[]
  /** Features that had to be computed included. */
  seconds: number
}

/** Validation images that are compared at once: their similarities to a part of the others lie in memory. */
const QUERIES_AT_ONCE = 512

/**
 * Classifies the images of `validation` by the images of `data` whose features are nearest: each of the k nearest
 * votes for its class with exp(cosine similarity / temperature). Exact: every pair is compared, on the device of
 * the model. Of equal similarities the image that comes first in `data` is nearer; of equal votes the class of
 * the lower number wins.
 *
 * @throws BeitError ERR_DATA when labels are missing or do not fit, ERR_INVALID_ARGUMENT (more neighbours than
 * images), before anything is computed; ERR_DATA when too many images are broken; ERR_NON_FINITE; the signal's
 * reason
 * @example
 * const { best } = await knnProbe({ model, data: training, validation })
 * console.log(best.block, best.neighbours, best.accuracy)
 */
export async function knnProbe(options: KnnProbeOptions): Promise<KnnProbeResult> {
  const settings = validateOptions<KnnProbeSettings>('knnProbe', knnProbeSchema, options)
  checkNeighbours(settings)
  return scope(() =>
    usingThreads(settings.threads, async () => {
      using sets = await ProbeSets.open(settings)
      return nearestVotes(settings, sets)
    }),
  )
}

/** Classifies by the features of `sets`, of which `settings.pooling` may be a part. */
export async function nearestVotes(settings: KnnProbeSettings, sets: ProbeSets): Promise<KnnProbeResult> {
  const { data, pooling, temperature, onProgress } = settings
  const neighbours = checkNeighbours(settings)
  const began = performance.now()
  const training = await sets.bank('training')
  const validation = await sets.bank('validation')
  const most = neighbours.at(-1) as number
  if (training.rows < most) {
    throw new BeitError(
      'ERR_DATA',
      `knnProbe: only ${training.rows} images of ${data.name} can be read, fewer than ${most} neighbours`,
    )
  }
  const vote = { neighbours, temperature, classes: sets.classes.length }
  const scores: KnnScore[] = []
  for (const [layer, block] of sets.blocks.entries()) {
    const place = { layer, columns: sets.columns(pooling) }
    const correct = await countHits(training, validation, place, vote, settings)
    const accuracies = neighbours.map((count, i) => ({
      neighbours: count,
      accuracy: (correct[i] as number) / validation.rows,
    }))
    onProgress?.({ type: 'block', block, accuracies })
    scores.push(...accuracies.map((accuracy) => ({ block, ...accuracy })))
  }
  return {
    classes: sets.classes,
    images: { training: training.rows, validation: validation.rows },
    scores,
    best: scores.reduce((best, score) => (score.accuracy > best.accuracy ? score : best)),
    broken: sets.broken,
    seconds: (performance.now() - began) / 1000,
  }
}

type Vote = Parameters<ReturnType<typeof native>['knnClassify']>[3]

/** How many validation images each number of neighbours tells right. */
async function countHits(
  training: FeatureBank,
  validation: FeatureBank,
  { layer, columns }: { layer: number; columns: readonly [number, number] },
  vote: Vote,
  { model: { device }, signal }: KnnProbeSettings,
): Promise<number[]> {
  const layerOf = async ({ features, rows }: FeatureBank) =>
    new Tensor(await native().featureLayer(features.handle, layer, rows, columns, device))
  using bank = await layerOf(training)
  using queries = await layerOf(validation)
  using classes = await training.targets.to({ device })
  const expected = (await validation.targets.toTypedArray()) as BigInt64Array
  const correct = vote.neighbours.map(() => 0)
  for (let start = 0; start < validation.rows; start += QUERIES_AT_ONCE) {
    signal?.throwIfAborted()
    const count = Math.min(QUERIES_AT_ONCE, validation.rows - start)
    using some = new Tensor(await native().tensorRows(queries.handle, start, count))
    using votes = new Tensor(await classify(bank, classes, some, vote))
    const predictions = (await votes.toTypedArray()) as BigInt64Array // (neighbours, count)
    vote.neighbours.forEach((_, k) => {
      for (let i = 0; i < count; i++) {
        if (predictions[k * count + i] === expected[start + i]) correct[k] = (correct[k] as number) + 1
      }
    })
  }
  return correct
}

function classify(bank: Tensor, classes: Tensor, queries: Tensor, vote: Vote): Promise<TensorHandle> {
  return native().knnClassify(bank.handle, classes.handle, queries.handle, vote)
}

/** In rising order, each once. */
function checkNeighbours({ neighbours, data }: KnnProbeSettings): number[] {
  const sorted = [...new Set(neighbours)].sort((a, b) => a - b)
  if (!sorted.every((count) => Number.isInteger(count) && count <= data.length)) {
    throw invalidArgument(
      'knnProbe: neighbours',
      `integers of at most ${data.length}, the images of ${data.name}`,
      neighbours,
    )
  }
  return sorted
}
