import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import {
  listRunCheckpoints,
  newestRunCheckpoint,
  openRunCheckpoint,
  prepareRunCheckpoints,
  pruneRunCheckpoints,
  saveRunCheckpoint,
  setAsideRunCheckpoint,
} from '../../lib/checkpoint/run_checkpoint.js'
import { BeitError } from '../../lib/errors.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('run checkpoint')

test('what was saved is found, whole, with its state', async () => {
  const folder = temporary()
  const path = await save(folder, 30, 'thirty')
  is(path, join(folder, 'step-00000030'))
  equal((await fs.readdir(path)).sort(), ['manifest.json', 'model.bin', 'state.json'])
  equal(await openRunCheckpoint(path), { path, state: { step: 30 } })

  const { files } = JSON.parse(await fs.readFile(join(path, 'manifest.json'), 'utf8'))
  equal(Object.keys(files), ['model.bin', 'state.json'])
  // echo -n thirty | sha256sum
  equal(files['model.bin'], {
    bytes: 6,
    sha256: 'aca5fb59db69e5dffeda36ff0bd65205f16720b7fa1893c4557e9216dfc276d5',
  })
})

test('steps are ordered as numbers, and other names are not checkpoints', async () => {
  const folder = temporary()
  for (const step of [9, 100_000_000, 10]) await save(folder, step)
  await fs.mkdir(join(folder, 'step-7'))
  await fs.mkdir(join(folder, '.step-00000008.new.partial'))
  equal(
    (await listRunCheckpoints(folder)).map(({ step }) => step),
    [9, 10, 100_000_000],
  )
  equal(await listRunCheckpoints(join(folder, 'absent')), [])
})

const DAMAGES: [what: string, damage: (path: string) => Promise<void>, reason: RegExp][] = [
  ['a file is shorter', (path) => fs.truncate(join(path, 'model.bin'), 2), /model\.bin has 2 bytes.* says 5/],
  [
    'a bit is flipped',
    (path) => fs.writeFile(join(path, 'model.bin'), 'vbl1e'),
    /model\.bin is damaged: .*SHA-256/,
  ],
  ['a file is missing', (path) => fs.rm(join(path, 'model.bin')), /model\.bin cannot be read: ENOENT/],
  ['the manifest is missing', (path) => fs.rm(join(path, 'manifest.json')), /manifest\.json cannot be read/],
  [
    'the manifest is cut off',
    (path) => fs.truncate(join(path, 'manifest.json'), 20),
    /manifest\.json cannot be/,
  ],
  [
    'the manifest is another file',
    (path) => fs.writeFile(join(path, 'manifest.json'), '{}'),
    /not a manifest/,
  ],
]
for (const [what, damage, reason] of DAMAGES) {
  test(`a checkpoint of which ${what} is passed over for the one before`, async () => {
    const folder = temporary()
    await save(folder, 1)
    const older = await save(folder, 2)
    const newer = await save(folder, 3)
    await damage(newer)
    const { checkpoint, damaged } = await newestRunCheckpoint(folder)
    equal(checkpoint, { path: older, state: { step: 2 } })
    is(damaged.length, 1)
    is(damaged[0]?.path, newer)
    match(damaged[0]?.reason as string, reason)

    const aside = await setAsideRunCheckpoint(newer)
    is(aside, `${newer}.damaged`)
    equal((await newestRunCheckpoint(folder)).damaged, [])
  })
}

test('by their sizes alone, a short or missing file is damage and a changed one is not seen', async () => {
  const path = await save(temporary(), 1)
  const open = () => openRunCheckpoint(path, { content: false })
  await fs.writeFile(join(path, 'model.bin'), 'vbl1e')
  equal((await open()).state, { step: 1 })
  await fs.truncate(join(path, 'model.bin'), 2)
  await rejects(open, 'ERR_FORMAT', /model\.bin has 2 bytes.* says 5/)
  await fs.rm(join(path, 'model.bin'))
  await rejects(open, 'ERR_FORMAT', /model\.bin cannot be read: ENOENT/)
})

test('a file that is there and cannot be read is not taken for damage', async () => {
  const folder = temporary()
  await save(folder, 1)
  const newer = await save(folder, 2)
  await withFault('readFile', 1, () =>
    rejects(newestRunCheckpoint(folder), 'ERR_IO', /manifest\.json cannot be/),
  )
  await withFault('readFile', 2, () =>
    rejects(newestRunCheckpoint(folder), 'ERR_IO', /state\.json cannot be/),
  )
  await fs.rm(join(newer, 'model.bin'))
  await fs.symlink('model.bin', join(newer, 'model.bin'))
  await rejects(newestRunCheckpoint(folder), 'ERR_IO', /step-00000002.model\.bin cannot be read: ELOOP/)
})

