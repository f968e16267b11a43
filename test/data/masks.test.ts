import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok, throws } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import {
  blockwiseMask,
  emptyMaskShare,
  type MaskOptions,
  type MaskSettings,
  maskSettings,
} from '../../lib/data/masks.js'
import { fixtures } from '../support/paths.js'
import { suite } from '../support/suite.js'

const test = suite('masks')

/** What 40,000 masks of the original's generator look like. */
interface Statistics {
  shape: [number, number]
  num_masking_patches: number
  min_num_patches: number
  draws: number
  count_histogram: Record<string, number>
  mean_count: number
  mean_adjacent_pairs: number
  position_frequency: number[][]
}
const originals = Object.values(
  JSON.parse(readFileSync(join(fixtures, 'mask_statistics.json'), 'utf8')) as Record<string, Statistics>,
)

const settingsOf = ({ shape, num_masking_patches, min_num_patches }: Statistics) =>
  maskSettings(shape, { patches: num_masking_patches, minPatchesPerBlock: min_num_patches })

test('counts are distributed as the original: chi-square of both histograms', () => {
  for (const original of originals) {
    const [rows, columns] = original.shape
    const counts = countsOf(draw(settingsOf(original), original.draws), rows * columns)
    const histogram = new Map<number, [number, number]>() // count: ours, theirs
    const bin = (count: number) => histogram.get(count) ?? histogram.set(count, [0, 0]).get(count) ?? [0, 0]
    for (const count of counts) bin(count)[0]++
    for (const [count, times] of Object.entries(original.count_histogram)) bin(Number(count))[1] += times
    const [statistic, freedom] = chiSquare([...histogram].sort(([a], [b]) => a - b).map(([, pair]) => pair))
    // The 99.9 % point of chi-square is below freedom + 3.3 * sqrt(2 * freedom) + 6.
    const limit = freedom + 3.3 * Math.sqrt(2 * freedom) + 6
    ok(statistic < limit, `${original.shape}: chi-square ${statistic} of ${freedom} degrees of freedom`)
    ok(Math.max(...counts) <= original.num_masking_patches)
    ok(Math.min(...counts) >= 1)
  }
})

test('the mean of 14 x 14 patches, 75 asked for, is 74.48', () => {
  const [original] = originals as [Statistics]
  const counts = countsOf(draw(settingsOf(original), original.draws))
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  // The deviation of a count is 0.99: that of the mean of 40,000 is 0.005, of the difference of two means
  // 0.007.
  ok(Math.abs(mean - original.mean_count) < 0.025, `mean ${mean}, the original's ${original.mean_count}`)
})

test('each place is masked as often as in the original', () => {
  for (const original of originals) {
    const places = original.position_frequency.flat()
    const ours = timesMasked(draw(settingsOf(original), original.draws), places.length)
    const differences = places.map((theirs, place) => {
      const difference = (ours[place] as number) / original.draws - theirs
      return difference / Math.sqrt((2 * theirs * (1 - theirs)) / original.draws)
    })
    // Standard normal each: one of 196 beyond 4.7 happens by chance once in 2,000 seeds.
    const largest = Math.max(...differences.map(Math.abs))
    ok(largest < 4.7, `${original.shape}: a place differs by ${largest} deviations`)
  }
})

test('masked patches lie together as in the original: pairs of neighbours', () => {
  for (const original of originals) {
    const [rows, columns] = original.shape
    const masks = draw(settingsOf(original), original.draws)
    const pairs = Array.from({ length: original.draws }, (_, i) =>
      neighbours(masks.subarray(i * rows * columns, (i + 1) * rows * columns), columns),
    )
    const mean = pairs.reduce((a, b) => a + b, 0) / pairs.length
    const variance = pairs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / pairs.length
    const deviations = (mean - original.mean_adjacent_pairs) / Math.sqrt((2 * variance) / original.draws)
    ok(Math.abs(deviations) < 4, `${mean} pairs, the original's ${original.mean_adjacent_pairs}`)
  }
})

test('a mask is a pure function of seed, epoch and sample', () => {
  const settings = maskSettings([14, 14])
  const mask = (seed: number, epoch: number, index: number) => [
    ...native().blockwiseMask(settings, seed, epoch, [index]),
  ]
  equal(mask(1, 2, 3), mask(1, 2, 3))
  equal([...native().blockwiseMask(settings, 1, 2, [9, 3])].slice(196), mask(1, 2, 3))
  for (const other of [mask(2, 2, 3), mask(1, 3, 3), mask(1, 2, 4), mask(1 + 2 ** 32, 2, 3)]) {
    ok(other.some((value, i) => value !== mask(1, 2, 3)[i]))
  }
})

