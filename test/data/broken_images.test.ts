import { equal, is } from 'uvu/assert'
import { BrokenImages, type BrokenSample } from '../../lib/data/broken_images.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('broken images')

const broken = (...indices: number[]): BrokenSample[] =>
  indices.map((index) => ({ index, key: `k${index}`, path: 'x.tar', offset: index * 512, message: 'bad' }))

/** How many broken images an epoch of `images` survives. */
function allowed(images: number, share: number): number {
  const list = new BrokenImages(images, share)
  for (let i = 0; i < images; i++) {
    try {
      list.add(0, broken(i))
    } catch {
      return i
    }
  }
  return images
}

test('the limit is a share of the epoch, at least one image, never all', () => {
  equal(
    [1000, 250, 199, 50, 2, 1].map((images) => allowed(images, 0.01)),
    [10, 2, 1, 1, 1, 0],
  )
  equal(
    [10, 1].map((images) => allowed(images, 1)),
    [9, 0],
  )
  equal(
    [10, 1000].map((images) => allowed(images, 0)),
    [0, 0],
  )
})

test('lists each image once and counts every epoch anew', () => {
  const images = new BrokenImages(300, 0.01)
  images.add(0, broken(4, 2))
  images.add(0, broken(9))
  images.add(1, broken(9, 4))
  images.add(1, broken(7))
  equal(
    images.list.map(({ key }) => key),
    ['k4', 'k2', 'k9', 'k7'],
  )
  equal(images.list[0], { key: 'k4', path: 'x.tar', offset: 2048, message: 'bad' })
})

test('the error counts, names the first files and tells the limit', async () => {
  const images = new BrokenImages(200, 0.01)
  images.add(3, broken(1, 2))
  await rejects(
    () => images.add(3, broken(5, 6)),
    'ERR_DATA',
    /^4 images of epoch 3 cannot be read, and 2 of 200 are allowed \(maxBrokenShare 0\.01\): k1 in x\.tar: bad; k2 .*; k5 .*; and 1 more$/,
  )
  is(images.list.length, 4)
})

test.run()
