import sharp from 'sharp'
import * as assert from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { codebookUse, drawCodebook } from '../../lib/visualize/codebook_grid.js'
import { coverMasked, outlineMasked } from '../../lib/visualize/patches.js'
import { imagesOf } from '../../lib/visualize/rgb_image.js'
import { drawSheet } from '../../lib/visualize/sheet.js'
import { suite } from '../support/suite.js'
import { checkWellFormed } from './well_formed.js'

const test = suite('sheets')

test('codebook: one cell a code, a cross on each dead one, the numbers in the headline', async () => {
  const counts = Array.from({ length: 512 }, (_, code) => (code % 16 === 0 ? 0 : code))
  const picture = await drawCodebook(counts)
  const svg = picture.svg as string
  checkWellFormed(svg)
  const paths = [...svg.matchAll(/ d="([^"]*)"/g)].map((match) => match[1] as string)
  const squares = paths.join('').match(/z/g) ?? []
  assert.is(squares.length, 480)
  const crosses = paths.find((d) => /m-[\d.]+ 0l/.test(d)) as string
  assert.is(crosses.match(/M/g)?.length, 32)
  assert.match(svg, '480 of 512 codes used (94 %) · 32 dead')
  const { width, height } = await sharp(picture.png).metadata()
  assert.equal([width, height], [picture.width, picture.height])
})

test('codebook use: perplexity is the number of codes when all are used alike, 1 when collapsed', () => {
  assert.equal(codebookUse([5, 5, 5, 5]), { used: 4, dead: 0, perplexity: 4 })
  assert.equal(codebookUse([0, 9, 0]), { used: 1, dead: 2, perplexity: 1 })
  const { perplexity } = codebookUse([1, 3])
  assert.ok(Math.abs(perplexity - 4 / 3 ** 0.75) < 1e-12)
})

test('images of a batch: floats in [0, 1] and bytes give the same pixels', async () => {
  const plane = [0, 51, 102, 153, 204, 255]
  const bytes = Uint8Array.from([...plane, ...plane.map((x) => 255 - x), ...plane.map(() => 7)])
  using whole = Tensor.from(bytes, [1, 3, 2, 3])
  using real = Tensor.from(
    Float32Array.from(bytes, (x) => x / 255),
    [1, 3, 2, 3],
  )
  const [fromBytes] = await imagesOf(whole)
  const [fromFloats] = await imagesOf(real)
  assert.equal(fromBytes, fromFloats)
  assert.equal([fromBytes?.width, fromBytes?.height], [3, 2])
  assert.equal([...(fromBytes?.rgb.subarray(3, 6) ?? [])], [51, 204, 7])
})

test('a sheet shows each image in its cell, with patches covered', async () => {
  const colour = (r: number, g: number, b: number) => ({
    width: 16,
    height: 16,
    rgb: Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => [r, g, b][i % 3] as number),
  })
  const red = colour(200, 10, 10)
  const blue = colour(10, 10, 200)
  const mask = [1, 0, 0, 0]
  const picture = await drawSheet({
    title: 'A <title> & more',
    subtitle: 'none',
    rows: [
      { name: ['first'], tiles: [{ image: red }, { image: blue }] },
      {
        name: ['second', 'row'],
        tiles: [{ image: red, overlay: (cell) => coverMasked(mask, [2, 2], cell) }],
      },
    ],
    footers: ['one', 'two'],
  })
  const { data, info } = await sharp(picture.png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  assert.equal([info.width, info.height], [picture.width, picture.height])
  // 16 pixels become cells of 160; columns begin at 190, rows at 92, 8 apart.
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ]
  assert.equal(at(190 + 80, 92 + 80), [200, 10, 10])
  assert.equal(at(190 + 168 + 80, 92 + 80), [10, 10, 200])
  assert.equal(at(190 + 40, 92 + 168 + 40), [0x8d, 0x96, 0x9f], 'the masked patch is covered')
  assert.equal(at(190 + 120, 92 + 168 + 40), [200, 10, 10], 'its neighbour is not')
})

test('the outline goes around masked areas only', () => {
  const cell = { width: 40, height: 40 }
  const edges = (mask: number[]) => (outlineMasked(mask, [2, 2], cell).match(/M/g)?.length ?? 0) / 2
  assert.is(edges([0, 0, 0, 0]), 0)
  assert.is(edges([1, 0, 0, 0]), 4)
  assert.is(edges([1, 1, 0, 0]), 6)
  assert.is(edges([1, 1, 1, 1]), 8)
})

test.run()
