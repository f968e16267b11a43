import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { batches } from '../../lib/data/batches.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { trainingViews } from '../../lib/data/view_settings.js'
import { rejects } from '../support/errors.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { suite } from '../support/suite.js'

const test = suite('repeated augmentation')

const views = trainingViews({ imageSize: [32, 32], tokenImageSize: null, maskGrid: null }, { seed: 5 })
const defaults = { views, batchSize: 4, epochs: 2, threads: 2, seed: 3, dropLast: false }

interface Row {
  index: number
  draw: number
  pixels: string
}

async function rowsOf(source: ImageFolder, options: object = {}): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of batches(source, { ...defaults, ...options })) {
    using held = batch
    const bytes = Buffer.from((await held.pixels.toTypedArray()) as Uint8Array)
    const size = bytes.length / held.indices.length
    held.indices.forEach((index, i) => {
      const pixels = bytes.subarray(i * size, (i + 1) * size).toString('base64')
      rows.push({ index, draw: held.draws[i] as number, pixels })
    })
  }
  return rows
}

const openFolder = async (count: number) => ImageFolder.open(folderOf(await imageFiles(count)))

test("an epoch is the start of the order, each image three times in a row, as DeiT's sampler has it", async () => {
  const source = await openFolder(10)
  const rows = await rowsOf(source, { repeats: 3 })
  is(rows.length, 20)
  for (const epoch of [0, 1]) {
    const order = Array.from(await native().permutation(10, 3, epoch))
    // np.repeat(order, 3)[:len(order)]
    const expected = order.flatMap((index) => [index, index, index]).slice(0, 10)
    const own = rows.slice(10 * epoch, 10 * epoch + 10)
    equal(
      own.map(({ index }) => index),
      expected,
    )
    equal(
      own.map(({ draw, index }) => (draw - index) / 10),
      [0, 1, 2, 0, 1, 2, 0, 1, 2, 0],
    )
  }
})

test('copies differ in their crops, and the first is what an epoch without repeats shows', async () => {
  const source = await openFolder(10)
  const [plain, repeated] = [
    await rowsOf(source, { epochs: 1 }),
    await rowsOf(source, { epochs: 1, repeats: 3 }),
  ]
  is(new Set(repeated.map(({ pixels }) => pixels)).size, 10)
  for (const { index, draw, pixels } of repeated.filter((row) => row.draw === row.index)) {
    is(pixels, plain.find((row) => row.index === index)?.pixels, `${index} ${draw}`)
  }
})

test('is the same for any number of threads, batch size and start', async () => {
  const source = await openFolder(10)
  const whole = await rowsOf(source, { repeats: 3 })
  equal(await rowsOf(source, { repeats: 3, threads: 1, prefetch: 1, batchSize: 5 }), whole)
  equal(await rowsOf(source, { repeats: 3, start: { epoch: 1, batch: 1 } }), whole.slice(14))
})

test('a broken image counts once, however often it is shown', async () => {
  const files = new Map<string, Uint8Array>(await imageFiles(9))
  const [name, bytes] = [...files][1] as [string, Uint8Array]
  files.set(name, bytes.subarray(0, bytes.length / 2))
  const source = await ImageFolder.open(folderOf(files))
  const stream = batches(source, { ...defaults, shuffle: false, epochs: 1, repeats: 3, maxBrokenShare: 0.01 })
  const indices: number[] = []
  for await (const batch of stream) {
    indices.push(...batch.indices)
    batch.dispose()
  }
  equal(indices, [0, 0, 0, 2, 2, 2])
  is(stream.broken.length, 1)
  ok(stream.broken[0]?.key.startsWith('0001'))
})

test('repeats is an integer of at least 1', async () => {
  const source = await openFolder(2)
  await rejects(() => batches(source, { ...defaults, repeats: 0 }), 'ERR_INVALID_ARGUMENT', /repeats/)
})

test.run()
