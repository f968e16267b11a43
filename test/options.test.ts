/** Tables of options: what a call is told of values that it does not take. */
import { equal, throws } from 'uvu/assert'
import { type OptionSchema, validateOptions } from '../lib/options.js'
import { suite } from './support/suite.js'

const test = suite('options')

const SCHEMA: OptionSchema = {
  steps: { type: 'integer', min: 1, default: 10, doc: 'how many' },
  rate: { type: 'number', min: 0, max: 1, default: null, optional: true, doc: 'how fast' },
}
const checked = (given: unknown) => validateOptions('walk', SCHEMA, given as object)
const refused = (given: unknown, message: string) =>
  throws(
    () => checked(given),
    (error: Error) => error.message === message,
  )

test('what is unset is the default; null unsets what may be unset', () => {
  equal(checked({}), { steps: 10, rate: null })
  equal(checked({ steps: 3, rate: undefined }), { steps: 3, rate: null })
  equal(checked({ rate: null }), { steps: 10, rate: null })
})

test('values are refused with what is taken', () => {
  refused({ steps: 0 }, 'walk: steps must be an integer of at least 1, got 0')
  refused({ steps: '3' }, 'walk: steps must be an integer of at least 1, got "3"')
  // Whole, but JavaScript does not count in it.
  refused(
    { steps: 1e18 },
    'walk: steps must be an integer from 1 to 9007199254740991, got 1000000000000000000',
  )
  refused({ rate: NaN }, 'walk: rate must be a number from 0 to 1, got NaN')
})

test('names are refused with the nearest, and what is no object altogether', () => {
  refused({ step: 1 }, "walk has no option 'step'; did you mean 'steps'?")
  refused({ colour: 1 }, "walk has no option 'colour'; there are steps, rate")
  // Those that every object has.
  refused({ constructor: 1 }, "walk has no option 'constructor'; there are steps, rate")
  refused(null, 'the options of walk must be an object, got null')
  refused([1], 'the options of walk must be an object, got [1]')
})

test.run()
