/**
 * Files that are there as a whole or not at all: written beside their place, synced, renamed, the folder
 * synced.
 */
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BeitError } from '../errors.js'

/**
 * Puts what `write` makes at `path`.
 *
 * @param write makes the file of the name it is given, which does not exist, and syncs it
 * @throws BeitError ERR_IO; what was at `path` before is then still there.
 */
export async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`)
  try {
    await write(temporary)
    await rename(temporary, path)
    await syncFolder(folder)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    if (cause instanceof BeitError) throw cause
    throw new BeitError('ERR_IO', `cannot write ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Makes a rename in `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
