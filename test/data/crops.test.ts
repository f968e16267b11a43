import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { evaluationViews, trainingViews } from '../../lib/data/view_settings.js'
import type { RawImage } from '../../lib/native.js'
import { assertEven } from '../support/distribution.js'
import { rejects } from '../support/errors.js'
import { largestDifference, noise, viewsOf, wholeImage } from '../support/image_views.js'
import { suite } from '../support/suite.js'

const test = suite('crops')

const needs = (height: number, width: number) =>
  ({ imageSize: [height, width], tokenImageSize: null, maskGrid: null }) as const
const still = { flipProbability: 0, colorJitter: [0, 0, 0] } as const
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** `image` resized to (3, height, width); outside of it black. */
async function resized(image: RawImage, height: number, width: number) {
  const planes = await native().transformImage(image, wholeImage(image, { size: [height, width] }))
  return (channel: number, y: number, x: number) =>
    y >= 0 && y < height && x >= 0 && x < width ? (planes[(channel * height + y) * width + x] as number) : 0
}

/** The window at (top, left) of `at`, as (3, height, width). */
const windowOf = (at: Awaited<ReturnType<typeof resized>>, top: number, left: number, h: number, w: number) =>
  Uint8Array.from(range(3 * h * w), (i) =>
    at(Math.floor(i / (h * w)), top + (Math.floor(i / w) % h), left + (i % w)),
  )

test('a random crop is a window of the padded image, every place alike', async () => {
  const image = noise(8, 8)
  const at = await resized(image, 8, 8)
  const views = trainingViews(needs(8, 8), { ...still, crop: 'random-crop', padding: 2, seed: 3 })
  const windows = new Map<string, number>()
  for (const top of range(5)) {
    for (const left of range(5)) windows.set(`${windowOf(at, top - 2, left - 2, 8, 8)}`, top * 5 + left)
  }
  const counts = new Array<number>(25).fill(0)
  for (const view of await viewsOf(image, views, range(2500))) {
    const place = windows.get(`${view}`)
    if (place === undefined) throw new Error('a view that is no window of the padded image')
    counts[place] = (counts[place] as number) + 1
  }
  assertEven(counts, 'places')
})

test('a random crop of an image of another size covers the view first', async () => {
  const image = noise(30, 20)
  const at = await resized(image, 8, 12)
  const views = trainingViews(needs(8, 8), { ...still, crop: 'random-crop', padding: 1, seed: 3 })
  for (const view of await viewsOf(image, views, range(20))) {
    const found = range(3 * 7).some((i) => {
      const window = windowOf(at, Math.floor(i / 7) - 1, (i % 7) - 1, 8, 8)
      return largestDifference(view, window) === 0
    })
    ok(found)
  }
})

test('no padding and the same size: the image itself, mirrored or not', async () => {
  const image = noise(6, 4)
  const views = trainingViews(needs(4, 6), { ...still, crop: 'random-crop', flipProbability: 0.5 })
  const at = await resized(image, 4, 6)
  const straight = windowOf(at, 0, 0, 4, 6)
  const mirrored = straight.map((_, i) => straight[i - (i % 6) + 5 - (i % 6)] as number)
  const seen = (await viewsOf(image, views, range(200))).map((view) =>
    largestDifference(view, straight) === 0 ? 0 : largestDifference(view, mirrored) === 0 ? 1 : 2,
  )
  assertEven(
    [0, 1].map((kind) => seen.filter((one) => one === kind).length),
    'flips',
  )
  ok(!seen.includes(2))
})

test('the middle of cropShare of the shorter side', async () => {
  const image = noise(60, 40)
  const cases = [
    // view [h, w], share; resized to [h, w], top, left
    { size: [14, 14], share: 0.875, cover: [16, 24], top: 1, left: 5 },
    { size: [14, 14], share: 1, cover: [14, 21], top: 0, left: 4 }, // 3.5 rounds to even
    { size: [10, 10], share: 0.9, cover: [11, 16], top: 0, left: 3 }, // 11.1; 0.5 to even
    { size: [14, 7], share: 0.7, cover: [20, 30], top: 3, left: 12 }, // 11.5 to even
  ] as const
  for (const { size, share, cover, top, left } of cases) {
    const [height, width] = size
    const views = evaluationViews(needs(height, width), { cropShare: share })
    const [view] = await viewsOf(image, views, [0])
    const window = windowOf(await resized(image, cover[0], cover[1]), top, left, height, width)
    is(largestDifference(view as Uint8Array, window), 0, JSON.stringify({ size, share }))
  }
})

test('224 of 0.875 is the middle of 256, as the original', async () => {
  const image = noise(300, 280)
  const [view] = await viewsOf(image, evaluationViews(needs(224, 224), { cropShare: 0.875 }), [0])
  const window = windowOf(await resized(image, 256, 274), 16, 25, 224, 224)
  is(largestDifference(view as Uint8Array, window), 0)
})

test('the whole image, whatever its shape', async () => {
  const image = noise(30, 10)
  const [view] = await viewsOf(image, evaluationViews(needs(8, 8), { crop: 'whole', cropShare: 0.5 }), [0])
  const expected = windowOf(await resized(image, 8, 8), 0, 0, 8, 8)
  is(largestDifference(view as Uint8Array, expected), 0)
})

test('a random crop is the same for every number of threads', async () => {
  const image = noise(8, 8)
  const views = trainingViews(needs(8, 8), { crop: 'random-crop', padding: 4 })
  equal(await viewsOf(image, views, range(40), 4), await viewsOf(image, views, range(40), 1))
})

test('wrong settings are refused by name', async () => {
  const refused = (options: object, message: RegExp) =>
    rejects(() => trainingViews(needs(8, 8), options), 'ERR_INVALID_ARGUMENT', message)
  await refused({ padding: -1 }, /padding must be an integer from 0 to 1024, got -1/)
  await refused({ padding: 1.5 }, /padding must be/)
  await refused({ cropShare: 0 }, /cropShare must be a number from 0.01 to 1, got 0/)
  await refused({ cropShare: 1.1 }, /cropShare must be/)
  const views = { ...trainingViews(needs(8, 8)), crop: 'corner' as 'whole' }
  await rejects(
    () => native().imageLoaderCreate(views, 1),
    'ERR_INVALID_ARGUMENT',
    /center-crop or whole, got 'corner'/,
  )
})

test.run()
