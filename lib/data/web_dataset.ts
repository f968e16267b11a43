/**
 * Images in local tar shards, as WebDataset lays them out. The shards are indexed once and then read at
 * positions, so shuffling is exact over all samples instead of within a buffer.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type InspectOptionsStylized, inspect } from 'node:util'
import { BeitError, invalidArgument } from '../errors.js'
import { described } from '../inspection.js'
import { validateOptions } from '../options.js'
import type { ImageSample, ImageSource } from './image_source.js'
import { indexShard, type ShardIndex } from './index_shard.js'
import { findShards } from './shard_names.js'

/** What is done with shards that are not whole. */
export interface WebDatasetOptions {
  /** Use the whole members of a shard whose end is missing, instead of refusing it. Default false. */
  allowCut?: boolean
}

/** Shards indexed at the same time. */
const CONCURRENCY = 4

/**
 * The images of a set of tar shards, shard after shard in the order of their paths, in the order of each
 * shard. Labels come from `KEY.cls` (an integer as text) or an integer `label` or `cls` in `KEY.json`; class
 * names from a `classes.json` (an array of strings) beside the first shard, else they are the numbers.
 * @example
 * const data = await WebDataset.open('shards/train-*.tar')
 * const { path, offset, length } = data.sample(0) // a range of bytes of a shard
 */
export class WebDataset implements ImageSource {
  /** The paths or patterns, as they were given. */
  readonly name: string
  /** Class names of classes.json, or the numbers of the labels as text; null: no image has a label. */
  readonly classes: readonly string[] | null
  /** Are `classes` numbers, because nothing names them? */
  readonly classesAreIds: boolean
  /** Digest of the members of all shards. A resumed run compares it. */
  readonly fingerprint: string
  /** Number of images. */
  readonly length: number
  /** Keys that were left out because they have no image. */
  readonly withoutImage: number
  readonly #shards: readonly ShardIndex[]
  /** Index of the first sample of each shard. */
  readonly #firsts: readonly number[]

  private constructor(name: string, shards: readonly ShardIndex[], classes: readonly string[] | null) {
    this.name = name
    this.classes = classes ?? idsOf(shards)
    this.classesAreIds = classes === null && this.classes !== null
    this.#shards = shards
    let length = 0
    this.#firsts = shards.map((shard) => {
      const first = length
      length += shard.keys.length
      return first
    })
    this.length = length
    this.withoutImage = shards.reduce((sum, shard) => sum + shard.withoutImage, 0)
    const hash = createHash('sha256')
    for (const shard of shards) hash.update(shard.digest)
    this.fingerprint = hash.digest('hex')
  }

  /**
   * Indexes shards: a path, a folder of .tar files, a pattern ('*' and '?' in the file name,
   * '{00000..00007}', '{a,b}'), or a list of these.
   * @throws BeitError ERR_DATA when there is no shard or no image, a shard is cut, or a label or key is wrong
   * @throws BeitError ERR_FORMAT when a shard is not a tar file or is damaged
   * @example
   * const data = await WebDataset.open('shards/train-{00000..00003}.tar')
   */
  static async open(
    shards: string | readonly string[],
    options: WebDatasetOptions = {},
  ): Promise<WebDataset> {
    const patterns = typeof shards === 'string' ? [shards] : shards
    if (
      !Array.isArray(patterns) ||
      patterns.length === 0 ||
      !patterns.every((p) => typeof p === 'string' && p !== '')
    )
      throw invalidArgument('shards', 'a path, a pattern, or a list of them', shards)
    const { allowCut } = validateOptions<Required<WebDatasetOptions>>('WebDataset.open', OPTIONS, options)

    const paths = await findShards(patterns)
    const indexes = await indexAll(paths)
    const name = patterns.join(' ')
    if (!allowCut) refuseCut(indexes)
    if (indexes.every((index) => index.keys.length === 0)) {
      const keys = indexes.reduce((sum, index) => sum + index.withoutImage, 0)
      throw new BeitError(
        'ERR_DATA',
        `no images in ${name} (${paths.length} shards, ${keys} keys without an image member such as KEY.jpg)`,
      )
    }
    return new WebDataset(name, indexes, await classNames(indexes))
  }

  /**
   * Where image `index` lies, 0 <= index < length.
   * @throws BeitError ERR_INVALID_ARGUMENT for another index
   */
  sample(index: number): ImageSample {
    if (!Number.isInteger(index) || index < 0 || index >= this.length)
      throw invalidArgument('index', `an integer from 0 to ${this.length - 1}`, index)
    let low = 0
    let high = this.#firsts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#firsts[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    const shard = this.#shards[low] as ShardIndex
    const i = index - (this.#firsts[low] as number)
    return {
      path: shard.path,
      offset: shard.offsets[i] as number,
      length: shard.lengths[i] as number,
      key: shard.keys[i] as string,
      label: shard.labels[i] as number | null,
    }
  }

  /** What it is, without the list of its images. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    const { name, length, classes, withoutImage } = this
    const facts = { name, shards: this.#shards.length, length, classes, withoutImage }
    return described('WebDataset', facts, depth, options)
  }
}

const OPTIONS = {
  allowCut: { type: 'boolean', default: false, doc: 'use what is whole in a shard whose end is missing' },
} as const

async function indexAll(paths: readonly string[]): Promise<ShardIndex[]> {
  const indexes: ShardIndex[] = []
  let next = 0
  const work = async () => {
    while (next < paths.length) {
      const i = next++
      indexes[i] = await indexShard(paths[i] as string)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  return indexes
}

function refuseCut(indexes: readonly ShardIndex[]): void {
  const cut = indexes.filter((index) => index.cut !== null)
  if (cut.length === 0) return
  const list = cut
    .slice(0, 5)
    .map(({ path, cut, keys }) => `${path} (${cut}; ${keys.length} whole images before)`)
    .join(', ')
  throw new BeitError(
    'ERR_DATA',
    `${cut.length} of ${indexes.length} shards are cut: ${list}; ` +
      'copy them again, or use what is whole: WebDataset.open(shards, { allowCut: true })',
  )
}

/** -1 without a label. */
function largestLabel(indexes: readonly ShardIndex[]): number {
  let largest = -1
  for (const { labels } of indexes) for (const label of labels) largest = Math.max(largest, label ?? -1)
  return largest
}

function idsOf(indexes: readonly ShardIndex[]): string[] | null {
  const largest = largestLabel(indexes)
  return largest < 0 ? null : Array.from({ length: largest + 1 }, (_, label) => String(label))
}

/** Those of classes.json; null without the file, or without a label. */
async function classNames(indexes: readonly ShardIndex[]): Promise<string[] | null> {
  const largest = largestLabel(indexes)
  if (largest < 0) return null
  const path = join(dirname((indexes[0] as ShardIndex).path), 'classes.json')
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  const names = parseNames(text)
  if (names === null || names.length <= largest) {
    const expected = `an array of at least ${largest + 1} strings (the shards have labels to ${largest})`
    throw new BeitError('ERR_DATA', `${path} must be ${expected}`)
  }
  return names
}

function parseNames(text: string): string[] | null {
  try {
    const names: unknown = JSON.parse(text)
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : null
  } catch {
    return null
  }
}
