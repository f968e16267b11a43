/** Bytes against what other programs make: RFC 3720 for the checksum, tensorboard's own protos for the messages. */
import { equal, is } from 'uvu/assert'
import { crc32c, maskedCrc32c } from '../../../lib/log/tensorboard/crc32c.js'
import {
  fileVersionEvent,
  histogramValue,
  imageValue,
  scalarValue,
  sessionStartEvent,
  summaryEvent,
  textValue,
} from '../../../lib/log/tensorboard/event_messages.js'
import { integer } from '../../../lib/log/tensorboard/protobuf.js'
import { tfRecord } from '../../../lib/log/tensorboard/tf_record.js'
import { records } from '../../support/event_file.js'
import { suite } from '../../support/suite.js'

const test = suite('event messages')

test('crc32c of the known strings', () => {
  const vectors: [Uint8Array, number][] = [
    [new Uint8Array(0), 0],
    [Buffer.from('123456789'), 0xe3069283],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ]
  for (const [bytes, crc] of vectors) is(crc32c(bytes), crc)
})

test('the masked checksum of a length of 24 is that at the head of every event file of TensorFlow', () => {
  const length = Buffer.from('1800000000000000', 'hex')
  is(maskedCrc32c(length), 0x224b7fa3)
  const file = tfRecord(fileVersionEvent(1.5))
  is(file.subarray(0, 12).toString('hex'), '1800000000000000a37f4b22')
  equal(records(file), [fileVersionEvent(1.5)])
})

test('records of no bytes and of many', () => {
  for (const size of [0, 1, 70_000]) {
    const data = Buffer.alloc(size, 7)
    equal(records(Buffer.concat([tfRecord(data), tfRecord(data)])), [data, data])
  }
})

test('whole numbers of up to 53 bits, seven of them a byte', () => {
  is(integer(2, 0).toString('hex'), '1000')
  is(integer(2, 127).toString('hex'), '107f')
  is(integer(2, 128).toString('hex'), '108001')
  is(integer(2, 2 ** 32).toString('hex'), '108080808010')
  is(integer(2, Number.MAX_SAFE_INTEGER).toString('hex'), '10ffffffffffffff0f')
})

test('every message is what SerializeToString() of tensorboard 2.21 makes of the same values', () => {
  const hex = (step: number, value: Uint8Array) => summaryEvent(1.5, step, [value]).toString('hex')
  const time = '09000000000000f83f'
  is(fileVersionEvent(1.5).toString('hex'), `${time}1a0d627261696e2e4576656e743a32`)
  is(sessionStartEvent(1.5, 1).toString('hex'), `${time}10013a020801`)
  is(
    hex(300, scalarValue('a/b', 0.5, false)),
    `${time}10ac022a1b0a190a03612f62150000003f4a0d0a090a077363616c6172732001`,
  )
  is(
    hex(1, imageValue('i', Buffer.from('PNG'), { width: 3, height: 2, channels: 4 })),
    `${time}10012a120a100a0169220b0802100318042203504e47`,
  )
  is(
    hex(1, histogramValue('h', { counts: Float64Array.of(2), edges: Float64Array.of(0, 1) }, false)),
    `${time}10012a3f0a3d0a0168422608021208120208011202080322180000000000000000000000000000f03f0000000000000040` +
      '4a100a0c0a0a686973746f6772616d732002',
  )
  is(
    hex(1, textValue('t', 'ä', false)),
    `${time}10012a1f0a1d0a0174420c08071204120208014202c3a44a0a0a060a04746578742002`,
  )
})

test.run()
