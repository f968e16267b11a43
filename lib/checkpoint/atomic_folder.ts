/**
 * A folder that is there whole or not at all, whatever kills the process or the machine: its files are
 * written under a temporary name, synced, and the folder is renamed; what a killed save leaves behind is told
 * by its name.
 */
import fs from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BeitError } from '../errors.js'
import { makeFolder } from './make_folder.js'

const PARTIAL = /^\.(.+)\.(new|old)\.partial$/

/**
 * Makes the folder `target` by `write`, which gets the path of a temporary folder beside it. A folder that is
 * already there is replaced. When anything fails, the temporary folder is removed and what was there before
 * stays.
 * @throws BeitError ERR_IO when a file cannot be written; errors of `write` that are BeitErrors as they are
 */
export async function writeFolderAtomically(
  target: string,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const partial = partialPath(target, 'new')
  try {
    await remove(partial)
    await makeFolder(partial)
    await write(partial)
    for (const name of await fs.readdir(partial)) await sync(join(partial, name))
    await sync(partial)
    await moveInto(target, partial)
    await sync(dirname(target))
  } catch (cause) {
    await remove(partial).catch(() => {}) // The first error is the one worth telling.
    if (cause instanceof BeitError) throw cause
    throw new BeitError('ERR_IO', `cannot write ${target}: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Clears what killed or failed saves left in `parent`; a folder that had stepped aside for one that never
 * came is put back. Only the one process that may write there calls it.
 */
export async function removePartialFolders(parent: string): Promise<void> {
  for (const name of await fs.readdir(parent)) {
    const [, target, which] = PARTIAL.exec(name) ?? []
    if (target === undefined) continue
    const replaced = which === 'old' && (await exists(join(parent, target)))
    if (which === 'old' && !replaced) await fs.rename(join(parent, name), join(parent, target))
    else await remove(join(parent, name))
  }
}

/** rename() replaces an empty folder only, so an old one steps aside first. */
async function moveInto(target: string, partial: string): Promise<void> {
  const aside = partialPath(target, 'old')
  const replaces = await exists(target)
  if (replaces) await fs.rename(target, aside)
  try {
    await fs.rename(partial, target)
  } catch (error) {
    if (replaces) await fs.rename(aside, target)
    throw error
  }
  if (replaces) await remove(aside)
}

async function sync(path: string): Promise<void> {
  const file = await fs.open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const partialPath = (target: string, which: 'new' | 'old') =>
  join(dirname(target), `.${basename(target)}.${which}.partial`)
const exists = (path: string) =>
  fs.stat(path).then(
    () => true,
    () => false,
  )
const remove = (path: string) => fs.rm(path, { recursive: true, force: true })

/**
 * Removes a folder so that a removal cut short leaves none that looks whole.
 * @throws BeitError ERR_IO
 */
export async function removeFolderAtomically(path: string): Promise<void> {
  const partial = partialPath(path, 'new')
  try {
    await fs.rename(path, partial)
    await remove(partial)
  } catch (cause) {
    throw new BeitError('ERR_IO', `cannot remove ${path}: ${(cause as Error).message}`, { cause })
  }
}
