import { spawn } from 'node:child_process'
import fs, { stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, relative } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { makeFolder } from '../../lib/checkpoint/make_folder.js'
import { saveRunCheckpoint } from '../../lib/checkpoint/run_checkpoint.js'
import { RunFolder } from '../../lib/train/run_folder.js'
import { LOCK_FILE } from '../../lib/train/run_lock.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('run folder')

test('a new folder is made, with its parents, and locked', async () => {
  const output = join(temporary(), 'a', 'b')
  const folder = await RunFolder.open(output, false)
  equal((await fs.readdir(output)).sort(), ['checkpoints', 'run.lock'])
  await folder.close()
  equal(await fs.readdir(output), ['checkpoints'])
})

test('folders are made down to the last; where that cannot be, the system says why, at once', async () => {
  const path = join(temporary(), 'a', 'b', 'c')
  await Promise.all([makeFolder(path), makeFolder(path)])
  await makeFolder(path)
  ok((await stat(path)).isDirectory())
  await makeFolder(relative(process.cwd(), `${path}/d`))
  ok((await stat(`${path}/d`)).isDirectory())
  await writeFile(join(path, 'file'), '')
  const code = (path: string) => makeFolder(path).catch(({ code }) => code)
  is(await code(join(path, 'file')), 'EEXIST')
  is(await code(join(path, 'file', 'below')), 'ENOTDIR')
  // Of a file system that says so of a parent that is there, where Node's own `recursive` never ends.
  if (process.platform === 'linux') is(await code('/proc/beit/runs'), 'ENOENT')
})

test('a folder that holds a run is refused, unless it is to be resumed, and keeps its id then', async () => {
  const output = temporary()
  const first = await RunFolder.open(output, false)
  await first.writeSettings({ settings: { epochs: 3 } })
  await first.close()
  await rejects(
    RunFolder.open(output, false),
    'ERR_OUTPUT_EXISTS',
    /holds a run without a checkpoint: give resume/,
  )
  await saveRunCheckpoint(first.checkpoints, 7, {}, {})
  await rejects(RunFolder.open(output, false), 'ERR_OUTPUT_EXISTS', /newest checkpoint is of step 7/)

  const resumed = await RunFolder.open(output, true)
  is(resumed.runId, first.runId)
  await resumed.close()
  const settings = JSON.parse(await fs.readFile(join(output, 'settings.json'), 'utf8'))
  equal(settings, { runId: first.runId, settings: { epochs: 3 } })

  const other = await RunFolder.open(temporary(), false)
  is.not(other.runId, first.runId)
  await other.close()
})

test('a folder with other files is no run', async () => {
  const output = temporary()
  await fs.writeFile(join(output, 'notes.txt'), '')
  await (await RunFolder.open(output, false)).close()
})

test('an output that is a file gives ERR_IO', async () => {
  const output = join(temporary(), 'file')
  await fs.writeFile(output, '')
  await rejects(RunFolder.open(output, true), 'ERR_IO', /cannot use the output .*file: /)
})

test('two runs cannot share a folder', async () => {
  const output = temporary()
  const first = await RunFolder.open(output, true)
  const refused = new RegExp(`process ${process.pid} on ${hostname()} is training into this folder`)
  await rejects(RunFolder.open(output, true), 'ERR_OUTPUT_EXISTS', refused)
  await first.close()
  await (await RunFolder.open(output, true)).close()
})

test('of many that come at once, one gets the lock', async () => {
  const output = temporary()
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => RunFolder.open(output, true)))
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  is(opened.length, 1)
  await opened[0]?.close()
  equal(await fs.readdir(output), ['checkpoints'])
})

test('the lock of a process that is gone is taken over', async () => {
  const output = temporary()
  const child = spawn('sleep', ['0'])
  await new Promise((resolve) => child.on('exit', resolve))
  await writeLock(output, { pid: child.pid, processStart: '1' })
  await (await RunFolder.open(output, true)).close()
})

test('so is that of a process whose id another one has now', async () => {
  const output = temporary()
  await writeLock(output, { pid: process.pid, processStart: 'before the flood' })
  await (await RunFolder.open(output, true)).close()
})

test('on another host the age of the lock decides', async () => {
  const output = temporary()
  await writeLock(output, { host: 'elsewhere', pid: 1 })
  await rejects(RunFolder.open(output, true), 'ERR_OUTPUT_EXISTS', /process 1 on elsewhere/)
  const minuteAgo = new Date(Date.now() - 60_000)
  await fs.utimes(join(output, LOCK_FILE), minuteAgo, minuteAgo)
  await (await RunFolder.open(output, true)).close()
})

test('a lock that a crash cut off holds for a while only', async () => {
  const output = temporary()
  const path = join(output, LOCK_FILE)
  await fs.writeFile(path, '{"id":')
  await rejects(RunFolder.open(output, true), 'ERR_OUTPUT_EXISTS', /on an unknown host/)
  const minuteAgo = new Date(Date.now() - 60_000)
  await fs.utimes(path, minuteAgo, minuteAgo)
  await (await RunFolder.open(output, true)).close()
})

test('closing leaves a lock that another process took', async () => {
  const output = temporary()
  const folder = await RunFolder.open(output, true)
  await writeLock(output, { id: 'other' })
  await folder.close()
  ok((await fs.readdir(output)).includes(LOCK_FILE))
})

test.run()

async function writeLock(output: string, holder: object): Promise<void> {
  const lock = { id: 'x', host: hostname(), pid: 1, processStart: null, ...holder }
  await fs.writeFile(join(output, LOCK_FILE), JSON.stringify(lock))
}
