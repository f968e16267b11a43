/** broken-images.txt: the images that a run left out because they could not be read. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../checkpoint/atomic_file.js'
import type { BrokenImage } from '../data/broken_images.js'

/** Name of the file in a run folder. */
export const BROKEN_IMAGES_FILE = 'broken-images.txt'

/**
 * Writes one image a line into the run folder: path, first byte in it, name and reason, with tabs between. What
 * stands in the file stays: a resumed run tells only of images that it met itself.
 * @returns the path, or null when there is nothing to tell
 * @throws BeitError ERR_IO
 */
export async function writeBrokenImages(
  output: string,
  broken: readonly BrokenImage[],
): Promise<string | null> {
  if (broken.length === 0) return null
  const path = join(output, BROKEN_IMAGES_FILE)
  const before = await readFile(path, 'utf8').catch(() => '')
  const lines = new Set(before.split('\n').filter((line) => line !== ''))
  for (const image of broken) lines.add(lineOf(image))
  await replaceFile(path, (temporary) => writeFile(temporary, [...lines, ''].join('\n'), { flush: true }))
  return path
}

/** A tab or line break inside a name or message would look like a boundary. */
const lineOf = ({ path, offset, key, message }: BrokenImage) =>
  [path, offset, key, message].map((part) => String(part).replace(/[\t\r\n]+/g, ' ')).join('\t')
