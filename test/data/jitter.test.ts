import { equal, is, throws } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { largestDifference, noise, pillowCases, viewSource, wholeImage } from '../support/image_views.js'
import { suite } from '../support/suite.js'

const test = suite('jitter')

test('colours are equal to Pillow: each step alone, every order of three, with flip and crop', async () => {
  const cases = pillowCases('view').filter(({ transform }) => transform.jitter.length > 0)
  is(cases.length, 27)
  for (const { transform, pixels } of cases) {
    const actual = await native().transformImage(viewSource(), transform)
    is(largestDifference(actual, pixels), 0, JSON.stringify(transform))
  }
})

test('the contrast of a crop is that of the whole image', async () => {
  // Left half black, right half white: the mean grey is 128 everywhere, so a black pixel becomes 128 * (1 -
  // 0.5).
  const rgb = new Uint8Array(16 * 8 * 3).map((_, i) => (Math.floor(i / 3) % 16 < 8 ? 0 : 255))
  const jitter = [{ kind: 'contrast', factor: 0.5 }] as const
  const transform = {
    jitter,
    flip: false,
    box: [1, 1, 4, 4],
    size: [4, 4],
    interpolation: 'bicubic',
  } as const
  const actual = await native().transformImage({ rgb, width: 16, height: 8 }, transform)
  equal([...new Set(actual)], [64])
})

test('a flip mirrors, and a box is one of the flipped image', async () => {
  const image = noise(9, 5)
  const flipped = await native().transformImage(image, wholeImage(image, { flip: true }))
  const straight = await native().transformImage(image, wholeImage(image, {}))
  is(
    largestDifference(
      flipped,
      straight.map((_, i) => straight[i - (i % 9) + 8 - (i % 9)] as number),
    ),
    0,
  )
  const box = [0, 0, 2, 5] as const
  const left = await native().transformImage(image, wholeImage(image, { flip: true, box, size: [5, 2] }))
  is(
    largestDifference(
      left,
      flipped.filter((_, i) => i % 9 < 2),
    ),
    0,
  )
})

test('a factor that is negative or not a number is refused', () => {
  const image = noise(4, 4)
  for (const factor of [-0.1, Number.NaN, 1e6]) {
    const jitter = [{ kind: 'brightness', factor }] as const
    throws(() => native().transformImage(image, wholeImage(image, { jitter })), /jitter.factor: expected/)
  }
})

test.run()
