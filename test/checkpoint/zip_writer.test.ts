/** The layout of zip files: alignment, checksums, ZIP64, against Python's zipfile. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { type ZipRecord, zipPieces } from '../../lib/checkpoint/zip/zip_writer.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('zip writer')

const record = (name: string, bytes: Uint8Array): ZipRecord => ({
  name,
  byteLength: bytes.length,
  piece: { bytes },
})

/** What zipfile says of a file: name, size and where the bytes begin, of each entry; all are read. */
const LIST = `
import sys, json, struct, zipfile
z = zipfile.ZipFile(sys.argv[1])
def begin(i):
    z.fp.seek(i.header_offset)
    h = struct.unpack('<4s5H3I2H', z.fp.read(30))
    return i.header_offset + 30 + h[9] + h[10]
print(json.dumps([[i.filename, i.file_size, begin(i)] for i in z.infolist()[:10]]))
print(len(z.infolist()), z.testzip() if len(sys.argv) < 3 else None)`

async function write(records: ZipRecord[]): Promise<string> {
  const path = join(temporary(), 'file.zip')
  await native().piecesToFile(path, zipPieces(records))
  return path
}

test('the bytes of every entry begin at a multiple of 64, whatever came before', async () => {
  const records = Array.from({ length: 130 }, (_, i) =>
    record(`f/${'x'.repeat(i % 70)}${i}`, Buffer.alloc(i, i)),
  )
  const file = readFileSync(await write(records))
  for (const [i, { name }] of records.entries()) {
    const header = file.indexOf(
      `PK\x03\x04`,
      i === 0 ? 0 : file.indexOf(`/${name.slice(2)}FB`) - 40,
      'latin1',
    )
    const begin = header + 30 + file.readUInt16LE(header + 26) + file.readUInt16LE(header + 28)
    is(begin % 64, 0, name)
    equal(file.subarray(begin, begin + i), Buffer.alloc(i, i))
    is(file.readUInt32LE(header + 14), native().crc32(Buffer.alloc(i, i), 0, true))
  }
})

test.skipIf(pythonLacks(), 'Python lists the entries and finds every checksum right', async () => {
  const path = await write([
    record('a/data.pkl', Buffer.from('one')),
    record('a/empty', new Uint8Array(0)),
    record('a/data/0', Buffer.alloc(100_000, 7)),
  ])
  const [list, rest] = python(LIST, path).split('\n') as [string, string]
  equal(JSON.parse(list), [
    ['a/data.pkl', 3, 64],
    ['a/empty', 0, 128],
    ['a/data/0', 100_000, 192],
  ])
  is(rest, '3 None')
})

test.skipIf(pythonLacks(), 'an entry over 4 GiB, and one behind it (in a file full of holes)', () => {
  const path = join(temporary(), 'large.zip')
  const large = 5 * 2 ** 30 + 3
  const records = [
    { name: 'a/data/0', byteLength: large, piece: { bytes: new Uint8Array(0) } },
    record('a/data/1', Buffer.from('behind')),
    { name: 'a/data/2', byteLength: 0xffffffff, piece: { bytes: new Uint8Array(0) } },
    record('a/version', Buffer.from('3\n')),
  ]
  const pieces = zipPieces(records)
  const sizes = pieces.map((piece, i) =>
    i % 2 === 1 ? (records[(i - 1) / 2] as ZipRecord).byteLength : (piece as { bytes: Buffer }).bytes.length,
  )
  const file = openSync(path, 'w')
  let at = 0
  for (const [i, piece] of pieces.entries()) {
    const { bytes } = piece as { bytes: Uint8Array }
    writeSync(file, bytes, 0, bytes.length, at)
    at += sizes[i] as number
  }
  closeSync(file)
  const [list] = python(LIST, path, 'no contents').split('\n') as [string]
  const entries = JSON.parse(list) as [string, number, number][]
  equal(
    entries.map(([name, size]) => [name, size]),
    records.map(({ name, byteLength }) => [name, byteLength]),
  )
  equal(
    entries.map(([, , begin]) => begin % 64),
    [0, 0, 0, 0],
  )
  is((entries[1] as [string, number, number])[2] > large, true)
})

test.skipIf(pythonLacks(), 'more entries than 16 bits count', async () => {
  const path = await write(Array.from({ length: 65_600 }, (_, i) => record(`a/${i}`, Buffer.from('x'))))
  is(python(LIST, path, 'no contents').split('\n')[1], '65600 None')
})

test('equal contents make equal files', async () => {
  const records = [record('a/b', Buffer.from('same'))]
  equal(readFileSync(await write(records)), readFileSync(await write(records)))
})

test.run()
