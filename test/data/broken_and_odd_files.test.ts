import { equal, is, match, ok } from 'uvu/assert'
import { type BatchOptions, batches } from '../../lib/data/batches.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { evaluationViews } from '../../lib/data/view_settings.js'
import { folderOf } from '../support/image_sets.js'
import { deepPng, encode, type Picture, picture, pngBomb } from '../support/pictures.js'
import { suite } from '../support/suite.js'

const test = suite('broken and odd files')

const WIDTH = 40
const HEIGHT = 24
/** A view of exactly the image: resizing and cropping leave it as it is. */
const views = evaluationViews({ imageSize: [HEIGHT, WIDTH], tokenImageSize: null, maskGrid: null })

/** The pixels of each readable file, as rows of RGB, and why the others are not. */
async function load(files: Record<string, Uint8Array>, options: Partial<BatchOptions> = {}) {
  const source = await ImageFolder.open(folderOf(new Map(Object.entries(files))))
  const stream = batches(source, {
    views,
    batchSize: 1,
    epochs: 1,
    maxBrokenShare: 1,
    threads: 2,
    ...options,
  })
  const pixels = new Map<string, Buffer>()
  for await (const batch of stream) {
    const planes = (await batch.pixels.toTypedArray()) as Uint8Array
    const area = planes.length / 3 // (1, 3, H, W) -> (H, W, 3)
    const rgb = Buffer.from(planes.map((_, i) => planes[(i % 3) * area + Math.floor(i / 3)] as number))
    pixels.set(source.sample(batch.indices[0] as number).key, rgb)
    batch.dispose()
  }
  return { pixels, broken: new Map(stream.broken.map(({ key, message }) => [key, message])) }
}

function meanError(actual: Uint8Array | undefined, expected: Uint8Array): number {
  is(actual?.length, expected.length)
  return (
    expected.reduce((sum, value, i) => sum + Math.abs(value - (actual?.[i] as number)), 0) / expected.length
  )
}

const plain = (r: number, g: number, b: number) =>
  encode({
    ...picture(WIDTH, HEIGHT),
    rgb: new Uint8Array(WIDTH * HEIGHT * 3).map((_, i) => [r, g, b][i % 3] as number),
  })

/**
 * The pixels a camera stores so that `orientation` shows `shown`. By EXIF 2.3, the stored rows run along the
 * shown columns for 5 to 8; the shown right side comes first for 2, 3, 6 and 7, the bottom first for 3, 4, 7
 * and 8.
 */
function storedFor(orientation: number, shown: Picture): Picture {
  const swaps = orientation >= 5
  const [width, height] = swaps ? [shown.height, shown.width] : [shown.width, shown.height]
  const rgb = new Uint8Array(shown.rgb.length)
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [along, down] = swaps ? [row, column] : [column, row]
      const x = [2, 3, 6, 7].includes(orientation) ? shown.width - 1 - along : along
      const y = [3, 4, 7, 8].includes(orientation) ? shown.height - 1 - down : down
      const at = (y * shown.width + x) * 3
      rgb.set(shown.rgb.subarray(at, at + 3), (row * width + column) * 3)
    }
  }
  return { rgb, width, height }
}

test('a file is what its bytes are, not what its name says', async () => {
  const original = picture(WIDTH, HEIGHT, 2)
  const jpeg = await encode(original).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer()
  const png = await encode(original).png().toBuffer()
  const { pixels, broken } = await load({
    'a.jpg': jpeg,
    'b.png': jpeg,
    'c.png': png,
    'd.jpg': png,
    'e.gif': png,
  })
  equal([...broken], [])
  ok(meanError(pixels.get('a.jpg'), original.rgb) < 1.5)
  ok(pixels.get('a.jpg')?.equals(pixels.get('b.png') as Buffer))
  for (const name of ['c.png', 'd.jpg', 'e.gif']) ok(pixels.get(name)?.equals(original.rgb), name)
})

