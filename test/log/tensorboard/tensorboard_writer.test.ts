import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { equal, is, match, ok, throws } from 'uvu/assert'
import { type Histogram, Tensor, TensorBoardWriter } from '../../../lib/index.js'
import { rejects } from '../../support/errors.js'
import { eventFiles, readEvents } from '../../support/event_file.js'
import { suite } from '../../support/suite.js'
import { temporary } from '../../support/temporary.js'

const test = suite('TensorBoard writer')

/** The values of a file, without the events that begin it. */
const written = (path: string) => readEvents(path).filter(({ values }) => values.length > 0)

test('scalars, a picture, a histogram and a text come back as they went in', async () => {
  const folder = join(temporary(), 'made', 'for', 'it')
  const board = await TensorBoardWriter.open(folder)
  const png = await sharp({ create: { width: 5, height: 4, channels: 4, background: '#1234' } })
    .png()
    .toBuffer()
  const before = Date.now() / 1000
  board.scalar('train/loss', 0.1, 1)
  board.scalars({ 'train/loss': Number.NaN, 'train/ä': -1e30 }, 2 ** 40)
  board.scalars({}, 3)
  board.image('samples', png, 4)
  board.histogram('weights', await Tensor.from([0, 0, 1, 4]).histogram(2), 5)
  board.text('notes', '| a | b |\n| --- | --- |\n| 1 | ü |', 6)
  await board.close()

  is(board.error, null)
  equal(eventFiles(folder), [board.path])
  match(board.path, /events\.out\.tfevents\.\d{10}\.[^/]+\.\d+$/)
  const [head, ...events] = readEvents(board.path)
  is(head?.fileVersion, 'brain.Event:2')
  equal(
    events.map(({ step }) => step),
    [1, 2 ** 40, 4, 5, 6],
  )
  for (const { wallTime } of events) ok(wallTime >= before && wallTime < before + 60)
  const scalars = { plugin: 'scalars', dataClass: 1 }
  equal(
    events.map(({ values }) => values),
    [
      [{ tag: 'train/loss', scalar: Math.fround(0.1), metadata: scalars }],
      [
        { tag: 'train/loss', scalar: Number.NaN },
        { tag: 'train/ä', scalar: Math.fround(-1e30), metadata: scalars },
      ],
      [{ tag: 'samples', image: { height: 4, width: 5, colorspace: 4, png } }],
      [
        {
          tag: 'weights',
          tensor: { shape: [2, 3], numbers: [0, 2, 3, 2, 4, 1], texts: [] },
          metadata: { plugin: 'histograms', dataClass: 2 },
        },
      ],
      [
        {
          tag: 'notes',
          tensor: { shape: [1], numbers: [], texts: ['| a | b |\n| --- | --- |\n| 1 | ü |'] },
          metadata: { plugin: 'text', dataClass: 2 },
        },
      ],
    ],
  )
})

test('what is taken is written without waiting for close(), and flush() waits for it', async () => {
  const board = await TensorBoardWriter.open(temporary())
  board.scalar('a', 1, 1)
  await board.flush()
  is(written(board.path).length, 1)
  // More than the buffer holds: two writes at least, which must not overtake each other.
  for (let step = 2; step <= 5000; step++) board.scalar('a', step, step)
  await board.flush()
  equal(
    written(board.path).map(({ step }) => step),
    Array.from({ length: 5000 }, (_, i) => i + 1),
  )
  board.scalar('a', 1, 5001)
  while (written(board.path).length < 5001) await new Promise((resolve) => setTimeout(resolve, 50))
  await board.close()
  await board.close()
  throws(() => board.scalar('a', 1, 1), /was closed/)
})

test('files of one folder are read in the order in which they were begun; a torn one stays as it is', async () => {
  const folder = temporary()
  const paths: string[] = []
  for (let i = 0; i < 3; i++) {
    const board = await TensorBoardWriter.open(folder, i === 0 ? {} : { fromStep: i })
    board.scalar('a', i, i)
    await board.close()
    paths.push(board.path)
    appendFileSync(board.path, 'torn')
  }
  equal(eventFiles(folder), paths)
  for (const path of paths.slice(0, 2)) match(readFileSync(path, 'latin1'), /torn$/)
  const untorn = readFileSync(paths[2] as string).subarray(0, -4)
  writeFileSync(paths[2] as string, untorn)
  const [version, session] = readEvents(paths[2] as string)
  is(version?.session, undefined)
  equal([session?.session, session?.step], [1, 2])
})

test('what cannot be shown is refused by name, and nothing of it is written', async () => {
  const board = await TensorBoardWriter.open(temporary())
  const shapes: Histogram = { counts: new Float64Array(2), edges: new Float64Array(2) }
  const refusals: [() => void, RegExp][] = [
    [() => board.scalar('', 1, 1), /tag must be a string that is not empty/],
    [() => board.scalar('a', '1' as never, 1), /the scalar 'a' must be a number, got "1"/],
    [() => board.scalar('a', 1, 1.5), /step must be a whole number from 0 on, got 1.5/],
    [() => board.scalar('a', 1, -1), /step must be/],
    [
      () => board.image('a', Buffer.from('GIF89a, which is long enough'), 1),
      /the image 'a' must be the bytes of a PNG/,
    ],
    [() => board.image('a', new Uint8Array(0), 1), /the image 'a' must be the bytes of a PNG/],
    [() => board.histogram('a', shapes, 1), /the histogram 'a' must be counts, and edges/],
    [() => board.text('a', 1 as never, 1), /the text 'a' must be a string, got 1/],
  ]
  for (const [call, message] of refusals) throws(call, message)
  // The tag was refused before: its metadata are still to come.
  board.scalar('a', 1, 1)
  await board.close()
  equal(written(board.path)[0]?.values, [
    { tag: 'a', scalar: 1, metadata: { plugin: 'scalars', dataClass: 1 } },
  ])
  is(written(board.path).length, 1)
})

test('a folder that cannot be is told when it is opened', async () => {
  const folder = temporary()
  writeFileSync(join(folder, 'file'), '')
  await rejects(TensorBoardWriter.open(join(folder, 'file')), 'ERR_IO', /cannot write TensorBoard events/)
  await rejects(TensorBoardWriter.open(''), 'ERR_INVALID_ARGUMENT', /folder must be a path, got ""/)
  await rejects(TensorBoardWriter.open(folder, { fromStep: -1 }), 'ERR_INVALID_ARGUMENT', /fromStep must be/)
  equal(readdirSync(folder), ['file'])
})

test('await using closes the file', async () => {
  let path = ''
  {
    await using board = await TensorBoardWriter.open(temporary())
    board.scalar('a', 1, 1)
    path = board.path
  }
  is(written(path).length, 1)
})

test.run()
