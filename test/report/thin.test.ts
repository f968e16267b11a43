import { equal, is, ok } from 'uvu/assert'
import { rounded, thinned, thinnedAxis } from '../../lib/report/thin.js'
import { suite } from '../support/suite.js'

const test = suite('thinning of curves')

test('mean, lowest and highest of each stretch; values that are not finite do not count', () => {
  const { mean, low, high } = thinned([1, 2, 3, Number.NaN, 5, 7, Number.NaN, Number.NaN, Infinity, 4], 3)
  equal(mean, [2, 6, null, 4])
  equal(low, [1, 5, null, 4])
  equal(high, [3, 7, null, 4])
  equal(thinnedAxis([10, 11, 12, 13, 14, 15, 16, 17, 18, 19], 3), [11, 14, 17, 19])
})

test('one step a point has no range; neither has one that cannot be seen', () => {
  const values = [5, 1, 4]
  const each = thinned(values, 1)
  equal([each.mean, each.low, each.high], [values, null, null])
  const ramp = Array.from({ length: 10_000 }, (_, i) => i)
  is(thinned(ramp, 4).low, null)
  const peak = thinned([...ramp, 1, 1e6], 4)
  is(peak.high?.at(-1), 1e6)
  const noisy = thinned(
    ramp.map((i) => i % 2),
    4,
  )
  equal([noisy.low?.[7], noisy.mean[7], noisy.high?.[7]], [0, 0.5, 1])
})

test('numbers keep five digits', () => {
  is(rounded(1 / 3), 0.33333)
  is(rounded(123456789), 123460000)
  is(rounded(Number.NaN), null)
  ok(JSON.stringify(thinned([Math.PI], 1).mean).length < 10)
})

test.run()
