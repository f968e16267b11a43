import { createHash } from 'node:crypto'
import { truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { type Batch, type BatchOptions, batches } from '../../lib/data/batches.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import type { ImageSource } from '../../lib/data/image_source.js'
import { evaluationViews, trainingViews } from '../../lib/data/view_settings.js'
import { WebDataset } from '../../lib/data/web_dataset.js'
import { scope } from '../../lib/dispose.js'
import type { MaskSettings } from '../../lib/native.js'
import type { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { folderOf, imageFiles, shardsOf } from '../support/image_sets.js'
import { encode, picture } from '../support/pictures.js'
import { suite } from '../support/suite.js'

const test = suite('batches')

const mask: MaskSettings = {
  grid: [4, 4],
  mode: 'original',
  patches: 6,
  minPatchesPerBlock: 2,
  maxPatchesPerBlock: null,
  minAspect: 0.3,
}
const needs = { imageSize: [32, 32], tokenImageSize: [16, 16], maskGrid: [4, 4] } as const
const views = trainingViews(needs, { seed: 5, mask })
const defaults = { views, batchSize: 4, epochs: 1, threads: 2, seed: 3 } satisfies Partial<BatchOptions>

type Options = Partial<BatchOptions>

/** What a batch holds, as plain values. */
async function contentOf({ epoch, batch, indices, pixels, tokenPixels, mask }: Batch) {
  const hash = createHash('sha256')
  for (const tensor of [pixels, tokenPixels, mask]) {
    if (tensor !== null) hash.update((await tensor.toTypedArray()) as Uint8Array)
  }
  return { epoch, batch, indices, shape: pixels.shape, digest: hash.digest('hex') }
}

async function contents(source: ImageSource, options: Options = {}) {
  const list: Awaited<ReturnType<typeof contentOf>>[] = []
  for await (const batch of batches(source, { ...defaults, ...options })) {
    list.push(await contentOf(batch))
    batch.dispose()
  }
  return list
}

const indicesOf = async (source: ImageSource, options: Options) =>
  (await contents(source, options)).map(({ indices }) => indices)

const openFolder = async (count: number) => ImageFolder.open(folderOf(await imageFiles(count)))

/** The files with `broken` ones cut to half their length. */
async function filesWithBroken(count: number, broken: readonly number[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>(await imageFiles(count))
  for (const index of broken) {
    const [name, bytes] = [...files][index] as [string, Uint8Array]
    files.set(name, bytes.subarray(0, bytes.length / 2))
  }
  return files
}

test('shapes, types and the position of a batch', async () => {
  const source = await openFolder(10)
  const stream = batches(source, { ...defaults, dropLast: false })
  is(stream.batchesPerEpoch, 3)
  const seen: unknown[] = []
  for await (const batch of stream) {
    using _ = batch
    const kind = (tensor: Tensor | null) => tensor && `${tensor.dtype} ${tensor.shape}`
    seen.push([batch.epoch, batch.batch, kind(batch.pixels), kind(batch.tokenPixels), kind(batch.mask)])
    is(batch.batchesPerEpoch, 3)
    ok(batch.waited >= 0)
  }
  equal(seen, [
    [0, 0, 'uint8 4,3,32,32', 'uint8 4,3,16,16', 'bool 4,16'],
    [0, 1, 'uint8 4,3,32,32', 'uint8 4,3,16,16', 'bool 4,16'],
    [0, 2, 'uint8 2,3,32,32', 'uint8 2,3,16,16', 'bool 2,16'],
  ])
})

test('the order is a pure function of (seed, epoch), and every image comes once an epoch', async () => {
  const source = await openFolder(20)
  const order = async (options: Options) => (await indicesOf(source, { epochs: 3, ...options })).flat()
  const first = await order({})
  equal(await order({ batchSize: 5, prefetch: 1 }), first)
  const epochs = [first.slice(0, 20), first.slice(20, 40), first.slice(40)]
  for (const epoch of epochs)
    equal(
      epoch.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i),
    )
  is(new Set(epochs.map(String)).size, 3)
  is.not(String(await order({ seed: 4 })), String(first))
  equal(
    await order({ shuffle: false, epochs: 1 }),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('dropLast leaves out the rest of an epoch, another one each time', async () => {
  const source = await openFolder(11)
  equal(
    (await indicesOf(source, { epochs: 2 })).map((indices) => indices.length),
    [4, 4, 4, 4],
  )
  equal(
    (await indicesOf(source, { epochs: 2, dropLast: false })).map((indices) => indices.length),
    [4, 4, 3, 4, 4, 3],
  )
})

test('resumes at every batch with the same contents', async () => {
  const source = await openFolder(12)
  const whole = await contents(source, { epochs: 2 })
  for (let i = 0; i <= 6; i++) {
    const start = { epoch: Math.floor(i / 3), batch: i % 3 }
    equal(await contents(source, { epochs: 2, start }), whole.slice(i), `from batch ${i}`)
  }
  equal(await contents(source, { epochs: 2, start: { epoch: 0, batch: 3 } }), whole.slice(3))
  equal(await contents(source, { epochs: 2, start: { epoch: 1, batch: 3 } }), [])
})

test('threads and prefetch change no byte, with broken images as well', async () => {
  const source = await ImageFolder.open(folderOf(await filesWithBroken(24, [3, 4, 17])))
  const options = { epochs: 2, maxBrokenShare: 0.5 }
  const base = await contents(source, { ...options, threads: 1, prefetch: 1 })
  is(base.flatMap(({ indices }) => indices).length, 42)
  for (const threads of [2, 4]) {
    for (const prefetch of [1, 5]) equal(await contents(source, { ...options, threads, prefetch }), base)
  }
})

test('a folder and shards of the same images give the same stream', async () => {
  const files = await imageFiles(15)
  const folder = await ImageFolder.open(folderOf(files))
  const shards = await WebDataset.open(shardsOf(files, 4))
  equal(await contents(shards, { epochs: 2 }), await contents(folder, { epochs: 2 }))
})

test('both decoders feed the same views', async () => {
  const jpegs = new Map<string, Uint8Array>()
  const pngs = new Map<string, Uint8Array>()
  for (let i = 0; i < 8; i++) {
    // Without subsampling, both libraries decode a JPEG to the same pixels.
    const jpeg = await encode(picture(48, 40, i))
      .jpeg({ chromaSubsampling: '4:4:4' })
      .toBuffer()
    jpegs.set(`${i}.jpg`, jpeg)
    pngs.set(`${i}.png`, await sharp(jpeg).png().toBuffer())
  }
  const native = await contents(await ImageFolder.open(folderOf(jpegs)), { epochs: 2 })
  equal(await contents(await ImageFolder.open(folderOf(pngs)), { epochs: 2 }), native)
})

test('evaluation views are the same in every epoch, but for the mask', async () => {
  const source = await openFolder(8)
  const evaluation = evaluationViews({ ...needs, maskGrid: null }, { seed: 5 })
  const all = await contents(source, { views: evaluation, shuffle: false, epochs: 2 })
  equal(
    all.slice(0, 2).map(({ digest }) => digest),
    all.slice(2).map(({ digest }) => digest),
  )
})

test('broken images are left out, counted once and named', async () => {
  const files = await filesWithBroken(12, [1, 3])
  files.set('empty.jpg', new Uint8Array(0))
  files.set('text.png', Buffer.from('this is no image'))
  const source = await ImageFolder.open(folderOf(files))
  const stream = batches(source, { ...defaults, shuffle: false, epochs: 2, maxBrokenShare: 0.5 })
  const seen: number[][] = []
  for await (const batch of stream) {
    is(batch.pixels.shape[0], batch.indices.length)
    seen.push(batch.indices)
    batch.dispose()
  }
  // Sorted: 0000 to 0011, empty.jpg, text.png. The last two fall out with dropLast.
  const epoch = [
    [0, 2],
    [4, 5, 6, 7],
    [8, 9, 10, 11],
  ]
  equal(seen, [...epoch, ...epoch])
  equal(
    stream.broken.map(({ key, path, offset }) => [key, path, offset]),
    ['0001.jpg', '0003.png'].map((key) => [key, join(source.name, key), 0]),
  )
  ok(stream.broken.every(({ message }) => message.length > 5 && !message.includes('\n')))

  const rest = batches(source, {
    ...defaults,
    shuffle: false,
    dropLast: false,
    batchSize: 1,
    maxBrokenShare: 0.5,
  })
  const numbers: number[] = []
  for await (const batch of rest) {
    numbers.push(batch.batch)
    batch.dispose()
  }
  equal(numbers, [0, 2, 4, 5, 6, 7, 8, 9, 10, 11])
  equal(
    rest.broken.map(({ key }) => key),
    ['0001.jpg', '0003.png', 'empty.jpg', 'text.png'],
  )
})

test('rows that were moved up keep their contents', async () => {
  const good = await ImageFolder.open(folderOf(await imageFiles(8)))
  const bad = await ImageFolder.open(folderOf(await filesWithBroken(8, [1, 2, 6])))
  const rows = async (source: ImageSource) => {
    const found = new Map<number, Buffer>()
    for await (const batch of batches(source, { ...defaults, batchSize: 8, maxBrokenShare: 1 })) {
      const parts = await Promise.all(
        [batch.pixels, batch.tokenPixels as Tensor, batch.mask as Tensor].map(async (tensor) => ({
          bytes: Buffer.from((await tensor.toTypedArray()) as Uint8Array),
          size: tensor.size / batch.indices.length,
        })),
      )
      batch.indices.forEach((index, row) => {
        const ofRow = parts.map(({ bytes, size }) => bytes.subarray(row * size, (row + 1) * size))
        found.set(index, Buffer.concat(ofRow))
      })
      batch.dispose()
    }
    return found
  }
  const expected = await rows(good)
  const actual = await rows(bad)
  equal([...actual.keys()].sort(), [0, 3, 4, 5, 7])
  for (const [index, bytes] of actual) ok(bytes.equals(expected.get(index) as Buffer), `sample ${index}`)
})

test('too many broken images stop the run and name the files', async () => {
  const source = await ImageFolder.open(folderOf(await filesWithBroken(40, [0, 10, 20, 30])))
  const error = await rejects(
    contents(source, { epochs: 5, maxBrokenShare: 0.05 }),
    'ERR_DATA',
    /^3 images of epoch 0 cannot be read, and 2 of 40 are allowed/,
  )
  ok(/00[0123]0\.(jpg|png) in /.test(error.message))
  is((await contents(source, { maxBrokenShare: 0.1 })).length, 10)
  const hopeless = await ImageFolder.open(folderOf(await filesWithBroken(1, [0])))
  await rejects(contents(hopeless, { batchSize: 1 }), 'ERR_DATA', /1 images of epoch 0/)
})

test('files that vanish or shrink during a run are broken', async () => {
  const files = await imageFiles(16)
  const folder = folderOf(files)
  const source = await ImageFolder.open(folder)
  const stream = batches(source, { ...defaults, shuffle: false, prefetch: 1, maxBrokenShare: 0.5 })
  const names = [...files.keys()]
  for await (const batch of stream) {
    if (batch.batch === 0) {
      for (const index of [12, 13]) unlinkSync(join(folder, names[index] as string))
      truncateSync(join(folder, names[14] as string), 0)
    }
    batch.dispose()
  }
  equal(
    stream.broken.map(({ key }) => key),
    names.slice(12, 15),
  )

  const shards = shardsOf(files, 1)
  const data = await WebDataset.open(shards)
  truncateSync(join(shards, '0.tar'), data.sample(14).offset + 10)
  const cut = batches(data, { ...defaults, shuffle: false, maxBrokenShare: 0.5 })
  for await (const batch of cut) batch.dispose()
  equal(
    cut.broken.map(({ key, offset }) => [key, offset]),
    [14, 15].map((i) => [data.sample(i).key, data.sample(i).offset]),
  )
})

test('back-pressure: no more than `prefetch` batches are loaded ahead', async () => {
  const inner = await openFolder(40)
  let asked = 0
  const source: ImageSource = {
    ...{ name: 'counted', length: inner.length, classes: null, fingerprint: '' },
    sample: (index) => {
      asked++
      return inner.sample(index)
    },
  }
  let consumed = 0
  for await (const batch of batches(source, { ...defaults, batchSize: 2, prefetch: 3 })) {
    consumed++
    await sleep(10)
    const started = asked / 2
    ok(started <= consumed + 3, `${started} batches started, ${consumed} consumed`)
    if (consumed < 15) is(started, consumed + 3)
    batch.dispose()
  }
  is(asked, 40)
})

test('leaving early frees what was loaded ahead', async () => {
  const source = await openFolder(24)
  const before = native().memory().handles
  for await (const batch of batches(source, { ...defaults, prefetch: 4 })) {
    batch.dispose()
    break
  }
  is(native().memory().handles, before)
  for await (const batch of batches(source, defaults)) batch.dispose()
  is(native().memory().handles, before)
})

test('a signal ends the iteration with its reason', async () => {
  const source = await openFolder(24)
  const before = native().memory().handles
  const controller = new AbortController()
  const reason = new Error('enough')
  let count = 0
  let caught: unknown
  try {
    for await (const batch of batches(source, { ...defaults, signal: controller.signal })) {
      batch.dispose()
      if (++count === 2) controller.abort(reason)
    }
  } catch (error) {
    caught = error
  }
  is(caught, reason)
  is(count, 2)
  is(native().memory().handles, before)
})

test('a signal ends the wait for a batch', async () => {
  const slow: ImageSource = {
    ...{ name: 'slow', length: 64, classes: null, fingerprint: '' },
    sample: () => ({ path: large, offset: 0, length: -1, key: 'large', label: null }),
  }
  const large = join(folderOf(new Map()), 'large.jpg')
  writeFileSync(large, await encode(picture(4000, 3000)).jpeg().toBuffer())
  const started = performance.now()
  const signal = AbortSignal.timeout(50)
  let caught: unknown
  try {
    for await (const batch of batches(slow, { ...defaults, batchSize: 64, signal })) batch.dispose()
  } catch (error) {
    caught = error
  }
  is((caught as Error).name, 'TimeoutError')
  const seconds = (performance.now() - started) / 1000
  ok(seconds < 2, `64 images of 12 megapixels were not given up: ${seconds} s`)
})

test('an open scope() frees the batches taken in it and none that is loaded ahead', async () => {
  const iterator = batches(await openFolder(12), defaults)[Symbol.asyncIterator]()
  const next = async () => (await iterator.next()).value as Batch
  const taken: Batch[] = []
  await scope(async () => {
    taken.push(await next())
  })
  is(taken[0]?.pixels.disposed, true)
  const second = await next()
  const third = await scope(async () => next())
  is((await contentOf(second)).batch, 1)
  is((await contentOf(third)).batch, 2)
  second.dispose()
  third.dispose()
  await iterator.return?.()
})

test('the event loop stays free while images are loaded', async () => {
  const photo = picture(500, 375)
  const files = new Map<string, Uint8Array>()
  for (let i = 0; i < 96; i++) {
    const encoded = encode(photo)
    files.set(`${i}.x.${i % 4 ? 'jpg' : 'png'}`, await (i % 4 ? encoded.jpeg() : encoded.png()).toBuffer())
  }
  const source = await ImageFolder.open(folderOf(files))
  const delay = monitorEventLoopDelay({ resolution: 2 })
  delay.enable()
  const full = trainingViews({ imageSize: [224, 224], tokenImageSize: [112, 112], maskGrid: null })
  for await (const batch of batches(source, { ...defaults, views: full, batchSize: 16 })) batch.dispose()
  delay.disable()
  ok(delay.percentile(99) < 50e6, `the loop waited ${delay.percentile(99) / 1e6} ms`)
})

test("a data set of one's own that says no place is named; what it throws comes through", async () => {
  const own = (sample: (index: number) => unknown): ImageSource => ({
    ...{ name: 'mine', length: 4, classes: null, fingerprint: 'v1' },
    sample: sample as ImageSource['sample'],
  })
  const first = async (source: ImageSource) => {
    for await (const batch of batches(source, { ...defaults, batchSize: 2 })) batch.dispose()
  }
  await rejects(
    first(own(() => null)),
    'ERR_DATA',
    /^sample \d of mine must be \{ path, offset, length, .* got null$/,
  )
  const nameless = own(() => ({ key: 'a', path: '/images/a.jpg' }))
  await rejects(first(nameless), 'ERR_DATA', /got \{ key: 'a', path: '\/images\/a.jpg' \}$/)
  const broken = own(() => {
    throw new RangeError('database closed')
  })
  const thrown = await first(broken).catch((error: Error) => error)
  is(String(thrown), 'RangeError: database closed')
})

test('wrong options are refused before any work', async () => {
  const source = await openFolder(3)
  const refused = (options: object, code: 'ERR_INVALID_ARGUMENT' | 'ERR_DATA', message: RegExp) =>
    rejects(() => batches(source, { ...defaults, ...options }), code, message)
  await refused(
    { batchSize: 0 },
    'ERR_INVALID_ARGUMENT',
    /batches: batchSize must be an integer of at least 1/,
  )
  await refused({ bachSize: 1 }, 'ERR_INVALID_ARGUMENT', /did you mean 'batchSize'/)
  await refused({ threads: 0 }, 'ERR_INVALID_ARGUMENT', /threads/)
  await refused({ prefetch: 0.5 }, 'ERR_INVALID_ARGUMENT', /prefetch/)
  await refused(
    { start: { epoch: -1, batch: 0 } },
    'ERR_INVALID_ARGUMENT',
    /start must be \{ epoch, batch \}/,
  )
  await refused(
    { batchSize: 1, start: { epoch: 0, batch: 4 } },
    'ERR_INVALID_ARGUMENT',
    /start.batch must be at most 3/,
  )
  await refused({ maxBrokenShare: 2 }, 'ERR_INVALID_ARGUMENT', /maxBrokenShare/)
  await refused({ batchSize: 4 }, 'ERR_DATA', /has 3 images, fewer than one batch of 4; lower batchSize/)
})

test.run()
