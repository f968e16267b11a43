import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, not, ok } from 'uvu/assert'
import { batchTargets } from '../../lib/data/batch_targets.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { type LabelledImages, labelled, type TargetKind } from '../../lib/data/labels.js'
import { WebDataset } from '../../lib/data/web_dataset.js'
import type { BeitErrorCode } from '../../lib/errors.js'
import { rejects } from '../support/errors.js'
import { folderOf } from '../support/image_sets.js'
import { suite } from '../support/suite.js'
import { tar } from '../support/tar.js'
import { temporary } from '../support/temporary.js'
import { listed } from './listed_images.js'

const test = suite('labels')

const folderWith = (...paths: string[]) => folderOf(new Map(paths.map((path) => [path, Buffer.from('x')])))
const all = <T>(count: number, at: (index: number) => T) => Array.from({ length: count }, (_, i) => at(i))
const targetsOf = async (...given: Parameters<typeof labelled>) => {
  const images = await labelled(...given)
  return all(images.length, (i) => images.targets(i))
}

test('of class folders', async () => {
  const images = await labelled(await ImageFolder.open(folderWith('cat/1.jpg', 'cat/2.jpg', 'dog/sub/3.png')))
  equal(images.classes, ['cat', 'dog'])
  is(images.targetKind, 'class')
  equal(
    all(3, (i) => images.targets(i)),
    [0, 0, 1],
  )
  equal(
    all(3, (i) => images.sample(i).label),
    [0, 0, 1],
  )
  await rejects(() => images.targets(3), 'ERR_INVALID_ARGUMENT', /from 0 to 2/)
})

test('of shards, named by classes.json', async () => {
  const folder = temporary()
  const entries = ['a', 'b', 'c'].flatMap((key, i) => [
    { name: `${key}.jpg`, data: Buffer.from('x') },
    { name: `${key}.cls`, data: Buffer.from(String(i % 2)) },
  ])
  writeFileSync(join(folder, '0.tar'), tar(entries))
  const unnamed = await labelled(await WebDataset.open(join(folder, '0.tar')))
  equal([unnamed.classes, unnamed.targets(1)], [['0', '1'], 1])
  // Names that a model has for the ids of shards without names.
  equal((await labelled(unnamed, { classes: ['cat', 'dog'] })).classes, ['cat', 'dog'])
  writeFileSync(join(folder, 'classes.json'), '["dog", "cat"]')
  const named = await WebDataset.open(join(folder, '0.tar'))
  equal(await targetsOf(named), [0, 1, 0])
  equal(await targetsOf(named, { classes: ['ant', 'cat', 'dog'] }), [2, 1, 2])
})

test('from files of every format', async () => {
  const source = listed(null, [null, null, null])
  const folder = temporary()
  const read = async (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    const images = await labelled(source, { labels: path })
    const { classes, targetKind } = images
    return { classes, targetKind, targets: all(3, (i) => images.targets(i)) }
  }
  const named = { classes: ['ca,t', 'dog'], targetKind: 'class', targets: [1, 0, 1] }
  // The extension of a key may be left out.
  equal(await read('a.json', '{"k0.jpg": "dog", "./k1.jpg": "ca,t", "k2": "dog", "other": "dog"}'), named)
  equal(
    await read(
      'a.jsonl',
      '{"key": "k0", "label": "dog"}\n\n{"key": "k1", "label": "ca,t"}\n{"key": "k2", "label": "dog"}',
    ),
    named,
  )
  equal(await read('a.csv', '\uFEFFkey,class\r\nk0.jpg,dog\r\n"k1.jpg","ca,t"\r\nk2.jpg,dog\r\n'), named)
  equal(await read('a.tsv', 'k0\tdog\nk1\tca,t\nk2\tdog'), named)
  const ids = { classes: ['0', '1', '2'], targetKind: 'class', targets: [2, 0, 2] }
  equal(await read('b.json', '{"k0": 2, "k1": 0, "k2": 2}'), ids)
  equal(await read('b.csv', 'k0,2\nk1,0\nk2,2'), ids)
  const lists = { classes: ['cat', 'dog'], targetKind: 'classes', targets: [[0, 1], [], [1]] }
  equal(await read('c.json', '{"k0": ["dog", "cat"], "k1": [], "k2": "dog"}'), lists)
  equal(await read('c.csv', 'key,labels\nk0,dog; cat\nk1,cat\nk2,dog'), {
    ...lists,
    targets: [[0, 1], [0], [1]],
  })
  equal(await read('d.csv', 'image,dog,cat\nk0,1,1\nk1,0,0\nk2,1,0'), lists)
  const weights = await read(
    'd.json',
    '{"k0": {"dog": 0.25, "cat": 0.75}, "k1": "cat", "k2": {"dog": 1, "cat": 0}}',
  )
  is(weights.targetKind, 'weights')
  equal(weights.targets, [
    new Map([
      [0, 0.75],
      [1, 0.25],
    ]),
    new Map([[0, 1]]),
    new Map([[1, 1]]),
  ])
})

