/** The vectorised inner loops against the plain ones, bit for bit, at sizes that leave every kind of rest. */
import { existsSync, readFileSync } from 'node:fs'
import { is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { ImageTransform, RawImage } from '../../lib/native.js'
import { largestDifference, noise, wholeImage } from '../support/image_views.js'
import { suite } from '../support/suite.js'

const test = suite('kernels')
/** Where a processor has more than AVX2, the fastest are others. */
const HAS_AVX2 = existsSync('/proc/cpuinfo') && / avx2 /.test(readFileSync('/proc/cpuinfo', 'utf8'))

async function same(image: RawImage, transform: ImageTransform) {
  const fast = await native().transformImage(image, transform)
  const plain = await native().transformImage(image, { ...transform, kernels: 'plain' })
  const what = `${image.width} x ${image.height}: ${JSON.stringify(transform)}`
  is(largestDifference(fast, plain), 0, what)
  if (!HAS_AVX2) return
  const avx2 = await native().transformImage(image, { ...transform, kernels: 'avx2' })
  is(largestDifference(avx2, plain), 0, `AVX2, ${what}`)
}

test('resize, for widths around the vector lengths and many weights', async () => {
  const image = noise(131, 97)
  for (const interpolation of ['bilinear', 'bicubic', 'lanczos'] as const) {
    for (const width of [1, 2, 7, 8, 9, 31, 32, 33, 40, 63, 64, 65, 71, 100, 263]) {
      await same(image, wholeImage(image, { size: [(width % 29) + 1, width], interpolation }))
    }
  }
})

test('resize, for every small source', async () => {
  for (let width = 1; width <= 24; width++) {
    const image = noise(width, (width % 5) + 1)
    await same(image, wholeImage(image, { size: [3, 11], interpolation: 'lanczos' }))
  }
})

test('resize, with more weights than the vectorised sums may hold', async () => {
  const image = noise(3001, 2)
  await same(image, wholeImage(image, { size: [2, 1], interpolation: 'lanczos' }))
})

test('colours, for every small width and factors on both sides of 1', async () => {
  // The last ones: rows that are long enough for a table, with every kind of rest.
  for (const width of [...Array.from({ length: 45 }, (_, i) => i + 1), 86, 87, 100, 106, 107, 108]) {
    const image = noise(width, 3)
    for (const kind of ['brightness', 'contrast', 'saturation'] as const) {
      for (const factor of [0, 0.61, 1, 1.39, 7.5]) {
        await same(image, wholeImage(image, { jitter: [{ kind, factor }] }))
      }
    }
  }
})

test('colours, for every pair of grey and value', async () => {
  // Pixel (v, v, w): its grey and its channels take every combination of interest.
  const rgb = new Uint8Array(256 * 256 * 3)
  for (let i = 0; i < 256 * 256; i++) rgb.set([i & 255, i >> 8, (i * 7) & 255], i * 3)
  const image = { rgb, width: 256, height: 256 }
  for (const factor of [0.6, 0.731, 1.27, 1.4]) {
    for (const kind of ['brightness', 'contrast', 'saturation'] as const) {
      await same(image, wholeImage(image, { jitter: [{ kind, factor }] }))
    }
  }
})

test.run()
