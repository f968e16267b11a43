/** Zip files whose headers say two things, or what they must not say. */
import { deflateRawSync } from 'node:zlib'
import { FLOATS } from '../../support/checkpoint_builder.js'
import { type Bytes, bytes, uint16, uint32, uint64 } from '../../support/pickle_builder.js'
import { crc32, zip, zip64Extra } from '../../support/zip_builder.js'
import { type Attack, inert, refused } from './attack.js'
import { data, forged, laidOut, order, pickled, storage, version, w } from './zip_parts.js'

const ZEROS = Buffer.alloc(1 << 20)
const DEFLATED = deflateRawSync(ZEROS)

const methods: Attack[] = [
  refused(
    'a deflate bomb for a storage',
    forged({ data: DEFLATED, both: { method: 8, size: ZEROS.length, crc32: crc32(FLOATS) } }),
    /it is compressed \(method 8\)/,
  ),
  refused(
    'a deflate bomb that says it has 2^32 - 2 bytes',
    forged({ data: DEFLATED, both: { method: 8, size: 2 ** 32 - 2 } }),
    /it is compressed \(method 8\)/,
  ),
  refused(
    'a deflated pickle',
    zip([
      { ...data, data: deflateRawSync(pickled), both: { method: 8, size: pickled.length } },
      order,
      storage,
    ]),
    /it is compressed \(method 8\)/,
  ),
  ...[1, 9, 12, 14, 93, 95, 99, 0xffff].map((method) =>
    refused(
      `method ${method}`,
      forged({ both: { method } }),
      new RegExp(`compressed \\(method ${method}\\)`),
    ),
  ),
  refused(
    'method 8 in the local header alone',
    forged({ local: { method: 8 } }),
    /local header says method 8, the directory 0/,
  ),
  refused('method 8 in the directory alone', forged({ central: { method: 8 } }), /it is compressed/),
]

const flags: Attack[] = [
  ...[0, 1, 2, 4, 5, 6, 13, 15].map((bit) =>
    refused(
      `flag bit ${bit}`,
      forged({ both: { flags: 1 << bit } }),
      new RegExp(`has flags 0x${(1 << bit).toString(16)}`),
    ),
  ),
  refused(
    'encryption in the local header alone',
    forged({ local: { flags: 1 } }),
    /local header says flags 1, the directory 0/,
  ),
  refused('encryption in the directory alone', forged({ central: { flags: 1 } }), /has flags 0x1/),
  refused(
    'a UTF-8 name in one header alone',
    forged({ local: { flags: 1 << 11 } }),
    /local header says flags 2048/,
  ),
  refused(
    'a descriptor that is not there',
    forged({ both: { flags: 8 } }),
    /bytes stand behind it, expected a data descriptor/,
  ),
  refused(
    'a descriptor without signature',
    described(bytes(uint32(1), uint32(crc32(FLOATS)), uint32(16), uint32(16))),
    /descriptor has no signature/,
  ),
  refused(
    'a descriptor of another CRC32',
    described(descriptor(1, 16)),
    /in its data descriptor the CRC32 1/,
  ),
  refused(
    'a descriptor of another size',
    described(descriptor(crc32(FLOATS), 17)),
    /in its data descriptor the compressed size 17/,
  ),
  refused(
    'a descriptor behind a header of other sizes',
    forged({
      both: { flags: 8 },
      local: { crc32: 5, size: 1, packed: 1 },
      behind: descriptor(crc32(FLOATS), 16),
    }),
    /local header says CRC32 5/,
  ),
  inert('a descriptor that is right', described(descriptor(crc32(FLOATS), 16)), w),
]

function descriptor(crc: number, size: number): Buffer {
  return bytes(uint32(0x08074b50), uint32(crc), uint32(size), uint32(size))
}

function described(behind: Bytes): Buffer {
  return forged({ both: { flags: 8 }, local: { crc32: 0, size: 0, packed: 0 }, behind })
}

