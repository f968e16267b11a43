import { readFileSync } from 'node:fs'
import { equal, is, match } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { decoded, imageFile, jpegMissing, largestDifference, pillowCases } from '../support/image_views.js'
import { suite } from '../support/suite.js'

const test = suite('decode')
const skip = jpegMissing()

const decode = (name: string, maxPixels = 1e8) =>
  native().decodeJpeg(readFileSync(imageFile(name)), maxPixels)

test.skipIf(
  skip,
  'pixels are equal to Pillow: subsampling, progressive, grey, RGB, orientation',
  async () => {
    for (const { file, shape, pixels } of pillowCases('decode')) {
      const image = await decoded(file)
      equal([image.height, image.width, 3], shape, file)
      is(largestDifference(image.rgb, pixels), 0, file)
    }
  },
)

test.skipIf(skip, 'what libjpeg cannot turn into RGB is left to sharp', async () => {
  for (const [file, message] of [
    ['cmyk.jpeg', /CMYK/],
    ['png_named.jpeg', /not a JPEG/],
    ['text.jpeg', /not a JPEG/],
  ] as const) {
    const result = await decode(file)
    equal([file, result.status, result.rgb], [file, 'unsupported', null])
    match(result.message, message)
  }
})

test.skipIf(skip, 'incomplete and damaged files are broken, with the reason', async () => {
  for (const [file, message] of [
    ['truncated.jpeg', /[Pp]remature end/],
    ['no_end.jpeg', /[Pp]remature end/],
    ['header_only.jpeg', /[Pp]remature end/],
    ['damaged.jpeg', /[Cc]orrupt/],
    ['empty.jpeg', /empty/],
  ] as const) {
    const result = await decode(file)
    equal([file, result.status, result.rgb], [file, 'broken', null])
    match(result.message, message)
  }
})

test.skipIf(skip, 'every truncation of a file is broken, and none crashes', async () => {
  const whole = readFileSync(imageFile('420.jpeg'))
  for (let length = 3; length < whole.length; length += 7) {
    const { status } = await native().decodeJpeg(whole.subarray(0, length), 1e8)
    is(status, 'broken', `${length} of ${whole.length} bytes`)
  }
})

test.skipIf(skip, 'a changed byte anywhere neither crashes nor gives an image of another size', async () => {
  const whole = readFileSync(imageFile('progressive.jpeg'))
  for (let at = 2; at < whole.length; at++) {
    const changed = Uint8Array.from(whole)
    changed[at] = (changed[at] as number) ^ 0x5a
    const { status, rgb, width, height } = await native().decodeJpeg(changed, 1e6)
    if (status === 'ok') is(rgb?.length, 3 * width * height)
  }
})

test.skipIf(skip, 'an image of too many pixels is refused by its header', async () => {
  const before = process.memoryUsage().rss
  const huge = await decode('huge_header.jpeg')
  is(huge.status, 'broken')
  match(huge.message, /65500 x 65500 pixels .* 100000000 of maxPixels/)
  is(process.memoryUsage().rss - before < 50e6, true)
  is((await decode('420.jpeg', 29 * 21)).status, 'ok')
  is((await decode('420.jpeg', 29 * 21 - 1)).status, 'broken')
})

test.run()
