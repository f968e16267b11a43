/** What stands in a file must not reach the terminal as it is. */
import { is } from 'uvu/assert'
import { printable } from '../../lib/log/printable.js'
import { wrap } from '../../lib/log/wrap.js'
import { suite } from '../support/suite.js'

const test = suite('printable')

test('control, invisible and direction characters are written out', () => {
  is(printable('\x1b]0;title\x07\x1b[2J'), '\\x1b]0;title\\x07\\x1b[2J')
  is(printable('a\nb\tc\r\0\x7f'), 'a\\nb\\tc\\r\\x00\\x7f')
  // CSI as one character of Latin-1; right-to-left override; zero width; tag; line separator; half a surrogate
  is(
    printable('\x9b1m \u202e \u200b \u{e0001} \u2028 \ud800'),
    '\\x9b1m \\u{202e} \\u{200b} \\u{e0001} \\u{2028} \\u{d800}',
  )
})

test('what can be read stays, and what is too long is cut', () => {
  is(printable('blocks.0.attn.qkv.weight'), 'blocks.0.attn.qkv.weight')
  is(printable('größe 画像 😀 \\x1b'), 'größe 画像 😀 \\x1b')
  is(printable('x'.repeat(200)), 'x'.repeat(200))
  is(printable('x'.repeat(100_000)), `${'x'.repeat(200)}... (100000 characters)`)
  is(printable('ab', 1), 'a... (2 characters)')
})

test('lines are broken between words', () => {
  is(wrap('one two three', 7).join('|'), 'one two|three')
  is(wrap('word-longer-than-that x', 4).join('|'), 'word-longer-than-that|x')
})

test.run()
