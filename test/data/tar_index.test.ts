import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { equal, is, match } from 'uvu/assert'
import { type TarEnd, type TarMember, tarMembers } from '../../lib/data/tar_index.js'
import { WindowReader } from '../../lib/data/window_reader.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { paxRecord, type TarEntry, tar, tarMember } from '../support/tar.js'
import { temporary } from '../support/temporary.js'

const test = suite('tar index')

async function membersOf(path: string): Promise<{ members: TarMember[]; end: TarEnd }> {
  const reader = await WindowReader.open(path)
  try {
    const members: TarMember[] = []
    const walk = tarMembers(reader, path)
    for (;;) {
      const { done, value } = await walk.next()
      if (done) return { members, end: value }
      members.push(value)
    }
  } finally {
    await reader.close()
  }
}

function index(archive: Buffer | readonly TarEntry[]) {
  const path = join(temporary(), 'x.tar')
  writeFileSync(path, 'byteLength' in archive ? archive : tar(archive))
  return membersOf(path)
}

test('finds files where they are, over folders and other kinds', async () => {
  const big = Buffer.alloc(3_000_000, 7)
  const archive = tar([
    { name: 'a/', type: '5' },
    { name: 'a/1.jpg', data: 'first' },
    { name: 'pipe', type: '6' },
    { name: 'big.bin', data: big },
    { name: 'old.txt', data: 'x'.repeat(512), type: '\0' },
    { name: 'link.jpg', type: '2' },
    { name: 'empty' },
    { name: 'last', data: 'end' },
  ])
  const { members, end } = await index(archive)
  is(end.cut, null)
  equal(
    members.map(({ name, kind, size }) => [name, kind, size]),
    [
      ['a/1.jpg', 'file', 5],
      ['big.bin', 'file', 3_000_000],
      ['old.txt', 'file', 512],
      ['link.jpg', 'link', 0],
      ['empty', 'file', 0],
      ['last', 'file', 3],
    ],
  )
  const bytes = ({ offset, size }: TarMember) => archive.toString('utf8', offset, offset + size)
  is(bytes(members[0] as TarMember), 'first')
  is(bytes(members[5] as TarMember), 'end')
})

test('long names and sizes of PAX, GNU and the ustar prefix', async () => {
  const long = `${'d'.repeat(150)}/${'ü'.repeat(60)}.jpg`
  const base256 = Buffer.alloc(12)
  base256[0] = 0x80
  base256[11] = 4
  const { members } = await index([
    { name: 'PaxHeader', type: 'x', data: paxRecord('mtime', '1.5') + paxRecord('path', long) },
    { name: 'short', data: '1' },
    { name: '././@LongLink', type: 'L', data: `${long}\0` },
    { name: 'short', data: '22' },
    { name: 'tail.jpg', prefix: 'p'.repeat(120), data: '333' },
    { name: 'gnu.jpg', prefix: 'ignored', magic: 'ustar ', data: '333' },
    { name: 'PaxHeader', type: 'x', data: paxRecord('size', '4') },
    { name: 'sized', data: '4444', size: '00000000000\0' },
    { name: 'wide', data: '4444', size: base256 },
    { name: 'global', type: 'g', data: paxRecord('path', 'never') },
    { name: 'plain', data: '5' },
  ])
  equal(
    members.map(({ name, size }) => [name, size]),
    [
      [long, 1],
      [long, 2],
      [`${'p'.repeat(120)}/tail.jpg`, 3],
      ['gnu.jpg', 3],
      ['sized', 4],
      ['wide', 4],
      ['plain', 1],
    ],
  )
})

