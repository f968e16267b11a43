import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { expandBraces } from '../../lib/data/shard_names.js'
import { WebDataset } from '../../lib/data/web_dataset.js'
import { rejects } from '../support/errors.js'
import { data as dataPath, missing } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { type TarEntry, tar } from '../support/tar.js'
import { temporary } from '../support/temporary.js'

const test = suite('web dataset')

/** A folder with these shards. */
function shards(files: Record<string, readonly TarEntry[] | Buffer>): string {
  const folder = temporary()
  for (const [name, entries] of Object.entries(files)) {
    writeFileSync(join(folder, name), 'byteLength' in entries ? entries : tar(entries))
  }
  return folder
}

const open = (entries: readonly TarEntry[] | Buffer) =>
  WebDataset.open(join(shards({ 'x.tar': entries }), 'x.tar'))
const keys = (data: WebDataset) => Array.from({ length: data.length }, (_, i) => data.sample(i).key)

test('groups by key and reads the image at its position', async () => {
  const folder = shards({
    'x.tar': [
      { name: './a/001.cls', data: '2\n' },
      { name: './a/001.jpg', data: 'image one' },
      { name: 'b.001.seg.png', data: 'not the image' },
      { name: 'b.jpg', data: 'image two' },
      { name: 'c.txt', data: 'no image' },
      { name: '._d.jpg', data: 'macOS' },
      { name: 'noext' },
      { name: '../../etc/e.PNG', data: 'harmless' },
    ],
  })
  const data = await WebDataset.open(join(folder, 'x.tar'))
  equal(keys(data), ['a/001', 'b', '../../etc/e'])
  is(data.withoutImage, 1)
  const archive = readFileSync(join(folder, 'x.tar'))
  const bytes = keys(data).map((_, i) => {
    const { path, offset, length } = data.sample(i)
    is(path, join(folder, 'x.tar'))
    return archive.toString('utf8', offset, offset + length)
  })
  equal(bytes, ['image one', 'image two', 'harmless'])
  equal(
    [0, 1].map((i) => data.sample(i).label),
    [2, null],
  )
  equal(data.classes, ['0', '1', '2'])
})

test('labels from .json, class names from classes.json', async () => {
  const entries = [
    { name: '1.jpg' },
    { name: '1.json', data: '{"label": 1, "caption": "cat"}' },
    { name: '2.jpg' },
    { name: '2.json', data: '{"cls": 0}' },
    { name: '3.jpg' },
    { name: '3.json', data: '{"label": "cat"}' },
    { name: '4.jpg' },
    { name: '4.json', data: '{' },
    { name: '5.jpg' },
    { name: '5.json', data: '{"label": 1}' },
    { name: '5.cls', data: '0' },
  ]
  const folder = shards({ 'x.tar': entries })
  writeFileSync(join(folder, 'classes.json'), '["dog", "cat"]')
  const data = await WebDataset.open(folder)
  equal(
    keys(data).map((_, i) => data.sample(i).label),
    [1, 0, null, null, 0],
  )
  equal(data.classes, ['dog', 'cat'])
  writeFileSync(join(folder, 'classes.json'), '["dog"]')
  await rejects(WebDataset.open(folder), 'ERR_DATA', /classes.json must be an array of at least 2 strings/)
})

test('without labels there are no classes', async () => {
  is((await open([{ name: '1.jpg' }])).classes, null)
})

test('shards by pattern, braces, folder and list, always sorted', async () => {
  const one = (key: string) => [{ name: `${key}.jpg`, data: key }]
  const folder = shards({
    't-2.tar': one('c'),
    't-0.tar': one('a'),
    't-1.tar': one('b'),
    'v-0.tar': one('d'),
  })
  const keysOf = async (...names: string[]) =>
    keys(await WebDataset.open(names.map((name) => join(folder, name))))
  equal(await keysOf('t-*.tar'), ['a', 'b', 'c'])
  equal(await keysOf('t-?.tar'), ['a', 'b', 'c'])
  equal(await keysOf('t-{0..1}.tar'), ['a', 'b'])
  equal(await keysOf('{v,t}-0.tar'), ['a', 'd'])
  equal(await keysOf('v-0.tar', 't-1.tar'), ['b', 'd'])
  equal(await keysOf('.'), ['a', 'b', 'c', 'd'])
  await rejects(keysOf('t-{0..9}.tar'), 'ERR_DATA', /cannot read the shard .*t-3.tar/)
  await rejects(keysOf('w-*.tar'), 'ERR_DATA', /no file matches .*w-\*\.tar/)
  await rejects(keysOf('t-0.tar', 't-*.tar'), 'ERR_DATA', /t-0.tar is named twice/)
  await rejects(WebDataset.open([]), 'ERR_INVALID_ARGUMENT', /shards must be a path/)
})

