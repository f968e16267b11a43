/** Test files as they must not be, one a name: suite.test.ts runs them and reads what they report. */
import { ok } from 'uvu/assert'
import { suite } from '../suite.js'

const cases: Record<string, () => void> = {
  empty() {
    suite('empty').run()
  },
  'not run'() {
    suite('not run')('forgotten', () => {})
  },
  failing() {
    const test = suite('failing')
    test('right', () => ok(true))
    test('wrong', () => ok(false))
    test('throws no error', () => {
      throw 'a string'
    })
    test.run()
  },
  hanging() {
    const test = suite('hanging', { timeout: 50 })
    test('never ends', () => new Promise(() => setInterval(() => {}, 1000)))
    test.run()
  },
  exiting() {
    const test = suite('exiting')
    test('ends the process', () => process.exit(0))
    test('never begins', () => {})
    test.run()
  },
  skipping() {
    const test = suite('skipping')
    test.skipIf('no moon', 'howls', () => ok(false))
    test.skipIf(null, 'breathes', () => ok(true))
    test.run()
  },
}
const chosen = process.env.SUITE_CASE as string
cases[chosen]?.()
