/**
 * Opens what a command line names: a folder of images, or tar shards.
 */
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BeitError, invalidArgument } from '../errors.js'
import { ImageFolder } from './image_folder.js'
import { type ImageSource, isImageName } from './image_source.js'
import { isPattern } from './shard_names.js'
import { WebDataset } from './web_dataset.js'

/**
 * A {@link WebDataset} for a .tar file, a pattern or a folder of .tar files; an {@link ImageFolder} for any
 * other folder.
 * @throws BeitError ERR_DATA for what is missing or empty, and for a folder that holds both shards and images
 * or folders
 * @example
 * const data = await openImages('shards/train-*.tar')
 */
export async function openImages(path: string): Promise<ImageSource> {
  if (typeof path !== 'string' || path === '') throw invalidArgument('path', 'a folder or .tar shards', path)
  const info = await stat(path).catch(() => null)
  if (info === null)
    return isPattern(path) || path.endsWith('.tar') ? WebDataset.open(path) : ImageFolder.open(path)
  if (!info.isDirectory()) return WebDataset.open(path)

  const { shards, others } = await lookInto(path)
  if (!shards) return ImageFolder.open(path)
  if (others) {
    throw new BeitError(
      'ERR_DATA',
      `${path} holds .tar shards beside images or folders; ` +
        `name the shards (${join(path, '*.tar')}) or one folder`,
    )
  }
  return WebDataset.open(path)
}

/** Whether there are .tar files directly in a folder, and whether there are images or folders. */
async function lookInto(folder: string): Promise<{ shards: boolean; others: boolean }> {
  const seen = { shards: false, others: false }
  try {
    for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory() || isImageName(entry.name)) seen.others = true
      else if (entry.name.endsWith('.tar')) seen.shards = true
    }
  } catch (cause) {
    throw new BeitError('ERR_DATA', `cannot read the folder ${folder}: ${(cause as Error).message}`, {
      cause,
    })
  }
  return seen
}
