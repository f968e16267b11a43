/** The checksum of zip files: the published check value, and the fast form against the plain one. */
import { equal, is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { suite } from '../support/suite.js'

const test = suite('crc32')

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => Math.imul(i + 1, 2_654_435_761) >>> 24)
const fast = (data: Uint8Array, before = 0) => native().crc32(data, before, false)
const plain = (data: Uint8Array, before = 0) => native().crc32(data, before, true)

test('the check value of the polynomial, and nothing', () => {
  for (const crc32 of [fast, plain]) {
    is(crc32(Buffer.from('123456789')), 0xcbf43926)
    is(crc32(new Uint8Array(0)), 0)
    is(crc32(new Uint8Array(0), 7), 7)
  }
})

test('fast equals plain at every length and alignment', () => {
  for (let length = 0; length <= 400; length++) {
    for (let from = 0; from < 17; from += 3) {
      const part = bytes.subarray(from, from + length)
      is(fast(part, length), plain(part, length), `${length} bytes from ${from}`)
    }
  }
  is(fast(bytes), plain(bytes))
})

test('a checksum goes on from that of the bytes before', () => {
  const cuts = [1, 63, 64, 65, 1000, 4999]
  equal(
    cuts.map((cut) => fast(bytes.subarray(cut), fast(bytes.subarray(0, cut)))),
    cuts.map(() => plain(bytes)),
  )
})

test.run()