test('a table may have a header and empty columns behind the label', async () => {
  const source = listed(null, [null, null])
  const path = join(temporary(), 'a.csv')
  const keys = ['key', 'id', 'image', 'file', 'filename', 'filepath', 'path', 'image_id', 'file_name', 'IMG']
  const headers = keys.flatMap((key) => [`${key},label`, `${key},class`, `${key},Labels`])
  for (const header of [...headers, 'key,label,']) {
    writeFileSync(path, `${header}\nk0,10\nk1,2,\n`)
    const images = await labelled(source, { labels: path })
    const { classes } = images
    const ids = [images.targets(0), images.targets(1)].flat()
    equal([classes.length, ids.map((id) => classes[id as number])], [11, ['10', '2']], header)
  }
})

test('digits are ids only where the source says so and no class is called by digits', async () => {
  const folders = listed(['0', '1', '3'], [0, 1, 2])
  const classes = ['3', '5', '8']
  await rejects(labelled(folders, { classes }), 'ERR_DATA', /k0\.jpg has the class "0", which is not among/)
  await rejects(labelled(listed(['0', '1'], [0, 1]), { classes: ['a', 'b'] }), 'ERR_DATA', /the class "0"/)
  const csv = join(temporary(), 'a.csv')
  writeFileSync(csv, 'k0,0\nk1,1\nk2,2\n')
  await rejects(labelled(folders, { labels: csv, classes }), 'ERR_DATA', /the class "0", which is not among/)
  equal(await targetsOf(folders, { labels: csv, classes: ['a', 'b', 'c'] }), [0, 1, 2])
  // Numbers of JSON are ids, texts are names, and what may be either is asked about.
  equal(await targetsOf(folders, { labels: { k0: 0, k1: '5', k2: 2 }, classes }), [0, 1, 2])
  await rejects(
    labelled(folders, { labels: { k0: '0', k1: 1, k2: 1 }, classes: ['a', 'b'] }),
    'ERR_DATA',
    /the class "0"/,
  )
  await rejects(
    labelled(folders, { labels: { k0: 2, k1: 0, k2: 0 }, classes: ['0', '1', '10', '2'] }),
    'ERR_DATA',
    /the label 2, which is the id of "10" and the name of another class: write "2"/,
  )
  const weights = { k0: { 0: 1 }, k1: { 1: 1 }, k2: { 2: 1 } }
  equal(await targetsOf(folders, { labels: weights, classes: ['a', 'b', 'c'] }), [
    new Map([[0, 1]]),
    new Map([[1, 1]]),
    new Map([[2, 1]]),
  ])
})

test('long tables are read while timers fire', async () => {
  const count = 40_000
  const source = listed(null, new Array<null>(2).fill(null))
  const folder = temporary()
  const line = {
    'a.csv': (i: number) => `k${i},c${i % 7}`,
    'a.jsonl': (i: number) => `{"key": "k${i}", "label": "c${i % 7}"}`,
  }
  for (const [name, row] of Object.entries(line)) {
    const path = join(folder, name)
    writeFileSync(path, Array.from({ length: count }, (_, i) => row(i)).join('\n'))
    let turns = 0
    let reading = true
    const turn = () => {
      turns++
      if (reading) setImmediate(turn)
    }
    setImmediate(turn)
    equal((await labelled(source, { labels: path })).targets(1), 1)
    reading = false
    ok(turns >= 30, `${name}: ${turns} turns of the event loop`)
  }
})

test('given as data, brought to the classes of a model', async () => {
  const source = listed(['x', 'y'], [0, 1, 0])
  const labels = { 'k0.jpg': 'dog', 'k1.jpg': 2, 'k2.jpg': 'cat' }
  equal(await targetsOf(source, { labels, classes: ['ant', 'cat', 'dog'] }), [2, 2, 1])
})

