/**
 * The walk below a folder that finds its image files, many directories at a time and off the event loop.
 */
import type { Dirent } from 'node:fs'
import { opendir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { BeitError } from '../errors.js'
import { isImageName } from './image_source.js'

/** What a walk found. */
export interface ImageListing {
  /** Paths relative to the folder, '/' between parts, in no particular order. */
  images: string[]
  /** Files that are not images by their name. */
  otherFiles: number
  /** Folders of the first level, whether or not there is an image in them. */
  folders: string[]
}

/** Directories read at the same time: enough to hide the latency of a network file system. */
const CONCURRENCY = 8
/** Entries the system hands over at once; between two such portions the event loop turns. */
const ENTRIES_AT_ONCE = 1024

interface Directory {
  /** Relative to the root, '' or ending in '/'. */
  prefix: string
  /** Without symbolic links: tells a link that leads back to where it came from. */
  real: string
  /** Real paths of the folders from which links on the way down led elsewhere. */
  left: readonly string[]
}

/**
 * Finds all image files below `root`. Names that start with a dot are passed over (version control,
 * thumbnails, the `._` companions of macOS). A symbolic link that leads to a folder that the way to it goes
 * through, or to one above such a folder, is not followed.
 * @throws BeitError ERR_DATA when a folder cannot be read
 */
export async function listImages(root: string, followLinks: boolean): Promise<ImageListing> {
  const listing: ImageListing = { images: [], otherFiles: 0, folders: [] }
  const waiting: Directory[] = [{ prefix: '', real: await realpath(root), left: [] }]
  let active = 0
  await new Promise<void>((resolve, reject) => {
    const startMore = () => {
      if (waiting.length === 0 && active === 0) return resolve()
      for (let next = freeSlot(); next !== undefined; next = freeSlot()) {
        active++
        readDirectory(root, next, followLinks, listing, waiting).then(() => {
          active--
          startMore()
        }, reject)
      }
    }
    const freeSlot = () => (active < CONCURRENCY ? waiting.pop() : undefined)
    startMore()
  })
  return listing
}

async function readDirectory(
  root: string,
  directory: Directory,
  followLinks: boolean,
  listing: ImageListing,
  waiting: Directory[],
): Promise<void> {
  const path = join(root, directory.prefix)
  try {
    for await (const entry of await opendir(path, { bufferSize: ENTRIES_AT_ONCE })) {
      if (entry.name.startsWith('.')) continue
      const kind = await kindOf(entry, path, directory, followLinks)
      if (kind === 'image') listing.images.push(directory.prefix + entry.name)
      else if (kind === 'other') listing.otherFiles++
      else {
        if (directory.prefix === '') listing.folders.push(entry.name)
        waiting.push({ prefix: `${directory.prefix}${entry.name}/`, ...kind })
      }
    }
  } catch (cause) {
    throw new BeitError('ERR_DATA', `cannot read the folder ${path}: ${(cause as Error).message}`, { cause })
  }
}

async function kindOf(
  entry: Dirent,
  path: string,
  directory: Directory,
  followLinks: boolean,
): Promise<'image' | 'other' | Pick<Directory, 'real' | 'left'>> {
  const isImage = isImageName(entry.name)
  if (entry.isFile()) return isImage ? 'image' : 'other'
  if (entry.isDirectory()) return { real: join(directory.real, entry.name), left: directory.left }
  if (!entry.isSymbolicLink() || !followLinks) return 'other'
  const link = join(path, entry.name)
  const target = await stat(link).catch(() => null)
  // A link to nothing stays in the list: as a broken image it is counted and named, not lost.
  if (target === null || target.isFile()) return isImage ? 'image' : 'other'
  if (!target.isDirectory()) return 'other'
  const real = await realpath(link)
  const way = [...directory.left, directory.real]
  return way.some((folder) => isWithin(folder, real)) ? 'other' : { real, left: way }
}

/** Whether `path` is `folder` or below it. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