test("mode 'exact' masks exactly as many as asked for, in blocks", () => {
  for (const patches of [1, 20, 75, 150, 196]) {
    const masks = draw(maskSettings([14, 14], { mode: 'exact', patches }), 500)
    equal([...new Set(countsOf(masks))], [patches])
  }
  const blocks = neighbours(draw(maskSettings([14, 14], { mode: 'exact' }), 1000), 14) / 1000
  const single = neighbours(draw(maskSettings([14, 14], { mode: 'random' }), 1000), 14) / 1000
  // 364 neighbouring pairs, each masked with probability 75 / 196 * 74 / 195, make 52.9 for single patches.
  ok(blocks > 110, `${blocks} pairs in blocks`)
  ok(Math.abs(single - 52.9) < 1.5, `${single} pairs of single patches`)
})

test("mode 'random' chooses every patch equally often", () => {
  const draws = 4000
  const masks = draw(maskSettings([6, 5], { mode: 'random', patches: 12 }), draws)
  equal([...new Set(countsOf(masks, 30))], [12])
  const often = timesMasked(masks, 30)
  const expected = (draws * 12) / 30
  const largest = Math.max(...often.map((times) => Math.abs(times - expected) / Math.sqrt(expected * 0.6)))
  ok(largest < 4.2, `a patch differs by ${largest} deviations`)
})

test('a block never fills a whole row or column', () => {
  // Nothing but 3 x 3 blocks, one a mask: a grid of 3 rows or columns has no room for them.
  const settings = { patches: 9, minPatchesPerBlock: 9, minAspect: 1 }
  throws(() => maskSettings([3, 5], settings), /without a mask/)
  throws(() => maskSettings([5, 3], settings), /without a mask/)
  const counts = countsOf(draw(maskSettings([4, 4], settings), 400), 16)
  equal([...new Set(counts)], [9])
  // All four positions in a 4 x 4 grid, the last row and column included (some ports leave those out).
  const often = timesMasked(draw(maskSettings([4, 4], settings), 400), 16)
  for (const corner of [0, 3, 12, 15]) ok(Math.abs((often[corner] as number) - 100) < 40, `${often}`)
})

test('defaults are the original for 14 x 14 patches, scaled to other grids', () => {
  equal(maskSettings([14, 14]), {
    grid: [14, 14],
    mode: 'original',
    patches: 75,
    minPatchesPerBlock: 16,
    maxPatchesPerBlock: null,
    minAspect: 0.3,
  })
  const { patches, minPatchesPerBlock } = maskSettings([28, 28])
  equal([patches, minPatchesPerBlock], [300, 64])
  // Square grids and those twice as wide as high have valid defaults.
  for (const side of [3, 4, 5, 7, 10, 14, 24, 37, 64]) {
    maskSettings([side, side])
    maskSettings([side, 2 * side])
  }
})

test('settings that could leave an image without a mask are refused, with the reason', () => {
  const refuse = (options: Parameters<typeof maskSettings>[1], message: RegExp) =>
    throws(() => maskSettings([14, 14], options), message)
  // microsoft/unilm issue 551: no batch had a masked patch.
  refuse(
    { patches: 1, minPatchesPerBlock: 16 },
    /78 % of the images without a mask: blocks of 16 .* the 1 allowed/,
  )
  refuse({ patches: 196, minPatchesPerBlock: 150 }, /without a mask: most blocks are too large.*mode 'exact'/)
  refuse({ patches: 0 }, /patches must be a whole number from 1 to the 196 patches/)
  refuse({ patches: 197 }, /patches must be a whole number/)
  refuse({ minAspect: 0 }, /minAspect must be above 0/)
  throws(() => maskSettings([2, 4]), /a block never fills a whole row or column/)
  is(maskSettings([14, 14], { patches: 1, mode: 'exact' }).patches, 1)
})