const disagreements: Attack[] = [
  refused(
    'another name in the local header',
    forged({ local: { name: 'archive/data/1' } }),
    /local header has another name/,
  ),
  refused(
    'a longer name in the local header',
    forged({ local: { name: 'archive/data/00' } }),
    /local header says name length 15/,
  ),
  refused(
    'a name length that reaches into the data',
    forged({ local: { nameLength: 20 } }),
    /local header says name length 20/,
  ),
  refused(
    'an extra length that reaches into the data',
    forged({ local: { extraLength: 4 } }),
    /it reaches to byte/,
  ),
  refused('an extra length past the file', forged({ local: { extraLength: 0xffff } }), /it reaches to byte/),
  refused(
    'another size in the local header',
    forged({ local: { size: 15 } }),
    /local header says size 15, the directory 16/,
  ),
  refused(
    'another compressed size in the local header',
    forged({ local: { packed: 15 } }),
    /local header says compressed size 15/,
  ),
  refused('another CRC32 in the local header', forged({ local: { crc32: 1 } }), /local header says CRC32 1/),
  refused('another time in the local header', forged({ local: { time: 1 } }), /local header says time 1/),
  refused('another date in the local header', forged({ local: { date: 1 } }), /local header says date 1/),
  refused(
    'a local signature of another record',
    forged({ local: { signature: 0x02014b50 } }),
    /no local header stands at byte/,
  ),
  refused(
    'a directory signature of another record',
    forged({ central: { signature: 0x04034b50 } }),
    /does not begin with the signature/,
  ),
  refused(
    'a size smaller than its bytes',
    forged({ both: { size: 12, packed: 12 } }),
    /it ends at byte .* a gap/,
  ),
  refused('a size larger than its bytes', forged({ both: { size: 64, packed: 64 } }), /it reaches to byte/),
  refused(
    'a size larger than the file',
    forged({ both: { size: 1 << 30, packed: 1 << 30 } }),
    /it reaches to byte/,
  ),
  refused(
    'a stored entry of two sizes',
    forged({ both: { size: 64 } }),
    /compressed size 16 is not its size 64, though it is stored/,
  ),
  refused('a wrong CRC32 of a storage', forged({ both: { crc32: 1 } }), /the 16 bytes at \d+ are damaged/),
  refused(
    'a wrong CRC32 of the pickle',
    zip([{ ...data, both: { crc32: 1 } }, order, storage]),
    /data\.pkl": it is damaged/,
  ),
  refused(
    'a wrong CRC32 of the version',
    zip([data, storage, { ...version, both: { crc32: 1 } }]),
    /version": it is damaged/,
  ),
  refused('a disk of several', forged({ central: { disk: 1 } }), /lies on another disk/),
  refused('a comment of an entry', forged({ central: { comment: 'x' } }), /it has a comment/),
  refused('a comment past the directory', forged({ central: { commentLength: 0xffff } }), /it is cut off/),
  refused('a name past the directory', forged({ central: { nameLength: 0xffff } }), /it is cut off/),
  refused('an extra field past the directory', forged({ central: { extraLength: 0xffff } }), /it is cut off/),
  refused(
    'an extra field that is cut off',
    forged({ central: { extra: bytes(uint16(9), uint16(100)) } }),
    /extra fields are cut off/,
  ),
  refused('half an extra field', forged({ local: { extra: 'abc' } }), /extra fields are cut off/),
]

const sentinel = { size: 0xffffffff, packed: 0xffffffff }
const wide = (local: Bytes, central: Bytes) =>
  forged({ local: { ...sentinel, extra: local }, central: { ...sentinel, extra: central } })
const right = zip64Extra(16, 16)

const zip64: Attack[] = [
  inert('ZIP64 that is right', laidOut({ zip64: {} }), w),
  inert('ZIP64 sizes that are right', wide(right, right), w),
  refused(
    'a locator that points elsewhere',
    laidOut({ zip64: { locatorOffset: 0 } }),
    /ZIP64 end record is not at byte/,
  ),
  refused(
    'a locator past the file',
    laidOut({ zip64: { locatorOffset: 2n ** 63n } }),
    /ZIP64 end record is not at byte/,
  ),
  refused(
    'a ZIP64 end record of another length',
    laidOut({ zip64: { recordLength: 1000 } }),
    /has not 56 bytes/,
  ),
  refused(
    'a ZIP64 end record of 2^64 - 1 bytes',
    laidOut({ zip64: { recordLength: -1 } }),
    /has not 56 bytes/,
  ),
  refused(
    'a ZIP64 count that differs',
    laidOut({ zip64: { entries: 5, entriesHere: 5 } }),
    /its ZIP64 end record disagree/,
  ),
  refused(
    'a ZIP64 count of 2^63',
    laidOut({
      zip64: { entries: 2n ** 63n, entriesHere: 2n ** 63n },
      end: { entries: 0xffff, entriesHere: 0xffff },
    }),
    /cannot hold/,
  ),
  refused('a ZIP64 offset that differs', laidOut({ zip64: { offset: 0 } }), /disagree/),
  refused(
    'a ZIP64 offset of 2^64 - 1',
    laidOut({ zip64: { offset: -1 }, end: { offset: 0xffffffff } }),
    /does not reach/,
  ),
  refused('a ZIP64 length that differs', laidOut({ zip64: { length: 1 } }), /disagree/),
  refused(
    'ZIP64 entries on other disks',
    laidOut({ zip64: { entriesHere: 1 } }),
    /counts entries on other disks/,
  ),
  refused('a ZIP64 disk', laidOut({ zip64: { disk: 1 } }), /one disk of several/),
  refused('a ZIP64 locator of two disks', laidOut({ zip64: { disks: 2 } }), /one disk of several/),
  refused('no ZIP64 field', wide('', ''), /ZIP64 field is missing or too short/),
  refused('a ZIP64 field of one size', wide(right, zip64Extra(16)), /ZIP64 field is missing or too short/),
  refused(
    'a ZIP64 field of other sizes in the local header',
    wide(zip64Extra(15, 15), right),
    /local header says size 15/,
  ),
  refused('a ZIP64 size of 2^64 - 1', wide(right, zip64Extra(-1, -1)), /it reaches to byte/),
  refused(
    'a ZIP64 size of 2^53',
    wide(zip64Extra(2n ** 53n, 2n ** 53n), zip64Extra(2n ** 53n, 2n ** 53n)),
    /it reaches to byte/,
  ),
  refused('two ZIP64 fields', wide(right, bytes(right, zip64Extra(1, 1))), /two ZIP64 fields/),
  refused(
    'a ZIP64 field that is cut off',
    wide(right, bytes(uint16(1), uint16(16), uint64(16))),
    /extra fields are cut off/,
  ),
]

export const ZIP_FIELDS: readonly Attack[] = [...methods, ...flags, ...disagreements, ...zip64]
