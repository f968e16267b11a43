/** What the page of a report computes before it draws. */
import { equal, is, ok } from 'uvu/assert'
import {
  curveOf,
  nearest,
  onePixelEach,
  smoothed,
  usualRange,
  within,
} from '../../../lib/report/page/curve.js'
import { logScale } from '../../../lib/report/page/log_scale.js'
import { plot } from '../../../lib/report/page/plot.js'
import { clamped, View } from '../../../lib/report/page/view.js'
import type { Series } from '../../../lib/report/report_data.js'
import { suite } from '../../support/suite.js'

const test = suite('page of a report')

test('the moving average is that of TensorBoard', () => {
  const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(6)))
  // last = 0.5 last + 0.5 value, over 1 - 0.5^n
  equal(rounded(smoothed([4, 8, 8, 2], 0.5)), [4, 6.666667, 7.428571, 4.533333])
  equal(smoothed([4, 8], 0), [4, 8])
  equal(rounded(smoothed([4, Number.NaN, 8], 0.5)), [4, Number.NaN, 6.666667])
})

test('the nearest point, the last one before, and what lies inside', () => {
  const x = [10, 20, 40]
  equal(
    [0, 14, 16, 29, 31, 99].map((step) => nearest(x, step)),
    [0, 0, 1, 1, 2, 2],
  )
  equal(
    [0, 10, 39, 40].map((step) => nearest(x, step, true)),
    [-1, 0, 1, 2],
  )
  is(nearest([], 5), -1)
  const many = Array.from({ length: 100 }, (_, i) => i)
  equal(within(many, [30, 40]), [30, 42])
  equal(within(many, [-5, 500]), [0, 100])
})

test('many points a pixel become their highest and lowest, and a gap stays one', () => {
  const x = Array.from({ length: 1000 }, (_, i) => i)
  const y = x.map((i) => (i === 777 ? 50 : i % 10))
  const points = onePixelEach(x, y, y, [0, 1000], (step) => step / 100)
  ok(points.length <= 22)
  ok(points.some(([, value]) => value === 50))
  const gap = onePixelEach([0, 1, 2], [1, Number.NaN, 3], [1, Number.NaN, 3], [0, 3], (step) => step * 10)
  equal(gap, [
    [0, 1],
    [10, Number.NaN],
    [20, 3],
  ])
})

test('one spike of a hundred does not set the range', () => {
  const values = Array.from({ length: 200 }, (_, i) => (i === 7 ? 1e6 : 1 + (i % 10) / 10))
  equal(usualRange(values), [1, 1.9])
  equal(usualRange([5, 1e6]), [5, 1e6])
  is(usualRange([Number.NaN]), null)
})

test('ticks of a logarithmic scale lie inside, and are as many as there is room for', () => {
  for (const domain of [
    [0.001, 1000],
    [2, 7],
    [1e-12, 1e12],
    [3.1, 3.3],
    [5, 5],
  ] as const) {
    const scale = logScale(domain, [200, 0], 5)
    ok(scale.ticks.length >= 2 && scale.ticks.length <= 7, `${domain}: ${scale.ticks}`)
    for (const tick of scale.ticks)
      ok(scale(tick) >= -1e-6 && scale(tick) <= 200 + 1e-6, `${domain}: ${tick}`)
    is(new Set(scale.ticks.map(scale.format)).size, scale.ticks.length)
  }
  const decades = logScale([1, 100], [0, 100], 3)
  equal(decades.ticks.map(decades), [0, 50, 100])
})

const training: Series = {
  name: 'training',
  role: 'training',
  noisy: true,
  x: null,
  y: [4, null, 2, 1],
  low: [3, null, 1, 1],
  high: [5, null, 3, 1],
}
const LOOK = { key: 'k', legend: 'training', tone: 'training', dotted: false }
const settings = {
  width: 500,
  height: 240,
  domain: [0, 40],
  smoothing: 0,
  logarithmic: false,
  low: null,
} as const

test('a plot has its paths inside of the frame, gaps, and faint ranges', () => {
  const curve = curveOf(training, [10, 20, 30, 40], LOOK)
  const { curves, frame } = plot([curve], settings)
  const [drawn] = curves
  is(drawn?.path.match(/M/g)?.length, 2, 'the gap parts the line')
  ok(drawn?.faint !== '')
  const numbers = [...(drawn?.path ?? '').matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ])
  for (const [x = 0, y = 0] of numbers)
    ok(x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom)
  const log = plot(
    [curveOf({ ...training, y: [4, 0, -1, 1], low: undefined, high: undefined }, [10, 20, 30, 40], LOOK)],
    {
      ...settings,
      logarithmic: true,
    },
  )
  ok(!(log.curves[0]?.path ?? '').includes('NaN'))
  is(log.curves[0]?.path.match(/M/g)?.length, 2)
  is(plot([], settings).curves.length, 0)
})

test('only the noise of every step is smoothed, and a point without neighbours is a dot', () => {
  const of = (series: Partial<Series>) => {
    const whole: Series = { name: 'a', role: 'training', x: null, y: [4, 8, null, 2, null], ...series }
    const curve = curveOf(whole, [0, 10, 20, 30, 40], LOOK)
    const [drawn] = plot([curve], { ...settings, smoothing: 0.5 }).curves
    return { values: drawn?.values.slice(0, 2), dots: drawn?.dots.length }
  }
  equal(of({ noisy: true }), { values: [4, 20 / 3], dots: 1 })
  equal(of({}), { values: [4, 8], dots: 1 })
  equal(of({ role: 'evaluation' }), { values: [4, 8], dots: 3 })
  equal(of({ noisy: true, y: [3, null, null, null, null] }), { values: [3, Number.NaN], dots: 1 })
})

test('zooming stays inside of the run and comes back to all of it', () => {
  equal(clamped([30, 10], [0, 100]), [10, 30])
  equal(clamped([-50, 20], [0, 100]), [0, 20])
  is(clamped([-1, 101], [0, 100]), null)
  equal(clamped([50, 50], [0, 100]), [49, 51])
  equal(clamped([100, 100], [0, 100]), [98, 100])
  let changes = 0
  const view = new View(() => changes++)
  view.point(10)
  view.zoomBy(0.5, [0, 100])
  equal(view.domain, [5, 55])
  view.zoomBy(2, [0, 100])
  is(view.domain, null)
  view.toggle(view.hidden, 'run 1')
  ok(view.hidden.has('run 1'))
  is(changes, 4)
})

test.run()
