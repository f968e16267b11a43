import { spawnSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { equal, is, ok, throws } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { maskSettings } from '../../lib/data/masks.js'
import type { LoadedTensors, TensorHandle, ViewSettings } from '../../lib/native.js'
import { rejects } from '../support/errors.js'
import { decoded, imageFile, jpegMissing, noise } from '../support/image_views.js'
import { program } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('image_loader')
const skip = jpegMissing()
const JPEGS = ['420', '422', '444', 'progressive', 'grey', 'rgb', 'exif_6'].map((name) => `${name}.jpeg`)

const training: ViewSettings = {
  seed: 11,
  imageSize: [32, 24],
  tokenImageSize: [16, 12],
  crop: 'random-resized-crop',
  padding: 0,
  cropShare: 1,
  randAugment: null,
  scale: [0.08, 1],
  ratio: [3 / 4, 4 / 3],
  interpolation: 'bicubic',
  tokenInterpolation: 'lanczos',
  flipProbability: 0.5,
  colorJitter: [0.4, 0.4, 0.4],
  mask: maskSettings([8, 6]),
  maxPixels: 1e6,
}
/** Nothing random: the whole image, resized. */
const plain: ViewSettings = {
  ...training,
  crop: 'center-crop',
  flipProbability: 0,
  colorJitter: [0, 0, 0],
  mask: null,
  tokenImageSize: null,
}

const request = (file: string, index = 0) => ({ path: imageFile(file), offset: 0, length: -1, index })

async function bytes(tensor: TensorHandle | null): Promise<Uint8Array> {
  return tensor === null ? new Uint8Array() : new Uint8Array(await native().tensorRead(tensor))
}
const contents = async ({ pixels, tokenPixels, mask }: LoadedTensors) =>
  Buffer.concat([await bytes(pixels), await bytes(tokenPixels), await bytes(mask)])

test.skipIf(skip, 'shapes and types are those of the settings', async () => {
  const loader = native().imageLoaderCreate(training, 2)
  const { pixels, tokenPixels, mask, statuses } = await native().imageLoaderLoad(
    loader,
    JPEGS.map((file, i) => request(file, i)),
    0,
  )
  equal(
    statuses,
    JPEGS.map(() => 'ok'),
  )
  equal(native().tensorInfo(pixels), { shape: [7, 3, 32, 24], dtype: 'uint8', device: 'cpu' })
  equal(native().tensorInfo(tokenPixels as TensorHandle).shape, [7, 3, 16, 12])
  equal(native().tensorInfo(mask as TensorHandle), { shape: [7, 48], dtype: 'bool', device: 'cpu' })
})

test.skipIf(
  skip,
  'a batch is the same for every number of threads, and each sample for every batch',
  async () => {
    const load = async (threads: number, files: string[], first: number) => {
      const loader = native().imageLoaderCreate(training, threads)
      const samples = files.map((file, i) => request(file, first + i))
      return native().imageLoaderLoad(loader, samples, 3)
    }
    const one = await contents(await load(1, JPEGS, 0))
    for (const threads of [2, 3, 8])
      ok(one.equals(await contents(await load(threads, JPEGS, 0))), `${threads} threads`)
    const alone = await load(2, JPEGS.slice(4, 5), 4)
    const row = one.subarray(4 * 3 * 32 * 24, 5 * 3 * 32 * 24)
    ok(row.equals(await bytes(alone.pixels)))
  },
)

test.skipIf(skip, 'views and masks differ by epoch and by sample', async () => {
  const loader = native().imageLoaderCreate(training, 2)
  const pixels = async (index: number, epoch: number) =>
    contents(await native().imageLoaderLoad(loader, [request('444.jpeg', index)], epoch))
  const first = await pixels(0, 0)
  ok(first.equals(await pixels(0, 0)))
  ok(!first.equals(await pixels(0, 1)))
  ok(!first.equals(await pixels(1, 0)))
})

test.skipIf(skip, 'the views of a sample come from the same crop', async () => {
  // Both views with the same size and filter must be equal, whatever was drawn.
  const settings = { ...training, tokenImageSize: training.imageSize, tokenInterpolation: 'bicubic' as const }
  const loader = native().imageLoaderCreate(settings, 1)
  const { pixels, tokenPixels } = await native().imageLoaderLoad(
    loader,
    JPEGS.map((file, i) => request(file, i)),
    0,
  )
  equal(await bytes(pixels), await bytes(tokenPixels))
})

test.skipIf(
  skip,
  'a centre crop covers the view and takes the middle, as resize and crop in Pillow',
  async () => {
    const image = noise(40, 20)
    const cases = [
      // size of the view [h, w]; size of the cover [h, w]; top and left of the view in it
      { size: [10, 10], cover: [10, 20], top: 0, left: 5 },
      { size: [12, 6], cover: [12, 24], top: 0, left: 9 },
      { size: [5, 30], cover: [15, 30], top: 5, left: 0 },
      { size: [20, 40], cover: [20, 40], top: 0, left: 0 },
      { size: [9, 8], cover: [9, 18], top: 0, left: 5 },
      { size: [7, 9], cover: [7, 14], top: 0, left: 2 }, // 2.5 rounds to even
    ] as const
    for (const { size, cover, top, left } of cases) {
      const loader = native().imageLoaderCreate({ ...plain, imageSize: size }, 1)
      const result = await native().imageLoaderLoad(loader, [request('444.jpeg')], 0)
      await native().imageLoaderLoadRaw(loader, result, 0, { ...image, index: 0 }, 0)
      const whole = await native().transformImage(image, {
        jitter: [],
        flip: false,
        box: [0, 0, 40, 20],
        size: cover,
        interpolation: 'bicubic',
      })
      const expected: number[] = []
      for (let channel = 0; channel < 3; channel++) {
        for (let y = 0; y < size[0]; y++) {
          const start = (channel * cover[0] + top + y) * cover[1] + left
          expected.push(...whole.subarray(start, start + size[1]))
        }
      }
      equal([...(await bytes(result.pixels))], expected, `${size}`)
    }
  },
)

test.skipIf(skip, 'an image of one line is cropped as any other', async () => {
  const loader = native().imageLoaderCreate({ ...plain, imageSize: [64, 64] }, 1)
  const result = await native().imageLoaderLoad(loader, [request('444.jpeg')], 0)
  for (const [width, height] of [
    [1, 40_000_000],
    [40_000_000, 1],
    [1, 1],
  ] as const) {
    const rgb = new Uint8Array(width * height * 3).fill(77)
    await native().imageLoaderLoadRaw(loader, result, 0, { rgb, width, height, index: 0 }, 0)
    ok(
      (await bytes(result.pixels)).every((value) => value === 77),
      `${width} x ${height}`,
    )
  }
})

test.skipIf(skip, 'flips and crops follow their distributions', async () => {
  // A horizontal ramp: the view shows whether it was flipped, and which columns it took.
  const width = 256
  const rgb = Uint8Array.from({ length: width * width * 3 }, (_, i) => Math.floor(i / 3) % width)
  const settings: ViewSettings = {
    ...training,
    imageSize: [1, 64],
    tokenImageSize: null,
    mask: null,
    interpolation: 'bilinear',
    colorJitter: [0, 0, 0],
    scale: [0.2, 1],
  }
  const loader = native().imageLoaderCreate(settings, 2)
  const count = 600
  const result = await native().imageLoaderLoad(
    loader,
    Array.from({ length: count }, () => request('444.jpeg')),
    0,
  )
  await Promise.all(
    Array.from({ length: count }, (_, row) =>
      native().imageLoaderLoadRaw(loader, result, row, { rgb, width, height: width, index: row }, 0),
    ),
  )
  const pixels = await bytes(result.pixels)
  let flipped = 0
  let meanWidth = 0
  for (let row = 0; row < count; row++) {
    const first = pixels[row * 192] as number
    const last = pixels[row * 192 + 63] as number
    if (first > last) flipped++
    meanWidth += (Math.abs(last - first) * 64) / 63 / width / count
  }
  // Binomial: 300 with deviation 12.2.
  ok(Math.abs(flipped - 300) < 50, `${flipped} of 600 flipped`)
  // sqrt(area * aspect), boxes that do not fit drawn again: torchvision's rule has mean 0.7233 and deviation
  // 0.152 here (400,000 draws in Python), the mean of 600 a deviation of 0.0062.
  ok(Math.abs(meanWidth - 0.7233) < 0.025, `mean width ${meanWidth}`)
})

test.skipIf(skip, 'statuses and messages of files that are not images; their rows are zero', async () => {
  const cases = [
    ['420.jpeg', 'ok', ''],
    ['cmyk.jpeg', 'unsupported', 'CMYK'],
    ['png_named.jpeg', 'unsupported', 'not a JPEG'],
    ['truncated.jpeg', 'broken', 'remature end'],
    ['empty.jpeg', 'broken', 'empty'],
    ['absent.jpeg', 'broken', 'No such file'],
    ['.', 'broken', 'not a regular file'],
    ['huge_header.jpeg', 'broken', 'maxPixels'],
  ] as const
  const loader = native().imageLoaderCreate(training, 2)
  const samples = cases.map(([file], i) => request(file, i))
  const result = await native().imageLoaderLoad(loader, samples, 0)
  equal(
    result.statuses,
    cases.map(([, status]) => status),
  )
  cases.forEach(([file, , message], i) => {
    ok(result.messages[i]?.includes(message), `${file}: ${result.messages[i]}`)
  })
  const { pixels, tokenPixels, mask } = result
  for (const [tensor, size] of [
    [pixels, 3 * 32 * 24],
    [tokenPixels, 3 * 16 * 12],
    [mask, 48],
  ] as const) {
    const values = await bytes(tensor)
    ok(values.subarray(0, size).some((value) => value !== 0))
    ok(values.subarray(size).every((value) => value === 0))
  }
})

test.skipIf(skip, 'a byte range inside a larger file is read, and no byte beyond its end', async () => {
  const shard = join(temporary(), 'shard.tar')
  const whole = readFileSync(imageFile('444.jpeg'))
  writeFileSync(shard, Buffer.concat([Buffer.alloc(512, 7), whole, Buffer.alloc(100, 9)]))
  const loader = native().imageLoaderCreate(training, 1)
  const range = (offset: number, length: number) => ({ path: shard, offset, length, index: 5 })
  const result = await native().imageLoaderLoad(
    loader,
    [range(512, whole.length), range(512, whole.length - 200), range(512, 1e6), range(1e6, -1)],
    2,
  )
  equal(result.statuses, ['ok', 'broken', 'broken', 'broken'])
  ok(/ends \d+ bytes before the image does/.test(result.messages[2] as string))
  const file = await native().imageLoaderLoad(loader, [request('444.jpeg', 5)], 2)
  equal((await bytes(result.pixels)).subarray(0, 3 * 32 * 24), await bytes(file.pixels))
})

const MB = 2 ** 20
const peak = () => process.resourceUsage().maxRSS / 1024

test.skipIf(skip, 'of a file that is no JPEG the beginning alone is read', async () => {
  const path = join(temporary(), 'huge.png')
  writeFileSync(path, '\x89PNG\r\n\x1a\n', 'latin1')
  truncateSync(path, 600 * MB)
  const loader = native().imageLoaderCreate(training, 1)
  const before = peak()
  const load = native().imageLoaderLoad(loader, [{ path, offset: 0, length: -1, index: 0 }], 0)
  equal((await load).statuses, ['unsupported'])
  ok(peak() - before < 100, `took ${(peak() - before).toFixed(0)} MB`)
  native().dispose(loader)
})

test.skipIf(skip, 'a thread gives back the memory of a large file and of a large image', async () => {
  const path = join(temporary(), 'long.jpeg')
  writeFileSync(path, readFileSync(imageFile('420.jpeg')))
  truncateSync(path, 200 * MB)
  const rgb = new Uint8Array(8000 * 8000 * 3).fill(7)
  const loader = native().imageLoaderCreate({ ...plain, maxPixels: 1e8 }, 1)
  const before = process.memoryUsage.rss() / MB
  const kept = () => process.memoryUsage.rss() / MB - before
  const result = await native().imageLoaderLoad(loader, [{ path, offset: 0, length: -1, index: 0 }], 0)
  equal(result.statuses, ['ok'])
  ok(kept() < 80, `${kept().toFixed(0)} MB are kept after the file`)
  await native().imageLoaderLoadRaw(loader, result, 0, { rgb, width: 8000, height: 8000, index: 0 }, 0)
  ok(kept() < 80, `${kept().toFixed(0)} MB are kept after the image`)
  native().dispose(loader)
})

test.skipIf(skip, 'an image decoded elsewhere gets the same views as its file', async () => {
  const loader = native().imageLoaderCreate(training, 2)
  const result = await native().imageLoaderLoad(loader, [request('cmyk.jpeg', 8), request('444.jpeg', 9)], 4)
  await native().imageLoaderLoadRaw(loader, result, 0, { ...(await decoded('444.jpeg')), index: 9 }, 4)
  for (const tensor of [result.pixels, result.tokenPixels, result.mask]) {
    const values = await bytes(tensor)
    equal(values.subarray(0, values.length / 2), values.subarray(values.length / 2))
  }
})

test.skipIf(skip, 'rows are taken in the order given', async () => {
  const loader = native().imageLoaderCreate(training, 2)
  const result = await native().imageLoaderLoad(
    loader,
    JPEGS.map((file, i) => request(file, i)),
    0,
  )
  const taken = await native().imageLoaderTakeRows(loader, result, [5, 0, 3])
  for (const name of ['pixels', 'tokenPixels', 'mask'] as const) {
    const all = await bytes(result[name])
    const size = all.length / JPEGS.length
    const expected = [5, 0, 3].map((row) => all.subarray(row * size, (row + 1) * size))
    equal(await bytes(taken[name]), new Uint8Array(Buffer.concat(expected)))
  }
  throws(() => native().imageLoaderTakeRows(loader, result, [7]), /rows: expected numbers from 0 to 6/)
})

test.skipIf(skip, 'cancelled loads reject, those after it as well', async () => {
  const loader = native().imageLoaderCreate(training, 1)
  const samples = Array.from({ length: 400 }, (_, i) => request('444.jpeg', i))
  const inFlight = [
    native().imageLoaderLoad(loader, samples, 0),
    native().imageLoaderLoad(loader, samples, 1),
  ]
  native().imageLoaderCancel(loader)
  for (const load of inFlight) await rejects(load, 'ERR_CANCELLED', /image loader was cancelled/)
  await rejects(native().imageLoaderLoad(loader, samples, 2), 'ERR_CANCELLED', /image loader was cancelled/)
})

test.skipIf(skip, 'a disposed loader finishes what it began and takes no more', async () => {
  const loader = native().imageLoaderCreate(training, 2)
  const loading = native().imageLoaderLoad(
    loader,
    JPEGS.map((file, i) => request(file, i)),
    0,
  )
  native().dispose(loader)
  is((await loading).statuses.length, JPEGS.length)
  throws(
    () =>
      native().imageLoaderLoad(
        loader,
        JPEGS.map((file, i) => request(file, i)),
        0,
      ),
    /loader was used after dispose/,
  )
})

test.skipIf(skip, 'tensors of another loader are refused', async () => {
  const loader = native().imageLoaderCreate(training, 1)
  const other = native().imageLoaderCreate({ ...training, imageSize: [24, 32] }, 1)
  const result = await native().imageLoaderLoad(loader, [request('444.jpeg')], 0)
  throws(() => native().imageLoaderTakeRows(other, result, [0]), /pixels: expected the tensor of shape/)
  const image = { ...noise(4, 4), index: 0 }
  throws(
    () => native().imageLoaderLoadRaw(loader, result, 1, image, 0),
    /row: expected a whole number from 0 to 0/,
  )
  const short = { ...image, width: 5 }
  throws(
    () => native().imageLoaderLoadRaw(loader, result, 0, short, 0),
    /5 x 4 pixels of RGB are 60 bytes, got 48/,
  )
})

test('settings out of range are refused before any thread starts', () => {
  const create = (changes: object) => () => native().imageLoaderCreate({ ...training, ...changes }, 1)
  throws(create({ imageSize: [0, 4] }), /imageSize/)
  throws(create({ scale: [0.5, 2] }), /scale/)
  throws(create({ ratio: [2, 1] }), /ratio/)
  throws(create({ flipProbability: 2 }), /flipProbability/)
  throws(create({ colorJitter: [-1, 0, 0] }), /colorJitter/)
  throws(create({ interpolation: 'nearest' }), /interpolation/)
  throws(() => native().imageLoaderCreate(training, 0), /threads/)
})

const notLinux = process.platform === 'linux' ? skip : 'reads /proc'
test.skipIf(notLinux, 'many loaders come and go without leaving threads', async () => {
  const threads = () => Number(/Threads:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  const before = threads()
  for (let i = 0; i < 40; i++) {
    const loader = native().imageLoaderCreate(training, 8)
    await native().imageLoaderLoad(loader, [request('444.jpeg', i)], 0)
    native().dispose(loader)
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  ok(threads() <= before + 1, `${before} threads before, ${threads()} after`)
})

test.skipIf(skip, 'a worker may be terminated in the middle of a load', async () => {
  for (let i = 0; i < 4; i++) {
    const worker = new Worker(program('data/programs/load_forever.js'), { argv: [imageFile('444.jpeg')] })
    await new Promise((resolve) => worker.once('message', resolve))
    is(await worker.terminate(), 1)
  }
})

test.skipIf(skip, 'process.exit() in the middle of a load ends cleanly', () => {
  for (let i = 0; i < 4; i++) {
    const path = program('data/programs/load_forever.js')
    const { status, signal } = spawnSync(process.execPath, [path, imageFile('444.jpeg'), 'exit'], {
      timeout: 20_000,
    })
    equal([status, signal], [3, null])
  }
})

test.run()