test('brace ranges keep zeros and nest in lists', async () => {
  equal(expandBraces('s-{08..11}.tar'), ['s-08.tar', 's-09.tar', 's-10.tar', 's-11.tar'])
  equal(expandBraces('{a,b}{0..1}'), ['a0', 'a1', 'b0', 'b1'])
  await rejects(() => expandBraces('{9..3}'), 'ERR_DATA', /empty/)
  await rejects(() => expandBraces('{0..99999999}'), 'ERR_DATA', /over 1000000/)
  await rejects(() => expandBraces('{0..9999}{0..9999}'), 'ERR_DATA', /over 1000000/)
})

test('the fingerprint follows names and positions, not the folder', async () => {
  const entries = [
    { name: '1.jpg', data: 'x' },
    { name: '2.jpg', data: 'y' },
  ]
  const fingerprint = async (name: string, list: TarEntry[]) =>
    (await WebDataset.open(join(shards({ [name]: list }), name))).fingerprint
  const base = await fingerprint('a.tar', entries)
  is(await fingerprint('a.tar', entries), base)
  is.not(await fingerprint('b.tar', entries), base)
  is.not(await fingerprint('a.tar', [...entries].reverse()), base)
  is.not(await fingerprint('a.tar', [{ name: '1.jpg', data: 'xx' }, entries[1] as TarEntry]), base)
})

test('refuses what is ambiguous or wrong', async () => {
  await rejects(open([{ name: '1.jpg' }, { name: '1.jpg' }]), 'ERR_DATA', /x.tar holds "1.jpg" twice/)
  await rejects(open([{ name: '1.jpg' }, { name: '1.png' }]), 'ERR_DATA', /two images of the key '1'/)
  await rejects(open([{ name: '1.jpg', type: '1' }]), 'ERR_DATA', /as a link.*hard-dereference/)
  for (const label of ['cat', '-1', '1.5', '9999999', '']) {
    const entries = [{ name: '1.jpg' }, { name: '1.cls', data: label }]
    await rejects(open(entries), 'ERR_DATA', /"1.cls" must hold an integer from 0 to 999999/)
  }
  await rejects(
    open([{ name: 'a.txt' }, { name: 'b.cls', data: '1' }]),
    'ERR_DATA',
    /no images in .*1 shards, 2 keys/,
  )
  await rejects(open([]), 'ERR_DATA', /no images/)
  const folder = temporary()
  mkdirSync(join(folder, 'd.tar'))
  await rejects(WebDataset.open(join(folder, 'd.tar')), 'ERR_DATA', /no file matches .*d.tar/)
})

test('a cut shard is refused by name and count, or used as far as it is whole', async () => {
  const whole = tar([
    { name: '1.jpg', data: 'x' },
    { name: '2.jpg', data: 'y'.repeat(600) },
  ])
  const folder = shards({ 'a.tar': [{ name: '0.jpg' }], 'b.tar': whole.subarray(0, 1700) })
  await rejects(
    WebDataset.open(folder),
    'ERR_DATA',
    /1 of 2 shards are cut: .*b\.tar \("2\.jpg" at byte 1024 needs 600 bytes and only 164 are left; 1 whole images before\)/,
  )
  equal(keys(await WebDataset.open(folder, { allowCut: true })), ['0', '1'])
})

test('an index out of range is refused', async () => {
  const data = await open([{ name: '1.jpg' }])
  for (const index of [-1, 1, 0.5])
    await rejects(() => data.sample(index), 'ERR_INVALID_ARGUMENT', /from 0 to 0/)
})

const cifar = dataPath('cifar10')
test.skipIf(missing(cifar), 'indexes the CIFAR-10 shards', async () => {
  const train = await WebDataset.open(join(cifar as string, 'train-{00000..00003}.tar'))
  const validation = await WebDataset.open(join(cifar as string, 'val-*.tar'))
  equal([train.length, validation.length], [20_000, 2_000])
  is(train.classes?.length, 10)
  // The key of each sample begins with the name of its class.
  for (let i = 0; i < train.length; i++) {
    const { key, label } = train.sample(i)
    ok(key.startsWith(`${train.classes?.[label as number]}_`), `${key} is labelled ${label}`)
  }
  const { path, offset, length } = train.sample(19_999)
  equal([...readFileSync(path).subarray(offset, offset + 3)], [0xff, 0xd8, 0xff])
  equal([...readFileSync(path).subarray(offset + length - 2, offset + length)], [0xff, 0xd9])
})

test.run()
