/**
 * Images as files in a folder: one folder a class, or flat, or any depth of both.
 */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type InspectOptionsStylized, inspect } from 'node:util'
import { BeitError, invalidArgument } from '../errors.js'
import { described } from '../inspection.js'
import { validateOptions } from '../options.js'
import { forEachCooperatively, sortCooperatively } from './cooperative.js'
import { IMAGE_EXTENSIONS, type ImageSample, type ImageSource } from './image_source.js'
import { listImages } from './list_images.js'

/** What counts as an image below a folder. */
export interface ImageFolderOptions {
  /** Follow symbolic links to files and folders. Default true, as torchvision does. */
  followLinks?: boolean
}

/**
 * The image files below a folder, sorted by their path in code units (so the order is the same everywhere).
 * When every image lies in a folder of the first level, those folders are the classes; otherwise there are
 * none.
 * @example
 * const data = await ImageFolder.open('photos/train')
 * console.log(data.length, data.classes, data.sample(0).path)
 */
export class ImageFolder implements ImageSource {
  /** The folder, as it was given. */
  readonly name: string
  /** Names of the folders of the first level, sorted; null: they are no classes. */
  readonly classes: readonly string[] | null
  /** Folders of the first level without an image, where the others are classes. */
  readonly emptyClasses: readonly string[]
  /** Digest of the paths below the folder. A resumed run compares it. */
  readonly fingerprint: string
  readonly #root: string
  /** Relative to the root, '/' between parts. */
  readonly #paths: readonly string[]

  private constructor(
    name: string,
    paths: readonly string[],
    classes: readonly string[] | null,
    emptyClasses: readonly string[],
    fingerprint: string,
  ) {
    this.name = name
    this.classes = classes
    this.emptyClasses = emptyClasses
    this.fingerprint = fingerprint
    this.#root = resolve(name)
    this.#paths = paths
  }

  /**
   * Lists the images below `folder`. Extensions jpg, jpeg, png, ppm, pgm, bmp, tif, tiff, webp, gif and avif
   * count, in upper or lower case; names that start with a dot do not.
   * @throws BeitError ERR_DATA when the folder is missing, cannot be read, or holds no image
   * @example
   * const data = await ImageFolder.open('photos/')
   * console.log(data.length, data.classes)
   */
  static async open(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    if (typeof folder !== 'string' || folder === '')
      throw invalidArgument('folder', 'the path of a folder', folder)
    const { followLinks } = validateOptions<Required<ImageFolderOptions>>(
      'ImageFolder.open',
      OPTIONS,
      options,
    )
    await requireFolder(folder)
    const { images, otherFiles, folders } = await listImages(folder, followLinks)
    if (images.length === 0) throw noImages(folder, otherFiles)

    const paths = await sortCooperatively(images)
    const hash = createHash('sha256')
    const classes = new Set<string>()
    let allInClasses = true
    await forEachCooperatively(paths, (path) => {
      hash.update(path).update('\0')
      const name = classOf(path)
      if (name === null) allInClasses = false
      else classes.add(name)
    })
    const names = allInClasses ? [...classes].sort() : null
    const empty = names === null ? [] : folders.filter((each) => !classes.has(each)).sort()
    return new ImageFolder(folder, paths, names, empty, hash.digest('hex'))
  }

  /** Number of images. */
  get length(): number {
    return this.#paths.length
  }

  /**
   * Where image `index` lies, 0 <= index < length.
   * @throws BeitError ERR_INVALID_ARGUMENT for another index
   */
  sample(index: number): ImageSample {
    const key = this.#paths[index]
    if (key === undefined) throw invalidArgument('index', `an integer from 0 to ${this.length - 1}`, index)
    const label = this.classes === null ? null : searchSorted(this.classes, classOf(key) as string)
    return { path: join(this.#root, key), offset: 0, length: -1, key, label }
  }

  /** What it is, without the list of its images. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    return described(
      'ImageFolder',
      { name: this.name, length: this.length, classes: this.classes },
      depth,
      options,
    )
  }
}

const OPTIONS = {
  followLinks: { type: 'boolean', default: true, doc: 'follow symbolic links' },
} as const

/** The folder of the first level; null: directly in the root. */
function classOf(path: string): string | null {
  const slash = path.indexOf('/')
  return slash < 0 ? null : path.slice(0, slash)
}

function searchSorted(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((names[middle] as string) < name) low = middle + 1
    else high = middle
  }
  return low
}

async function requireFolder(folder: string): Promise<void> {
  const info = await stat(folder).catch((cause: NodeJS.ErrnoException) => {
    const message =
      cause.code === 'ENOENT' ? `there is no folder ${folder}` : `cannot read ${folder}: ${cause.message}`
    throw new BeitError('ERR_DATA', message, { cause })
  })
  if (!info.isDirectory()) {
    throw new BeitError(
      'ERR_DATA',
      `${folder} is a file, expected a folder of images; WebDataset reads .tar files`,
    )
  }
}

function noImages(folder: string, otherFiles: number): BeitError {
  const seen = otherFiles === 0 ? 'no file at all' : `${otherFiles} other file${otherFiles === 1 ? '' : 's'}`
  const extensions = [...IMAGE_EXTENSIONS].join(', ')
  return new BeitError(
    'ERR_DATA',
    `no images below ${folder} (found ${seen}); extensions read: ${extensions}`,
  )
}