test('the fingerprint covers names and every target', async () => {
  const print = async (...given: Parameters<typeof labelled>) => (await labelled(...given)).fingerprint
  const source = listed(['a', 'b'], [0, 1, 0])
  const first = await print(source)
  is(await print(listed(['a', 'b'], [0, 1, 0])), first)
  is(await print(await labelled(source)), first)
  not.equal(await print(source, { classes: ['b', 'a'] }), first)
  const labels = { k0: 'a', k1: 'b', k2: 'a' }
  is(await print(source, { labels }), first)
  not.equal(await print(source, { labels: { ...labels, k2: 'b' } }), first)
})

test('bad labels are refused, each with the image or file and what to do', async () => {
  const source = listed(['a', 'b'], [0, 1])
  const path = (name: string, text: string) => {
    const file = join(temporary(), name)
    writeFileSync(file, text)
    return file
  }
  const empty = folderWith('cat/1.jpg', 'dog/2.jpg')
  mkdirSync(join(empty, 'bird'))
  type Case = [Parameters<typeof labelled>[0], object, RegExp, BeitErrorCode?]
  const cases: Case[] = [
    [listed(null, [null]), {}, /no labels \(first image: k0\.jpg\).*folder of its own/],
    [listed(['a', 'b'], [0, null]), {}, /the image k1\.jpg has no label/],
    [listed(['a', 'b'], [0, 2]), {}, /k1\.jpg has the label 2, expected an integer from 0 to 1/],
    [listed(['a'], [0, 0]), {}, /single class "a"/],
    [listed(null, [null, null]), { labels: { k0: 9, k1: 9 } }, /single class "9"/],
    [await ImageFolder.open(empty), {}, /no image in the class folder "bird"/],
    [await ImageFolder.open(folderWith('cat/1.jpg', '2.jpg')), {}, /no labels \(first image: 2\.jpg\)/],
    [source, { classes: ['a', 'c'] }, /k1\.jpg has the class "b", which is not among the classes/],
    [source, { classes: ['a', 'a'] }, /different names/, 'ERR_INVALID_ARGUMENT'],
    [source, { labels: { k0: 'a' } }, /no label for the image k1\.jpg of the set/],
    [source, { labels: { k0: 'a', k1: 5 }, classes: ['a', 'b'] }, /k1\.jpg has the label 5/],
    [source, { labels: { k0: 'a', k1: 5 } }, /mixes names \("a"\) and ids \(5\)/],
    [source, { labels: { k0: 'a', k1: -1 } }, /label of k1 must be a class/],
    [source, { labels: { k0: 'a', k1: 1.5 } }, /label of k1 must be a class/],
    [source, { labels: { k0: 'a', k1: ['a', 'a'] } }, /k1\.jpg has a class twice/],
    [source, { labels: { k0: 'a', k1: { b: 2 } } }, /weight 2 of "b", expected 0 to 1/],
    [source, { labels: {} }, /no labels/],
    [source, { labels: 3 }, /labels must be the path/, 'ERR_INVALID_ARGUMENT'],
    [source, { labels: '/absent/labels.json' }, /cannot read the labels file/],
    [source, { labels: path('a.txt', '') }, /extension tells no format/],
    [source, { labels: path('a.json', '[1]') }, /not an object/],
    [source, { labels: path('a.json', '{"k0": "a", "k0": "b"}') }, /occurs twice/],
    [source, { labels: path('a.json', '{"k0": "a"') }, /a\.json is not JSON/],
    [source, { labels: path('a.csv', 'k0,a\nk0,b') }, /line 2: a second label for k0/],
    [source, { labels: path('a.csv', 'k0,a\nk1,\n') }, /a\.csv, line 2: no label for k1/],
    [source, { labels: path('a.csv', 'k0,a,\nk1,,') }, /a\.csv, line 2: no label for k1/],
    [source, { labels: path('a.csv', 'key,labels\nk0,a;b\nk1,') }, /line 3: no label for k1/],
    [source, { labels: path('a.csv', 'key,labels\nk0,a;\nk1,b') }, /line 2: the label of k0 must be/],
    [source, { labels: path('a.csv', 'k0,a,b\nk1,a') }, /line 1: 3 columns, expected 2.*KEY,CLASS;CLASS/],
    [source, { labels: path('a.csv', 'path,label,split\nk0,a,train') }, /no labels \("split"\): leave/],
    [source, { labels: path('a.csv', 'key,a,b\nk0,1,7') }, /line 2: "7" in the column "b", expected 0 or 1/],
    [source, { labels: path('a.csv', 'key,sort\nk0,a') }, /line 1: a header without a column label/],
    [source, { labels: path('a.csv', 'picture,label\nk0,a') }, /header that begins with "picture"/],
    [source, { labels: path('a.csv', 'k0,"a') }, /line 1: a quote without an end/],
    [source, { labels: path('a.csv', 'k0,"a"b') }, /line 1: text behind/],
    [source, { labels: path('a.jsonl', '{"key": "k0"}') }, /line 1: expected \{ "key"/],
  ]
  for (const [images, options, message, code = 'ERR_DATA'] of cases) {
    await rejects(labelled(images, options as object), code, message)
  }
})

test('targets of a set of its own are looked at, whatever is asked for', async () => {
  const own = (targetKind: TargetKind, ...targets: unknown[]) =>
    ({
      ...listed(
        ['a', 'b', 'c'],
        targets.map(() => null),
      ),
      targetKind,
      targets: (i: number) => targets[i],
    }) as LabelledImages
  const range = 'expected an integer from 0 to 2'
  const cases: [LabelledImages, RegExp][] = [
    ...[-1, 3, 1.5, Number.NaN].map((id): [LabelledImages, RegExp] => [
      own('class', 0, id),
      new RegExp(`k1\\.jpg has the label ${id}, ${range}`),
    ]),
    [own('class', 0, [1]), /k1\.jpg has the target 1, expected the id of a class/],
    [own('class', 0, undefined), /k1\.jpg has the target undefined, expected the id of a class/],
    [own('classes', [], [-1]), new RegExp(`k1\\.jpg has the label -1, ${range}`)],
    [own('classes', [0, 1], [2, 1.5]), new RegExp(`k1\\.jpg has the label 1.5, ${range}`)],
    [own('classes', [0], ['a']), new RegExp(`k1\\.jpg has the label a, ${range}`)],
    [own('classes', [0], [1, 1]), /k1\.jpg has a class twice/],
    [own('classes', [0], 1), /k1\.jpg has the target 1, expected an array of ids/],
    [own('weights', new Map([[3, 1]])), new RegExp(`k0\\.jpg has the label 3, ${range}`)],
    [own('weights', new Map([[0, -0.5]])), /k0\.jpg has the weight -0\.5 of 0, expected 0 to 1/],
    [own('weights', new Map([[0, Number.NaN]])), /k0\.jpg has the weight NaN/],
  ]
  for (const [images, message] of cases) {
    await rejects(labelled(images), 'ERR_DATA', message)
    await rejects(labelled(images, { classes: ['c', 'b', 'a'] }), 'ERR_DATA', message)
  }
  const right = own('classes', [], [2, 0])
  is(await labelled(right), right)
  const many = { ...own('class'), length: 1e6, targets: (i: number) => i % 3 }
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await labelled(many)
  clearInterval(timer)
  ok(turns > 3, `${turns} turns of the event loop`)
})

test('targets of a batch: ids, multi-hot, weights', async () => {
  const source = listed(['a', 'b', 'c'], [0, 2, 1])
  const read = async (tensor: ReturnType<typeof batchTargets>) => {
    using held = tensor
    return [held.dtype, held.shape, Array.from((await held.toTypedArray()) as ArrayLike<number>, Number)]
  }
  const images = await labelled(source)
  equal(await read(batchTargets(images, [2, 0], { numClasses: 3 })), ['int64', [2], [1, 0]])
  const hot = batchTargets(images, [2, 1], { numClasses: 3, multiLabel: true })
  equal(await read(hot), ['float32', [2, 3], [0, 1, 0, 0, 0, 1]])
  const several = await labelled(source, { labels: { k0: ['a', 'c'], k1: [], k2: 'b' } })
  equal(await read(batchTargets(several, [0, 1], { numClasses: 3 })), ['float32', [2, 3], [1, 0, 1, 0, 0, 0]])
  const soft = await labelled(source, { labels: { k0: { a: 0.25, b: 0.75 }, k1: 'c', k2: 'b' } })
  equal(await read(batchTargets(soft, [0, 1], { numClasses: 3 })), [
    'float32',
    [2, 3],
    [0.25, 0.75, 0, 0, 0, 1],
  ])
  await rejects(() => batchTargets(images, [1], { numClasses: 2 }), 'ERR_DATA', /class 2, and the model 2/)
  for (const id of [-1, 1.5]) {
    const wrong = { name: 'x', targetKind: 'classes', targets: () => [id] } as const
    await rejects(() => batchTargets(wrong, [0, 1], { numClasses: 3 }), 'ERR_DATA', /has the class/)
  }
})

test.run()