test('grey, CMYK, 16 bit and transparency are read as people see them', async () => {
  const { pixels, broken } = await load({
    'cmyk.jpg': await plain(255, 0, 0).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
    'deep.png': await deepPng(WIDTH, HEIGHT, [0xffff, 0x8000, 0x01ff]),
    'grey.jpg': await plain(90, 90, 90).toColourspace('b-w').jpeg({ quality: 100 }).toBuffer(),
    'grey.png': await plain(90, 90, 90).toColourspace('b-w').png().toBuffer(),
    'half.png': await deepPng(WIDTH, HEIGHT, [0xffff, 0, 0, 0x8000]),
  })
  equal([...broken], [])
  const colour = (name: string) => [...(pixels.get(name) as Buffer).subarray(0, 3)]
  equal(colour('deep.png'), [255, 128, 1])
  equal(colour('grey.jpg'), [90, 90, 90])
  equal(colour('grey.png'), [90, 90, 90])
  equal(colour('half.png'), [255, 127, 127])
  const [r, g, b] = colour('cmyk.jpg') as [number, number, number]
  ok(r > 200 && g < 60 && b < 60, `red came back as ${[r, g, b]}`)
})

test('both decoders turn an image by its EXIF orientation', async () => {
  const original = picture(WIDTH, HEIGHT)
  const files: Record<string, Uint8Array> = {}
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const stored = () => encode(storedFor(orientation, original)).withMetadata({ orientation })
    files[`${orientation}.jpg`] = await stored().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer()
    files[`${orientation}.png`] = await stored().png().toBuffer()
  }
  const { pixels, broken } = await load(files)
  equal([...broken], [])
  for (const [name, rgb] of pixels) {
    const error = meanError(rgb, original.rgb)
    ok(name.endsWith('png') ? error === 0 : error < 1.5, `${name} differs by ${error}`)
  }
})

test('sizes of hostile headers are refused before memory is taken', async () => {
  const jpeg = Buffer.from(await plain(1, 2, 3).jpeg().toBuffer())
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
  jpeg.writeUInt16BE(65500, frame + 5)
  jpeg.writeUInt16BE(65500, frame + 7)
  const before = process.memoryUsage().rss
  const { pixels, broken } = await load({
    'bomb.jpg': jpeg,
    'bomb.png': pngBomb(65500, 65500),
    'bomb.ppm': Buffer.from('P6 65500 65500 255\n'),
    'good.png': await plain(1, 2, 3).png().toBuffer(),
  })
  equal([...pixels.keys()], ['good.png'])
  equal([...broken.keys()].sort(), ['bomb.jpg', 'bomb.png', 'bomb.ppm'])
  for (const message of broken.values()) match(message, /pixel/)
  ok(process.memoryUsage().rss - before < 500e6)
})

test('the limit of pixels counts for both decoders', async () => {
  const files = {
    'a.jpg': await plain(1, 2, 3).jpeg().toBuffer(),
    'b.png': await plain(1, 2, 3).png().toBuffer(),
  }
  const within = { ...views, maxPixels: WIDTH * HEIGHT }
  is((await load(files, { views: within })).broken.size, 0)
  // One image has to be readable, or the run stops.
  const small = { ...files, 'c.png': await encode(picture(8, 8)).png().toBuffer() }
  const { broken } = await load(small, { views: { ...views, maxPixels: WIDTH * HEIGHT - 1 } })
  equal([...broken.keys()].sort(), ['a.jpg', 'b.png'])
})

test('broken files of every kind are named with a reason of one line', async () => {
  const noise = { ...picture(64, 64), rgb: new Uint8Array(64 * 64 * 3).map((_, i) => (i * 7919) % 251) }
  const files: Record<string, Uint8Array> = { 'good.png': await encode(noise).png().toBuffer() }
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
    const whole = await encode(noise).toFormat(format).toBuffer()
    files[`cut.${format}`] = whole.subarray(0, whole.length * 0.6)
  }
  files['empty.jpg'] = new Uint8Array(0)
  files['zeros.jpg'] = new Uint8Array(5000)
  files['start.jpg'] = new Uint8Array([0xff, 0xd8, 0xff])
  const { pixels, broken } = await load(files)
  equal([...pixels.keys()], ['good.png'])
  equal(
    [...broken.keys()].sort(),
    Object.keys(files)
      .filter((name) => name !== 'good.png')
      .sort(),
  )
  for (const [key, message] of broken) match(message, /^[^\n]{8,}$/, key)
})

test.run()
