import { is, throws } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { largestDifference, noise, pillowCases, viewSource, wholeImage } from '../support/image_views.js'
import { suite } from '../support/suite.js'

const test = suite('resample')
const INTERPOLATIONS = ['bilinear', 'bicubic', 'lanczos'] as const

test('resized boxes are equal to Pillow: every filter, shrinking, enlarging, both', async () => {
  const cases = pillowCases('view').filter(({ transform }) => transform.jitter.length === 0)
  is(cases.length, 37)
  for (const { transform, pixels } of cases) {
    const actual = await native().transformImage(viewSource(), transform)
    is(largestDifference(actual, pixels), 0, JSON.stringify(transform))
  }
})

test('an image of one colour keeps it, whatever the filter does at its edges', async () => {
  for (const value of [0, 1, 127, 255]) {
    const image = { rgb: new Uint8Array(37 * 23 * 3).fill(value), width: 37, height: 23 }
    for (const interpolation of INTERPOLATIONS) {
      for (const size of [
        [7, 5],
        [60, 90],
        [23, 300],
      ] as const) {
        const actual = await native().transformImage(image, wholeImage(image, { size, interpolation }))
        is(
          largestDifference(actual, new Uint8Array(actual.length).fill(value)),
          0,
          `${interpolation} ${size}`,
        )
      }
    }
  }
})

test('a size that is the same changes nothing', async () => {
  const image = noise(33, 18)
  for (const interpolation of INTERPOLATIONS) {
    const planes = await native().transformImage(image, wholeImage(image, { interpolation }))
    const pixels = 33 * 18
    const interleaved = planes.map((_, i) => planes[(i % 3) * pixels + Math.floor(i / 3)] as number)
    is(largestDifference(interleaved, image.rgb), 0, interpolation)
  }
})

test('a box outside the image is refused', () => {
  const image = noise(8, 8)
  for (const box of [
    [0, 0, 9, 8],
    [-1, 0, 4, 4],
    [4, 4, 4, 5],
    [0, 0, 0, 1],
  ] as const) {
    throws(
      () => native().transformImage(image, wholeImage(image, { box })),
      /is not inside the image of 8 x 8/,
    )
  }
})

test.run()
