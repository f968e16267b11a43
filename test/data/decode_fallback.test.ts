import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { equal, is, ok } from 'uvu/assert'
import { decodeFallback } from '../../lib/data/decode_fallback.js'
import { rejects } from '../support/errors.js'
import { deepPng, encode, picture, pngBomb } from '../support/pictures.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('decode fallback')

function decode(bytes: Uint8Array, maxPixels = 1_000_000) {
  const path = join(temporary(), 'image')
  writeFileSync(path, bytes)
  return decodeFallback({ path, offset: 0, length: -1 }, maxPixels)
}

/** The one colour of an image, or an error when it has more than one. */
async function colourOf(bytes: Uint8Array): Promise<number[]> {
  const { rgb, width, height } = await decode(bytes)
  is(rgb.length, width * height * 3)
  const colour = [...rgb.subarray(0, 3)]
  ok(rgb.every((value, i) => value === colour[i % 3]))
  return colour
}

const plain = (r: number, g: number, b: number, alpha?: number) =>
  sharp({
    create: {
      width: 6,
      height: 4,
      channels: alpha === undefined ? 3 : 4,
      background: { r, g, b, alpha: alpha ?? 1 },
    },
  })

test('lossless formats give their pixels', async () => {
  const original = picture(37, 23, 1)
  for (const format of ['png', 'tiff'] as const) {
    const decoded = await decode(await encode(original).toFormat(format, { compression: 'lzw' }).toBuffer())
    equal([decoded.width, decoded.height], [37, 23])
    equal(Buffer.from(decoded.rgb), Buffer.from(original.rgb))
  }
  equal(
    Buffer.from((await decode(await encode(original).webp({ lossless: true }).toBuffer())).rgb),
    Buffer.from(original.rgb),
  )
})

test('lossy formats come close', async () => {
  const original = picture(64, 48, 2)
  for (const format of ['avif', 'gif', 'webp', 'jpeg'] as const) {
    const { rgb } = await decode(await encode(original).toFormat(format, { quality: 95 }).toBuffer())
    const error =
      rgb.reduce((sum, value, i) => sum + Math.abs(value - (original.rgb[i] as number)), 0) / rgb.length
    ok(error < 6, `${format} differs by ${error}`)
  }
})

test('grey becomes RGB, 16 bit becomes 8', async () => {
  equal(await colourOf(await plain(90, 90, 90).toColourspace('b-w').png().toBuffer()), [90, 90, 90])
  // The high byte, which is what viewers show.
  equal(await colourOf(await deepPng(5, 3, [0xffff, 0x8000, 0x01ff])), [255, 128, 1])
  equal(await colourOf(await deepPng(5, 3, [0x9c40])), [156, 156, 156])
})

test('transparency shows white behind it', async () => {
  equal(await colourOf(await plain(255, 0, 0, 0).png().toBuffer()), [255, 255, 255])
  // 0.5 is stored as 128 of 255: 255 * (1 - 128 / 255) = 127.
  equal(await colourOf(await plain(255, 0, 0, 0.5).png().toBuffer()), [255, 127, 127])
  equal(await colourOf(await deepPng(5, 3, [0, 0x8000])), [127, 127, 127])
})

test('CMYK becomes RGB as printed', async () => {
  const jpeg = await plain(255, 0, 0).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()
  is((await sharp(jpeg).metadata()).channels, 4)
  const [r, g, b] = (await colourOf(jpeg)) as [number, number, number]
  ok(r > 200 && g < 60 && b < 60, `red came back as ${[r, g, b]}`)
})

test('EXIF orientation is applied', async () => {
  const original = picture(40, 20)
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const turned = await encode(original).withMetadata({ orientation }).png().toBuffer()
    const { rgb, width, height } = await decode(turned)
    const swaps = orientation >= 5
    equal([width, height], swaps ? [20, 40] : [40, 20], `orientation ${orientation}`)
    // Where the stored top left corner ends up: EXIF 2.3, table of orientations.
    const right = [2, 3, 6, 7].includes(orientation)
    const bottom = [3, 4, 7, 8].includes(orientation)
    const corner = ((bottom ? height - 1 : 0) * width + (right ? width - 1 : 0)) * 3
    equal([...rgb.subarray(corner, corner + 3)], [0, 0, 0], `orientation ${orientation}`)
  }
})

