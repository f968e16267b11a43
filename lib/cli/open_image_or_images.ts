/** The flag --data where a single image will do. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type ImageSource, isImageName } from '../data/image_source.js'
import { openImages } from '../data/open_images.js'

/** What `openImages` opens, or a single image. */
export async function openImageOrImages(path: string): Promise<ImageSource> {
  const isFile = (await stat(path).catch(() => null))?.isFile() ?? false
  if (!isFile || !isImageName(path)) return openImages(path)
  const sample = { path, offset: 0, length: -1, key: basename(path), label: null }
  return { name: path, length: 1, classes: null, fingerprint: path, sample: () => sample }
}