const isGnuTar = spawnSync('tar', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU tar') ?? false
for (const format of ['v7', 'ustar', 'gnu', 'oldgnu', 'pax']) {
  test.skipIf(isGnuTar ? null : 'no GNU tar', `agrees with what tar --format=${format} wrote`, async () => {
    const folder = temporary()
    const deep = format === 'v7' ? 'deep/b.jpg' : `${'deep/'.repeat(25)}b.jpg`
    const files = { 'a.txt': 'alpha', [deep]: 'x'.repeat(5000), 'z.cls': '3' }
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    const path = join(folder, 'x.tar')
    const made = spawnSync('tar', [`--format=${format}`, '-C', folder, '-cf', path, ...Object.keys(files)])
    is(made.status, 0)
    const archive = readFileSync(path)
    const { members, end } = await membersOf(path)
    is(end.cut, null)
    equal(
      Object.fromEntries(members.map((m) => [m.name, archive.toString('utf8', m.offset, m.offset + m.size)])),
      files,
    )
  })
}

test('says where an archive is cut', async () => {
  const whole = tar([
    { name: 'a.jpg', data: 'x'.repeat(700) },
    { name: 'b.jpg', data: 'y'.repeat(700) },
  ])
  const cutAt = async (bytes: number) => {
    const { members, end } = await index(whole.subarray(0, bytes))
    return [members.length, end.cut]
  }
  equal(await cutAt(whole.length), [2, null])
  equal(await cutAt(whole.length - 512), [2, null])
  equal(await cutAt(3072), [2, 'the end-of-archive mark is missing at byte 3072'])
  // The data of b is whole, its padding is not.
  equal(await cutAt(2048 + 701), [2, 'the end-of-archive mark is missing at byte 3072'])
  equal(await cutAt(2048 + 699), [1, '"b.jpg" at byte 1536 needs 700 bytes and only 699 are left'])
  equal(await cutAt(1536 + 100), [1, 'the end-of-archive mark is missing at byte 1536'])
  equal(await cutAt(0), [0, 'the end-of-archive mark is missing at byte 0'])
})

test('refuses what is damaged or hostile', async () => {
  const good = tarMember({ name: 'a.jpg', data: 'x' })
  const flipped = Buffer.concat([good, tarMember({ name: 'b.jpg' })])
  flipped[1024 + 3] = 0x21
  await rejects(
    index(flipped),
    'ERR_FORMAT',
    /x\.tar is damaged: the header at byte 1024 has a wrong checksum/,
  )
  await rejects(index(Buffer.alloc(4096, 'not a tar')), 'ERR_FORMAT', /is not a tar file/)
  await rejects(
    index(Buffer.alloc(4096, Buffer.from([0x1f, 0x8b]))),
    'ERR_FORMAT',
    /compressed with gzip.*gunzip/,
  )

  const negative = Buffer.alloc(12, 0xff)
  await rejects(index([{ name: 'n', size: negative }]), 'ERR_FORMAT', /negative or huge size/)
  const huge = Buffer.alloc(12, 0x7f)
  huge[0] = 0x80
  await rejects(index([{ name: 'h', size: huge }]), 'ERR_FORMAT', /negative or huge size/)
  await rejects(index([{ name: 'o', size: '99999999999\0' }]), 'ERR_FORMAT', /negative or huge size/)
  await rejects(index([{ name: 's', type: 'S' }]), 'ERR_FORMAT', /sparse/)
  // 8 GiB less one byte is a legal size: only the end of the file contradicts it.
  match((await index([{ name: 'big', size: '77777777777\0' }])).end.cut as string, /needs 8589934591 bytes/)
})

test('refuses malformed PAX headers', async () => {
  const pax = (data: string) => index([{ name: 'x', type: 'x', data }, { name: 'a' }])
  for (const data of ['999 path=a\n', 'path=a\n', '0 path=a\n', '-5 path=a\n', '9 path=a', '11 path=abc']) {
    await rejects(pax(data), 'ERR_FORMAT', /the PAX header at byte 0 is malformed/)
  }
  for (const size of ['-1', '1e3', '99999999999999999999', '']) {
    await rejects(pax(paxRecord('size', size)), 'ERR_FORMAT', /the PAX header at byte 0 has size/)
  }
  await rejects(pax(paxRecord('GNU.sparse.major', '1')), 'ERR_FORMAT', /sparse/)
  const large = index([{ name: 'x', type: 'x', data: Buffer.alloc(2_000_000) }])
  await rejects(large, 'ERR_FORMAT', /a name header of 2000000 bytes/)
})

test.run()
