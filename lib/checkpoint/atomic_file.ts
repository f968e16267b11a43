/**
 * Files that are there as a whole or not at all: written beside their place, synced, renamed, the folder
 * synced.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BeitError, invalidArgument } from '../errors.js'
import { makeFolder } from './make_folder.js'

/** @throws BeitError ERR_INVALID_ARGUMENT for what cannot be a path, where Node.js would throw an error of its own */
export function checkPath(path: unknown): void {
  if (typeof path !== 'string' || path === '') throw invalidArgument('path', 'the path of a file', path)
}

/**
 * Puts what `write` makes at `path`.
 *
 * @param write makes the file of the name it is given, which does not exist, and syncs it
 * @throws BeitError ERR_IO, and what `write` throws of its own; what was at `path` before is then still there.
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
    if (!isSystemError(cause)) throw cause
    throw new BeitError('ERR_IO', `cannot write ${path}: ${(cause as Error).message}`, { cause })
  }
}

const isSystemError = (error: unknown) => error instanceof Error && 'syscall' in error

/**
 * Puts what `write` writes into a new file at `path`, making its folder.
 *
 * @param name of the option that has the path, for messages
 * @throws BeitError ERR_IO, ERR_INVALID_ARGUMENT for what is there and is no file
 */
export async function streamFile(
  name: string,
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const there = await stat(path).catch(() => null)
  if (there !== null && !there.isFile()) throw invalidArgument(name, 'the path of a file', path)
  await replaceFile(path, async (temporary) => {
    await makeFolder(dirname(path))
    const file = await open(temporary, 'wx+')
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
  })
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