test('a damaged checkpoint that was set aside before stays', async () => {
  const folder = temporary()
  for (const content of ['first', 'second', 'third']) {
    await setAsideRunCheckpoint(await save(folder, 1, content))
  }
  const names = ['step-00000001.damaged', 'step-00000001.damaged-2', 'step-00000001.damaged-3']
  equal((await fs.readdir(folder)).sort(), names)
  const contents = names.map((name) => fs.readFile(join(folder, name, 'model.bin'), 'utf8'))
  equal(await Promise.all(contents), ['first', 'second', 'third'])
})

test('the newest are kept, and the best', async () => {
  const folder = temporary()
  const steps = async () => (await listRunCheckpoints(folder)).map(({ step }) => step)
  for (let step = 1; step <= 6; step++) await save(folder, step)
  await pruneRunCheckpoints(folder, 2, 3)
  equal(await steps(), [3, 5, 6])
  await pruneRunCheckpoints(folder, 2, null)
  equal(await steps(), [5, 6])
  await pruneRunCheckpoints(folder, 5, 1)
  equal(await steps(), [5, 6])
})

test('a checkpoint of the same step is replaced', async () => {
  const folder = temporary()
  await save(folder, 4, 'first')
  const path = await save(folder, 4, 'second')
  is(await fs.readFile(join(path, 'model.bin'), 'utf8'), 'second')
  equal(await fs.readdir(folder), ['step-00000004'])
})

// The calls that a save makes, each failing once as on a full disk.
const FAULTS: [call: 'mkdir' | 'writeFile' | 'readFile' | 'open' | 'rename', nth: number][] = [
  ['mkdir', 1],
  ['writeFile', 1],
  ['writeFile', 2],
  ['open', 1],
  ['open', 4],
  ['rename', 1],
  ['rename', 2],
]
for (const [call, nth] of FAULTS) {
  test(`when ${call} number ${nth} fails, the old checkpoints stay and nothing else`, async () => {
    const folder = temporary()
    await save(folder, 1, 'one')
    await save(folder, 2, 'two')
    await withFault(call, nth, () =>
      rejects(save(folder, 2, 'second'), 'ERR_IO', /cannot write .*step-00000002: ENOSPC/),
    )
    equal((await fs.readdir(folder)).sort(), ['step-00000001', 'step-00000002'])
    const { checkpoint, damaged } = await newestRunCheckpoint(folder)
    equal([checkpoint?.state, damaged], [{ step: 2 }, []])
    is(await fs.readFile(join(checkpoint?.path as string, 'model.bin'), 'utf8'), 'two')
  })
}

test('an error of a writer is passed on as it is, and its partial file is removed', async () => {
  const folder = temporary()
  const failure = new BeitError('ERR_OUT_OF_MEMORY', 'none left')
  const write = async (path: string) => {
    await fs.writeFile(path, 'half')
    throw failure
  }
  const saving = saveRunCheckpoint(folder, 1, {}, { 'model.bin': write })
  is(await rejects(saving, 'ERR_OUT_OF_MEMORY', /^none left$/), failure)
  equal(await fs.readdir(folder), [])
})

test('left-overs of killed saves are removed, a checkpoint that stepped aside comes back', async () => {
  const folder = temporary()
  const path = await save(folder, 5)
  await save(folder, 6)
  await fs.rename(path, join(folder, '.step-00000005.old.partial'))
  await fs.mkdir(join(folder, '.step-00000006.old.partial'))
  await fs.mkdir(join(folder, '.step-00000007.new.partial'))
  await fs.writeFile(join(folder, '.step-00000007.new.partial', 'model.bin'), 'half')
  await prepareRunCheckpoints(folder)
  equal((await fs.readdir(folder)).sort(), ['step-00000005', 'step-00000006'])
  ok(await openRunCheckpoint(path))
})

test.run()

function save(folder: string, step: number, content = 'value'): Promise<string> {
  return saveRunCheckpoint(folder, step, { step }, { 'model.bin': (path) => fs.writeFile(path, content) })
}

/** Runs `body` with the `nth` call of fs.promises `name` failing. */
async function withFault(name: (typeof FAULTS)[number][0], nth: number, body: () => Promise<unknown>) {
  const functions = fs as unknown as Record<string, (...args: unknown[]) => unknown>
  const original = functions[name] as (...args: unknown[]) => unknown
  let calls = 0
  functions[name] = (...args) => {
    if (++calls !== nth) return original(...args)
    return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
  }
  try {
    await body()
  } finally {
    functions[name] = original
  }
  ok(calls >= nth, `${name} was called ${calls} times`)
}
