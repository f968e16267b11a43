import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { equal, is, ok } from 'uvu/assert'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { openImages } from '../../lib/data/open_images.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { tar } from '../support/tar.js'
import { temporary } from '../support/temporary.js'

const test = suite('image folder')

/** A folder with empty files of these names: listing does not open them. */
function folderWith(...names: string[]): string {
  const folder = temporary()
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), '')
  }
  return folder
}

const keys = (data: ImageFolder) => Array.from({ length: data.length }, (_, i) => data.sample(i).key)

test('sorts by code unit, whatever the locale and the depth', async () => {
  const data = await ImageFolder.open(
    folderWith('b.jpg', 'B.jpg', 'ä.jpg', 'a/z.jpg', 'a.jpg', 'a/B/1.png', '10.jpg', '9.jpg'),
  )
  equal(keys(data), ['10.jpg', '9.jpg', 'B.jpg', 'a.jpg', 'a/B/1.png', 'a/z.jpg', 'b.jpg', 'ä.jpg'])
})

test('takes the known extensions in any case and passes over hidden names', async () => {
  const images = [
    'a.JPG',
    'b.jpeg',
    'c.Png',
    'd.ppm',
    'e.pgm',
    'f.bmp',
    'g.tif',
    'h.TIFF',
    'i.webp',
    'j.gif',
    'k.avif',
  ]
  const data = await ImageFolder.open(
    folderWith(...images, 'notes.txt', 'jpg', 'x.jpg.part', '._a.jpg', '.git/b.png'),
  )
  equal(keys(data), images)
})

test('class folders give labels, at any depth below them', async () => {
  const data = await ImageFolder.open(
    folderWith('dog/1.jpg', 'cat/deep/er/2.jpg', 'ant/3.jpg', 'empty/readme.txt'),
  )
  equal(data.classes, ['ant', 'cat', 'dog'])
  equal(
    [0, 1, 2].map((i) => data.sample(i).label),
    [0, 1, 2],
  )
  const { path, offset, length, key } = data.sample(1)
  ok(path.endsWith(join('cat', 'deep', 'er', '2.jpg')))
  equal([offset, length, key], [0, -1, 'cat/deep/er/2.jpg'])
})

test('images beside class folders: nothing is labelled', async () => {
  const data = await ImageFolder.open(folderWith('dog/1.jpg', 'cat/2.jpg', '3.jpg'))
  is(data.classes, null)
  equal(
    [0, 1, 2].map((i) => data.sample(i).label),
    [null, null, null],
  )
})

test('the fingerprint is of the listing, not of the place', async () => {
  const first = folderWith('a/1.jpg', 'b/2.jpg')
  const { fingerprint } = await ImageFolder.open(first)
  is((await ImageFolder.open(folderWith('b/2.jpg', 'a/1.jpg'))).fingerprint, fingerprint)
  renameSync(join(first, 'b', '2.jpg'), join(first, 'b', '3.jpg'))
  is.not((await ImageFolder.open(first)).fingerprint, fingerprint)
  is.not((await ImageFolder.open(folderWith('a/1.jpg'))).fingerprint, fingerprint)
})

test('follows links unless told not to, and never in circles', async () => {
  const outside = folderWith('far.jpg')
  const folder = folderWith('a/near.jpg')
  symlinkSync(outside, join(folder, 'linked'))
  symlinkSync(join(outside, 'far.jpg'), join(folder, 'a', 'file.jpg'))
  symlinkSync('..', join(folder, 'a', 'circle'))
  symlinkSync('nowhere', join(folder, 'a', 'dangling.jpg'))
  equal(keys(await ImageFolder.open(folder)), [
    'a/dangling.jpg',
    'a/file.jpg',
    'a/near.jpg',
    'linked/far.jpg',
  ])
  equal(keys(await ImageFolder.open(folder, { followLinks: false })), ['a/near.jpg'])
})

test('links that lead in circles through one another are followed once', async () => {
  const folder = folderWith('a/1.jpg', 'b/2.jpg')
  symlinkSync(join('..', 'b'), join(folder, 'a', 'x'))
  symlinkSync(join('..', 'a'), join(folder, 'b', 'y'))
  equal(keys(await ImageFolder.open(folder)), ['a/1.jpg', 'a/x/2.jpg', 'b/2.jpg', 'b/y/1.jpg'])
  // Out of the folder and back into it from above.
  const [inside, outside] = [folderWith('deep/3.jpg'), temporary()]
  symlinkSync(outside, join(inside, 'deep', 'out'))
  symlinkSync(inside, join(outside, 'back'))
  equal(keys(await ImageFolder.open(inside)), ['deep/3.jpg'])
})

test('errors say what was found', async () => {
  await rejects(ImageFolder.open('/nowhere/at/all'), 'ERR_DATA', /there is no folder \/nowhere\/at\/all/)
  await rejects(ImageFolder.open(folderWith()), 'ERR_DATA', /no images below .*found no file at all/)
  await rejects(
    ImageFolder.open(folderWith('a.txt', 'b/c.heic')),
    'ERR_DATA',
    /found 2 other files.*jpg, jpeg, png/,
  )
  const file = join(folderWith('a.jpg'), 'a.jpg')
  await rejects(ImageFolder.open(file), 'ERR_DATA', /is a file, expected a folder/)
  await rejects(ImageFolder.open(''), 'ERR_INVALID_ARGUMENT', /folder must be the path of a folder, got ""/)
  const options = { folowLinks: true } as object
  await rejects(ImageFolder.open(file, options), 'ERR_INVALID_ARGUMENT', /did you mean 'followLinks'/)
})

test('an index out of range is refused', async () => {
  const data = await ImageFolder.open(folderWith('a.jpg', 'b.jpg'))
  for (const index of [-1, 2, 0.5, Number.NaN]) {
    await rejects(() => data.sample(index), 'ERR_INVALID_ARGUMENT', /index must be an integer from 0 to 1/)
  }
})

const isRoot = process.getuid?.() === 0 ? 'root reads everything' : null
test.skipIf(isRoot, 'a folder that cannot be read is an error, not a gap', async () => {
  const folder = folderWith('a/1.jpg', 'b/2.jpg')
  chmodSync(join(folder, 'b'), 0)
  await rejects(ImageFolder.open(folder), 'ERR_DATA', /cannot read the folder .*b: EACCES/)
})

test('listing leaves the event loop free', async () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `${(i * 7919) % 20_011}.jpg`)
  const folder = folderWith(...names)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const data = await ImageFolder.open(folder)
  delay.disable()
  is(data.length, 20_000)
  equal(keys(data), [...names].sort())
  ok(delay.percentile(99) < 50e6, `the loop waited ${delay.percentile(99) / 1e6} ms`)
})

test('openImages takes folders and shards, and refuses a mixture', async () => {
  is((await openImages(folderWith('a.jpg'))).length, 1)
  const shards = folderWith()
  writeFileSync(join(shards, 'x.tar'), tar([{ name: '1.jpg' }, { name: '2.jpg' }]))
  is((await openImages(shards)).length, 2)
  is((await openImages(join(shards, 'x.tar'))).length, 2)
  is((await openImages(join(shards, '*.tar'))).length, 2)
  mkdirSync(join(shards, 'images'))
  await rejects(openImages(shards), 'ERR_DATA', /holds \.tar shards beside images or folders/)
  await rejects(openImages('/nowhere/x.tar'), 'ERR_DATA', /cannot read the shard \/nowhere\/x.tar/)
  await rejects(openImages('/nowhere/x'), 'ERR_DATA', /there is no folder/)
})

test.run()