test('the share of empty masks is what the original rule gives', () => {
  // Where 78 % of the draws are empty, all 16 draws of the addon are so for 0.7816 ** 16 = 1.95 % of the
  // images.
  const settings: MaskSettings = { ...maskSettings([14, 14]), patches: 1 }
  const share = emptyMaskShare(settings)
  ok(Math.abs(share - 0.782) < 0.001, `share ${share}`)
  const draws = 20_000
  const empty = countsOf(native().blockwiseMask(settings, 0, 0, indices(draws))).filter(
    (count) => count === 0,
  )
  const expected = share ** 16 * draws
  ok(
    Math.abs(empty.length - expected) < 4 * Math.sqrt(expected),
    `${empty.length} empty, expected ${expected}`,
  )
})

test('100,000 masks are those that the same seeds have always given', () => {
  const hash = createHash('sha256')
  const add = (
    grid: readonly [number, number],
    options: MaskOptions,
    seed: number,
    epoch: number,
    count: number,
  ) => hash.update(native().blockwiseMask(maskSettings(grid, options), seed, epoch, indices(count)))
  add([14, 14], {}, 0, 0, 40_000)
  add([14, 14], { mode: 'exact' }, 1, 7, 30_000)
  add([14, 14], { mode: 'random' }, 2, 1, 5000)
  const narrow = { patches: 90, minPatchesPerBlock: 4, maxPatchesPerBlock: 30, minAspect: 0.1 }
  add([12, 20], narrow, 2 ** 52 + 1, 300, 20_000)
  add([24, 24], { mode: 'exact', patches: 230, minPatchesPerBlock: 9 }, 4, 0, 5000)
  is(hash.digest('hex'), 'b9e47e67c50cee6139bcbc89086c8f00ea455665bae91e65cd3e9acd16ca3056')
})

test('blockwiseMask gives the masks of the loader as a tensor', async () => {
  using mask = blockwiseMask([14, 14], { samples: [4, 7], seed: 3, epoch: 1 })
  equal([mask.shape, mask.dtype], [[2, 196], 'bool'])
  equal([...(await mask.toTypedArray())], [...native().blockwiseMask(maskSettings([14, 14]), 3, 1, [4, 7])])
})

test('wrong grids, names and numbers of samples are refused before memory is asked for', () => {
  const refuse = (grid: unknown, options: object, message: RegExp) =>
    throws(() => blockwiseMask(grid as never, options), message)
  for (const grid of [undefined, [14], [0, 4], '14x14', [14, 14, 14]]) refuse(grid, {}, /^grid must be two/)
  refuse([14, 14], { ratio: 0.4 }, /mask settings has no option 'ratio'/)
  refuse([14, 14], { patch: 40 }, /did you mean 'patches'\?/)
  for (const samples of [-1, 1.5, NaN, 1e12]) refuse([14, 14], { samples }, /^samples must be a whole number/)
})

test.run()

const indices = (count: number) => Array.from({ length: count }, (_, i) => i)
const draw = (settings: MaskSettings, count: number) =>
  native().blockwiseMask(settings, 20, 0, indices(count))

function countsOf(masks: Uint8Array, patches = 196): number[] {
  return indices(masks.length / patches).map((i) =>
    masks.subarray(i * patches, (i + 1) * patches).reduce((sum, value) => sum + value, 0),
  )
}

/** How often each patch is masked. */
function timesMasked(masks: Uint8Array, patches: number): number[] {
  const times = new Array<number>(patches).fill(0)
  masks.forEach((value, i) => {
    times[i % patches] = (times[i % patches] as number) + value
  })
  return times
}

/** Pairs of neighbours, side by side or one above the other, both masked; of one mask or of square ones. */
function neighbours(masks: Uint8Array, columns: number): number {
  const patches = Math.min(masks.length, columns * columns)
  let pairs = 0
  masks.forEach((value, i) => {
    if (value === 0) return
    if ((i % columns) + 1 < columns) pairs += masks[i + 1] as number
    if ((i % patches) + columns < patches) pairs += masks[i + columns] as number
  })
  return pairs
}

/** Two samples of one size; bins of few draws are joined with the next. The statistic and its freedom. */
function chiSquare(bins: [number, number][]): [number, number] {
  const joined: [number, number][] = []
  for (const [ours, theirs] of bins) {
    const last = joined.at(-1)
    if (last !== undefined && last[0] + last[1] < 20) {
      last[0] += ours
      last[1] += theirs
    } else joined.push([ours, theirs])
  }
  const statistic = joined.reduce((sum, [ours, theirs]) => sum + (ours - theirs) ** 2 / (ours + theirs), 0)
  return [statistic, joined.length - 1]
}
