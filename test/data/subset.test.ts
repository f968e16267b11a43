import { equal, is, not, ok } from 'uvu/assert'
import { labelled } from '../../lib/data/labels.js'
import { balancedSubset, subset } from '../../lib/data/subset.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { listed } from './listed_images.js'

const test = suite('subsets')

const ids = Array.from({ length: 60 }, (_, i) => i % 3)
const keysOf = (images: { length: number; sample(i: number): { key: string } }) =>
  Array.from({ length: images.length }, (_, i) => images.sample(i).key)

test('a subset has the images asked for, in that order, with their labels', async () => {
  const images = await labelled(listed(['a', 'b', 'c'], ids))
  const part = subset(images, [5, 0, 5])
  equal(keysOf(part), ['k5.jpg', 'k0.jpg', 'k5.jpg'])
  equal([part.targets(0), part.targets(1), part.classes], [2, 0, ['a', 'b', 'c']])
  is(part.name, '3 of the 60 images of the set')
  not.equal(part.fingerprint, subset(images, [0, 5, 5]).fingerprint)
  await rejects(() => part.sample(3), 'ERR_INVALID_ARGUMENT', /0 to 2/)
  await rejects(() => part.targets(-1), 'ERR_INVALID_ARGUMENT', /0 to 2/)
  await rejects(() => subset(images, [60]), 'ERR_INVALID_ARGUMENT', /indices\[0\].*0 to 59/)
  await rejects(() => subset(images, []), 'ERR_DATA', /without an image/)
})

test('a subset of folders keeps the check for class folders without images', async () => {
  const folder = { ...listed(['a', 'b'], [0, 1, 1]), emptyClasses: ['zz'] }
  await rejects(labelled(subset(folder, [0, 1])), 'ERR_DATA', /no image in the class folder "zz"/)
})

test('a balanced subset has as many of each class, by the seed, and what is smaller is inside what is larger', async () => {
  const images = await labelled(listed(['a', 'b', 'c', 'empty'], ids))
  const part = await balancedSubset(images, { perClass: 5, seed: 1 })
  const counts = [0, 0, 0]
  for (let i = 0; i < part.length; i++)
    counts[part.targets(i) as number] = (counts[part.targets(i) as number] ?? 0) + 1
  equal(counts, [5, 5, 5])
  is(new Set(keysOf(part)).size, 15)
  equal(keysOf(await balancedSubset(images, { perClass: 5, seed: 1 })), keysOf(part))
  not.equal(keysOf(await balancedSubset(images, { perClass: 5, seed: 2 })), keysOf(part))
  const larger = new Set(keysOf(await balancedSubset(images, { perClass: 9, seed: 1 })))
  ok(keysOf(part).every((key) => larger.has(key)))
  await rejects(
    balancedSubset(images, { perClass: 21 }),
    'ERR_DATA',
    /20 images of the class "a", fewer than the 21 asked for/,
  )
  await rejects(balancedSubset(images, { perClass: 0 }), 'ERR_INVALID_ARGUMENT', /perClass/)
})

test.run()