test('the first frame of an animation', async () => {
  const frames = Buffer.alloc(8 * 16 * 3)
  frames.fill(200, 8 * 8 * 3)
  const gif = await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
    .gif()
    .toBuffer()
  is((await sharp(gif, { pages: -1 }).metadata()).pages, 2)
  const { width, height, rgb } = await decode(gif)
  equal([width, height, rgb[0]], [8, 8, 0])
})

test('PNM: binary and text, grey and colour, 8 and 16 bit', async () => {
  const at = (text: string, bytes: number[] = []) => Buffer.concat([Buffer.from(text), Buffer.from(bytes)])
  const pixels = async (bytes: Buffer) => [...(await decode(bytes)).rgb]
  equal(await pixels(at('P6 2 1 255\n', [1, 2, 3, 4, 5, 6])), [1, 2, 3, 4, 5, 6])
  equal(await pixels(at('P5\n# a comment\n2 1\n# another\n255\n', [7, 9])), [7, 7, 7, 9, 9, 9])
  equal(await pixels(at('P5 2 1 65535\n', [0x80, 0x00, 0xff, 0xff])), [128, 128, 128, 255, 255, 255])
  equal(await pixels(at('P5 2 1 15\n', [15, 3])), [255, 255, 255, 51, 51, 51])
  equal(await pixels(at('P3\n1 2\n100\n0 50 100\n100 0\t25\n')), [0, 128, 255, 255, 0, 64])
  equal(await pixels(at('P2 1 1 255 42')), [42, 42, 42])
  await rejects(decode(at('P6 2 1 255\n', [1, 2, 3])), 'ERR_FORMAT', /fewer samples/)
  await rejects(decode(at('P5 2 x 255\n')), 'ERR_FORMAT', /something else where a number should be/)
  await rejects(decode(at('P3 1 1 255\n1 2')), 'ERR_FORMAT', /damaged PNM/)
  await rejects(decode(at('P5 1 1 70000\n', [0])), 'ERR_FORMAT', /largest value of 70000/)
  await rejects(decode(at('P5 0 1 255\n')), 'ERR_FORMAT', /impossible size: 0x1/)
  await rejects(
    decode(at('P6 65500 65500 255\n')),
    'ERR_FORMAT',
    /65500x65500, more than the limit of 1000000/,
  )
})

test('BMP by hand: bottom-up rows of blue, green, red, padded to 4 bytes', async () => {
  const bmp = Buffer.alloc(54 + 2 * 8)
  bmp.write('BM')
  bmp.writeUInt32LE(54, 10)
  bmp.writeUInt32LE(40, 14)
  bmp.writeInt32LE(2, 18)
  bmp.writeInt32LE(2, 22)
  bmp.writeUInt16LE(1, 26)
  bmp.writeUInt16LE(24, 28)
  bmp.set([1, 2, 3, 4, 5, 6], 54)
  bmp.set([7, 8, 9, 10, 11, 12], 62)
  equal([...(await decode(bmp)).rgb], [9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4])
  bmp.writeInt32LE(-2, 22) // top-down
  equal([...(await decode(bmp)).rgb], [3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10])
  await rejects(decode(bmp.subarray(0, 68)), 'ERR_FORMAT', /fewer rows/)
  bmp.writeUInt32LE(1, 30)
  await rejects(decode(bmp), 'ERR_FORMAT', /compression 1, which is not read/)
  bmp.writeInt32LE(70_000, 18)
  bmp.writeInt32LE(70_000, 22)
  await rejects(decode(bmp), 'ERR_FORMAT', /70000x70000, more than the limit/)
  await rejects(decode(bmp.subarray(0, 20)), 'ERR_FORMAT', /no whole header/)
})

