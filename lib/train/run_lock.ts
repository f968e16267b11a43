/**
 * run.lock: one process at a time trains into a run folder. The file names its holder; a holder that is gone
 * is told by its process on the same host, and on another host (or in another container) by the age of the
 * file, which the holder touches while it lives.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { BeitError } from '../errors.js'

export const LOCK_FILE = 'run.lock'
const TOUCH_EVERY_MS = 5_000
const STALE_AFTER_MS = 30_000

interface Holder {
  id: string
  host: string
  pid: number
  /** Tells a process from a later one with the same id; null where the system does not say. */
  processStart: string | null
}

const UNKNOWN: Holder = { id: '', host: 'an unknown host', pid: 0, processStart: null }

/** A lock that is held. `release` may be called more than once. */
export interface RunLock {
  release(): Promise<void>
}

/**
 * Takes the lock of the folder `output`; a stale one is taken over.
 * @throws BeitError ERR_OUTPUT_EXISTS when another process holds it
 */
export async function lockRun(output: string): Promise<RunLock> {
  const path = join(output, LOCK_FILE)
  const own: Holder = {
    id: randomUUID(),
    host: hostname(),
    pid: process.pid,
    processStart: startOf(process.pid),
  }
  while (!(await createExclusively(path, own))) await removeIfStale(path, own)
  const timer = setInterval(() => {
    const now = new Date()
    fs.utimes(path, now, now).catch(() => {}) // The folder may have been removed: the run itself will say so.
  }, TOUCH_EVERY_MS)
  timer.unref()
  return {
    release: async () => {
      clearInterval(timer)
      if ((await read(path))?.id === own.id) await fs.rm(path, { force: true })
    },
  }
}

/** Whether a process trains into the folder `output` now, as far as can be seen from here. */
export async function isTrainedInto(output: string): Promise<boolean> {
  const path = join(output, LOCK_FILE)
  const holder = await read(path)
  return holder !== null && isAlive(path, holder, { host: hostname() })
}

async function createExclusively(path: string, own: Holder): Promise<boolean> {
  try {
    await fs.writeFile(path, JSON.stringify(own), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function removeIfStale(path: string, own: Holder): Promise<void> {
  const holder = await read(path)
  if (holder === null) return
  if (await isAlive(path, holder, own)) {
    throw new BeitError(
      'ERR_OUTPUT_EXISTS',
      `process ${holder.pid} on ${holder.host} is training into this folder (${path}): ` +
        'wait for it to end, or choose another output',
    )
  }
  // Moved first, so that of two processes that found the same stale lock only one removes it.
  const aside = `${path}.${own.id}.stale`
  await fs.rename(path, aside).catch(() => {})
  const moved = await read(aside)
  if (moved !== null && moved.id !== holder.id) await fs.link(aside, path).catch(() => {})
  await fs.rm(aside, { force: true })
}

async function isAlive(path: string, holder: Holder, own: Pick<Holder, 'host'>): Promise<boolean> {
  if (holder.host !== own.host) {
    const touched = await fs.stat(path).then(
      (stat) => stat.mtimeMs,
      () => 0,
    )
    return Date.now() - touched < STALE_AFTER_MS
  }
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.processStart === startOf(holder.pid)
}

async function read(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await fs.readFile(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    return UNKNOWN // Being written just now, or cut off by a crash: its age decides.
  }
}

/** Start time of a living process since boot, in ticks (proc(5), stat: field 3 is the state, 22 the time). */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? null : (rest[18] ?? null)
  } catch {
    return null
  }
}
