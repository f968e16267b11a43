import * as assert from 'uvu/assert'
import { type ProbeResults, probeChart } from '../../lib/visualize/probe_chart.js'
import { suite } from '../support/suite.js'
import { checkWellFormed } from './well_formed.js'

const test = suite('probe chart')

const images = { training: 2000, validation: 500 }
const classes = ['a', 'b', 'c']
const linear = (...accuracies: number[]): ProbeResults => ({
  linear: { images, classes, layers: accuracies.map((accuracy, block) => ({ block, loss: 1, accuracy })) },
})

/** Heights of the dots of a tone, in the order of drawing. */
function dots(svg: string, tone: string): number[] {
  const circles = svg.matchAll(
    new RegExp(`<circle cx="[\\d.]+" cy="([\\d.]+)" r="3" class="fill-${tone}"`, 'g'),
  )
  return [...circles].map(([, y]) => Number(y))
}

test('a line for each model, the mean of its seeds marked and each of them faint', async () => {
  const { svg } = await probeChart([
    { name: 'pre-trained <b>', results: [linear(0.2, 0.4, 0.6), linear(0.2, 0.2, 0.8)] },
    { name: 'random', results: [linear(0.2, 0.2, 0.2)] },
  ])
  checkWellFormed(svg as string)
  for (const text of [
    'pre-trained &lt;b&gt;',
    'random',
    '2,000 labelled images, 500 classified · 3 classes',
  ]) {
    assert.match(svg as string, text)
  }
  assert.not.match(svg as string, 'Nearest neighbours')
  assert.is((svg as string).match(/stroke-opacity/g)?.length, 2)
  // Means of 20, 30 and 70 % beside 20 % throughout: the legend's dot comes first.
  const [, low, middle, high] = dots(svg as string, 'evaluation') as [number, number, number, number]
  const [, ...flat] = dots(svg as string, 'reference')
  assert.equal(flat, [low, low, low])
  const share = (low - middle) / (low - high)
  assert.ok(Math.abs(share - 10 / 50) < 0.01, String(share))
})

test('of several numbers of neighbours the best one on the whole is drawn', async () => {
  const score = (block: number, neighbours: number, accuracy: number) => ({ block, neighbours, accuracy })
  const scores = [score(0, 1, 0.9), score(0, 5, 0.5), score(1, 1, 0.2), score(1, 5, 0.7)]
  const { svg } = await probeChart([{ name: 'model', results: [{ knn: { images, classes, scores } }] }])
  checkWellFormed(svg as string)
  const [, first, second] = dots(svg as string, 'evaluation') as [number, number, number]
  // Upwards from 50 to 70 %, not down from 90 to 20 %.
  assert.ok(second < first)
})

test.run()
