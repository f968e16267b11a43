import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import * as assert from 'uvu/assert'
import type { PretrainEvent, TokenizerEvent } from '../../lib/train/events.js'
import { trainingCurves } from '../../lib/visualize/curves.js'
import { lineChart, type Point } from '../../lib/visualize/line_chart.js'
import { linearScale } from '../../lib/visualize/scale.js'
import { movingAverage, thin } from '../../lib/visualize/smooth.js'
import { evaluation, start, step } from '../log/events.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { checkWellFormed } from './well_formed.js'

const test = suite('curves')

const pretraining: PretrainEvent[] = [
  start('runs/<a & b>'),
  ...Array.from({ length: 40 }, (_, i) => step(i + 1, i === 7 ? { loss: Number.NaN } : {})),
  evaluation(10),
  evaluation(20),
]

const tokenizerStep = (n: number): TokenizerEvent => ({
  ...step(n),
  reconstruction: 1 / n,
  kl: 0,
  temperature: 1 / n,
  klWeight: 0,
})

test('pre-training: well-formed SVG, and a PNG of twice its size with both tones in it', async () => {
  const picture = await trainingCurves(pretraining)
  const svg = picture.svg as string
  checkWellFormed(svg)
  assert.match(svg, 'runs/&lt;a &amp; b&gt;')
  for (const text of ['Masked-token accuracy (%)', 'most frequent token', 'validation', 'Learning rate'])
    assert.match(svg, text)
  const [, width, height] = /<svg [^>]*width="(\d+)" height="(\d+)"/.exec(svg) as unknown as [
    string,
    number,
    number,
  ]
  const { data, info } = await sharp(picture.png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  assert.equal([info.width, info.height], [2 * width, 2 * height])
  assert.equal([picture.width, picture.height], [2 * width, 2 * height])
  assert.ok(pixelsOf(data, [0x2b, 0x6c, 0xd4]) > 1000, 'the training line is drawn')
  assert.ok(pixelsOf(data, [0xd4, 0x58, 0x0e]) > 100, 'the validation line is drawn')
})

test('a skipped step is a gap, and never a NaN in the file', async () => {
  const { svg } = await trainingCurves(pretraining)
  assert.not.match(svg as string, 'NaN')
  assert.not.match(svg as string, 'Infinity')
})

test('tokenizer: reconstruction, perplexity, temperature', async () => {
  const events: TokenizerEvent[] = [
    start('runs/t'),
    ...Array.from({ length: 30 }, (_, i) => tokenizerStep(i + 1)),
    { type: 'codebook', step: 10, interval: 10, usage: 0.5, perplexity: 20, dead: 32 },
    { type: 'codebook', step: 20, interval: 10, usage: 0.5, perplexity: 25, dead: 32 },
  ]
  const { svg } = await trainingCurves(events)
  checkWellFormed(svg as string)
  for (const text of ['Reconstruction loss', 'Codebook perplexity', 'temperature'])
    assert.match(svg as string, text)
})

test('runs of no steps and of one step are drawn too', async () => {
  for (const events of [[], [start('runs/x')], [start('runs/x'), step(1)]]) {
    checkWellFormed((await trainingCurves(events)).svg as string)
  }
})

test('points stand where the scales say', () => {
  const points: Point[] = [
    [0, 0],
    [100, 10],
  ]
  const series = [{ name: 'line', points, tone: 'training', style: 'solid' }] as const
  const { svg } = lineChart({
    title: 't',
    subtitle: 's',
    xLabel: 'x',
    panels: [{ title: 'p', series, height: 200 }],
  })
  // The plot spans x 64..896 and y 112..312.
  assert.match(svg, 'd="M64 312L896 112"')
})

test('ticks are round and cover the data', () => {
  const scale = linearScale([2.98, 5.61], [0, 100], 5)
  assert.equal([...scale.ticks], [2, 3, 4, 5, 6])
  assert.equal([scale(2), scale(4), scale(6)], [0, 50, 100])
  const small = linearScale([0, 0.0015], [0, 1], 3)
  assert.equal(small.ticks.map(small.format), ['0', '0.0005', '0.0010', '0.0015'])
  const large = linearScale([0, 500_000], [0, 1], 5)
  assert.equal(large.ticks.map(large.format), ['0', '100k', '200k', '300k', '400k', '500k'])
  assert.ok(linearScale([3, 3], [0, 1], 4).ticks.length > 1, 'one value alone still has an axis')
  const rounded = linearScale([1.5, 1.5 + 2 ** -52], [0, 1], 4)
  assert.equal(rounded.ticks.map(rounded.format), ['0.5', '1.0', '1.5', '2.0', '2.5'])
  const close = linearScale([1.5, 1.50002], [0, 1], 2)
  assert.equal(close.ticks.map(close.format), ['1.50000', '1.50001', '1.50002'])
  const tiny = linearScale([0, 2e-5], [0, 1], 2)
  assert.equal(tiny.ticks.map(tiny.format), ['0', '1e-5', '2e-5'])
  assert.equal([...linearScale([0, 3], [0, 1], 8, false, 1).ticks], [0, 1, 2, 3], 'there is no half a step')
})

test('smoothing keeps a straight line, passes over gaps, and thinning keeps peaks', () => {
  const straight = Array.from({ length: 1200 }, (_, i): Point => [i, i === 600 ? Number.NaN : 2])
  assert.ok(movingAverage(straight).every(([, y]) => y === 2))
  const peak = Array.from({ length: 100_000 }, (_, i): Point => [i, i === 54_321 ? 9 : Math.sin(i)])
  const thinned = thin(peak)
  assert.ok(thinned.length <= 1600)
  assert.ok(thinned.some(([x, y]) => x === 54_321 && y === 9))
  assert.ok(
    thinned.every(([x], i) => i === 0 || x >= (thinned[i - 1] as Point)[0]),
    'still in order',
  )
})

test('saves what the extension says, and refuses others', async () => {
  const folder = join(temporary(), 'new')
  const picture = await trainingCurves(pretraining)
  await picture.save(join(folder, 'curves.svg'))
  await picture.save(join(folder, 'curves.png'))
  assert.is(await readFile(join(folder, 'curves.svg'), 'utf8'), picture.svg)
  assert.equal(await readFile(join(folder, 'curves.png')), picture.png)
  try {
    await picture.save(join(folder, 'curves.jpg'))
    assert.unreachable()
  } catch (error) {
    assert.is((error as { code: string }).code, 'ERR_INVALID_ARGUMENT')
    assert.match((error as Error).message, '.png or .svg')
  }
})

function pixelsOf(rgb: Buffer, [r, g, b]: [number, number, number]): number {
  let count = 0
  for (let i = 0; i < rgb.length; i += 3) if (rgb[i] === r && rgb[i + 1] === g && rgb[i + 2] === b) count++
  return count
}

test.run()
