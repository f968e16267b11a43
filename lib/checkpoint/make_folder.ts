/** Folders for what is written. */
import fs from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it; one that is there is left as it is. Node's own `recursive` tries for ever where a
 * file system answers, as /proc does, that the parent of a new folder is not there although it is.
 * @throws the error of the system
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await fs.mkdir(path)
  } catch (error) {
    if (await isFolder(path)) return
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path || (await isFolder(parent)))
      throw error
    await makeFolder(parent)
    await fs.mkdir(path).catch(async (again) => {
      if (!(await isFolder(path))) throw again
    })
  }
}

const isFolder = (path: string) =>
  fs.stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
