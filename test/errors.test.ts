/** How messages name what they were given. */
import { is } from 'uvu/assert'
import { invalidArgument } from '../lib/errors.js'
import { suite } from './support/suite.js'

const test = suite('errors')

test('a value is named as one would write it, also where JSON has no word for it', () => {
  const named = (value: unknown) =>
    invalidArgument('x', 'right', value).message.replace('x must be right, got ', '')
  is(named('text'), '"text"')
  is(named([32, [1]]), '[32,[1]]')
  is(named({ a: 1 }), '{"a":1}')
  is(named([NaN, 1]), '[ NaN, 1 ]')
  is(named({ a: Infinity }), '{ a: Infinity }')
  is(named([1n]), '[ 1n ]')
  is(named([undefined]), '[ undefined ]')
  const cycle: unknown[] = []
  cycle.push(cycle)
  is(named(cycle), '<ref *1> [ [Circular *1] ]')
  is(named(new Array(9).fill(0)), 'an array of 9')
  is(named(new Float32Array(2)), 'a Float32Array of 8 bytes')
  is(named('x'.repeat(1e6)), `"${'x'.repeat(199)}...`)
})

test.run()