test.skipIf(pythonLacks('PIL', 'numpy'), 'BMP and PNM as Pillow writes and reads them', async () => {
  const folder = temporary()
  const write = `
import sys, numpy as np
from PIL import Image
folder = sys.argv[1]
pixels = np.random.default_rng(0).integers(0, 256, (13, 21, 3), dtype=np.uint8)
image = Image.fromarray(pixels)
for name, mode in [('rgb', 'RGB'), ('palette', 'P'), ('grey', 'L'), ('bits', '1'), ('rgba', 'RGBA')]:
    made = image.convert(mode)
    made.save(f'{folder}/{name}.bmp')
    open(f'{folder}/{name}.bmp.rgb', 'wb').write(Image.open(f'{folder}/{name}.bmp').convert('RGB').tobytes())
for name, mode in [('colour.ppm', 'RGB'), ('grey.pgm', 'L')]:
    image.convert(mode).save(f'{folder}/{name}')
    open(f'{folder}/{name}.rgb', 'wb').write(image.convert(mode).convert('RGB').tobytes())
`
  python(write, folder)
  for (const name of ['rgb.bmp', 'palette.bmp', 'grey.bmp', 'bits.bmp', 'colour.ppm', 'grey.pgm']) {
    const decoded = await decodeFallback({ path: join(folder, name), offset: 0, length: -1 }, 1000)
    const expected = readFileSync(join(folder, `${name}.rgb`))
    equal([decoded.width, decoded.height], [21, 13], name)
    ok(Buffer.from(decoded.rgb).equals(expected), name)
  }
})

test('reads a range inside a larger file', async () => {
  const png = await plain(10, 20, 30).png().toBuffer()
  const path = join(temporary(), 'shard.tar')
  writeFileSync(path, Buffer.concat([Buffer.alloc(700, 1), png, Buffer.alloc(900, 2)]))
  const { rgb } = await decodeFallback({ path, offset: 700, length: png.length }, 100)
  equal([...rgb.subarray(0, 3)], [10, 20, 30])
  const beyond = { path, offset: 700, length: 5000 }
  await rejects(
    decodeFallback(beyond, 100),
    'ERR_DATA',
    new RegExp(`the file ends ${5000 - png.length - 900} bytes early`),
  )
})

test('refuses hostile sizes from the header alone', async () => {
  await rejects(decode(pngBomb(65500, 65500), 178_956_970), 'ERR_FORMAT', /exceeds pixel limit/)
  // Within the limit the same file fails later, for want of pixels.
  await rejects(decode(pngBomb(1000, 1000), 1_000_000), 'ERR_FORMAT', /cannot be decoded: (?!.*pixel limit)/)
  await rejects(decode(await plain(0, 0, 0).png().toBuffer(), 23), 'ERR_FORMAT', /exceeds pixel limit/)
  is((await decode(await plain(0, 0, 0).png().toBuffer(), 24)).width, 6)
})

test('broken files say why', async () => {
  const noise = { rgb: new Uint8Array(64 * 64 * 3).map((_, i) => (i * 7919) % 251), width: 64, height: 64 }
  for (const format of ['png', 'jpeg', 'webp', 'tiff', 'gif', 'avif'] as const) {
    const whole = await encode(noise).toFormat(format).toBuffer()
    await decode(whole)
    await rejects(decode(whole.subarray(0, whole.length * 0.6)), 'ERR_FORMAT', /^cannot be decoded: [^\n]+$/)
  }
  const damaged = Buffer.from(await encode(noise).png().toBuffer())
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 0xff
  await rejects(decode(damaged), 'ERR_FORMAT', /cannot be decoded/)
  await rejects(decode(Buffer.alloc(0)), 'ERR_DATA', /the file is empty/)
  await rejects(
    decode(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
    'ERR_FORMAT',
    /no image format begins with/,
  )
  await rejects(decode(Buffer.from('hello, world')), 'ERR_FORMAT', /bytes 68656c6c6f2c2077/)
})

test.run()
