/**
 * Images with the classes they belong to: what fine-tuning, evaluation and probes take. Every label is looked
 * at once, before anything starts.
 */
import { createHash } from 'node:crypto'
import { type InspectOptionsStylized, inspect } from 'node:util'
import { BeitError, invalidArgument } from '../errors.js'
import { described } from '../inspection.js'
import { countCooperatively } from './cooperative.js'
import type { ImageSample, ImageSource } from './image_source.js'
import { readLabels } from './label_file.js'
import type { LabelTable, WrittenTarget } from './label_table.js'
import { type CollectedTargets, checkTargets, collectTargets } from './resolve_labels.js'

/**
 * What an image belongs to: the id of its one class, the ids of the classes it has (multi-label; may be
 * none), or the weight of each class that has one (soft targets). An id is an index into `classes`.
 */
export type Target = number | readonly number[] | ReadonlyMap<number, number>

/** Which of the three all targets of a set are. */
export type TargetKind = 'class' | 'classes' | 'weights'

/** An image source of which every image has a target. */
export interface LabelledImages extends ImageSource {
  /** Names of the classes; a class may be without an image. */
  readonly classes: readonly string[]
  /** Which of the three kinds all targets are. */
  readonly targetKind: TargetKind
  /** Target of image `index`, 0 <= index < length. */
  targets(index: number): Target
}

/** Labels given as data: key of an image to its class, its classes, or the weights of its classes. */
export type LabelRecord = Readonly<Record<string, WrittenTarget>>

/** Where labels come from, and whose classes they are. */
export interface LabelOptions {
  /**
   * Where labels come from instead of the source: a file (docs/finetuning.md has the formats), or the labels themselves.
   * Keys are those of `source.sample(i).key`, with or without the extension.
   */
  labels?: string | LabelRecord | null
  /**
   * Names of the classes in the order of their ids, as a model or another set has them; labels are brought to
   * these by name. Default: those of the source, or the names that occur, sorted.
   */
  classes?: readonly string[] | null
}

/**
 * Has every image of it a target?
 *
 * @example
 * const targets = isLabelled(training) ? training.targets(0) : null
 */
export const isLabelled = (source: ImageSource): source is LabelledImages =>
  typeof (source as Partial<LabelledImages>).targets === 'function'

/**
 * `source` with a target for every image: from its own classes (folder names, .cls members), or from a labels
 * file. A source that has targets already is given back when nothing else is asked for, after a look at each.
 *
 * @throws BeitError ERR_DATA naming the image or file: an image without a label, a class that is not among
 * `classes`, an id out of range, a class folder without images, a single class, a labels file that cannot be
 * read; ERR_INVALID_ARGUMENT for options of another type.
 * @example
 * const training = await labelled(await openImages('photos/train'))
 * const validation = await labelled(await openImages('photos/val'), { classes: training.classes })
 */
export async function labelled(source: ImageSource, options: LabelOptions = {}): Promise<LabelledImages> {
  const { labels = null, classes = null } = options
  checkClassNames('classes', classes)
  if (labels === null && isLabelled(source)) {
    if (!(source instanceof Labelled)) await checkTargets(source)
    if (classes === null) return source
  }
  if (labels === null) refuseEmptyFolders(source)
  const table = labels === null ? ownLabels(source) : await readLabels(labels)
  const names = classes ?? table.names
  const areIds = classes === null && table.classesAreIds
  const collected = await collectTargets(source, table, names)
  if (classes === null) refuseSingleClass(table, labels !== null, collected)
  const fingerprint = await fingerprintOf(source, names, collected.targets)
  return new Labelled(source, names, areIds, collected.kind, collected.targets, fingerprint)
}

/** Ids in a labels file make names for all below them, which need not have an image. */
function refuseSingleClass(
  { name, names: written }: LabelTable,
  isFile: boolean,
  { kind, targets }: CollectedTargets,
): void {
  const [first] = targets instanceof Int32Array ? targets : [0]
  const isSingle =
    kind === 'class' && isFile
      ? Array.prototype.every.call(targets, (id) => id === first)
      : written.length < 2
  if (kind === 'classes' || !isSingle) return
  throw new BeitError(
    'ERR_DATA',
    `${name} has the single class ${JSON.stringify(written[first as number])}: a classifier needs two or more; ` +
      'put the images of each class into a folder of its own',
  )
}

class Labelled implements LabelledImages {
  readonly name: string
  readonly length: number

  constructor(
    private readonly source: ImageSource,
    readonly classes: readonly string[],
    readonly classesAreIds: boolean,
    readonly targetKind: TargetKind,
    private readonly all: ArrayLike<Target>,
    readonly fingerprint: string,
  ) {
    this.name = source.name
    this.length = source.length
  }

  sample(index: number): ImageSample {
    const sample = this.source.sample(index)
    const target = this.all[index] as Target
    return { ...sample, label: typeof target === 'number' ? target : null }
  }

  targets(index: number): Target {
    const target = this.all[index]
    if (target === undefined) throw invalidArgument('index', `an integer from 0 to ${this.length - 1}`, index)
    return target
  }

  /** What it is, without the list of its targets. */
  [inspect.custom](depth: number | null, options: InspectOptionsStylized): string {
    const { name, length, targetKind, classes } = this
    return described('LabelledImages', { name, length, targetKind, classes }, depth, options)
  }
}

/** Of the listing, the class names and every target. */
async function fingerprintOf(
  source: ImageSource,
  classes: readonly string[],
  targets: ArrayLike<Target>,
): Promise<string> {
  const hash = createHash('sha256').update(`${source.fingerprint}\0${JSON.stringify(classes)}\0`)
  if (targets instanceof Int32Array) hash.update(targets)
  else {
    await countCooperatively(targets.length, (index) => {
      hash.update(`${JSON.stringify(plain(targets[index] as Target))}\0`)
    })
  }
  return hash.digest('hex')
}

const plain = (target: Target) => (target instanceof Map ? [...target] : target)

/** What the source itself says of each image. */
function ownLabels(source: ImageSource): LabelTable {
  const { classes, name } = source
  if (classes === null) {
    const { key } = source.sample(0)
    throw new BeitError(
      'ERR_DATA',
      `${name} has no labels (first image: ${key}): put the images of each class into a folder of its own, ` +
        'beside no others, or give a labels file',
    )
  }
  const areIds = source.classesAreIds ?? false
  const nameOf = (key: string, id: number) => {
    const known = classes[id]
    if (known !== undefined) return known
    const range = `an integer from 0 to ${classes.length - 1} (${classes.length} classes)`
    throw new BeitError('ERR_DATA', `${name}: the image ${key} has the label ${id}, expected ${range}`)
  }
  return {
    name,
    names: classes,
    classesAreIds: areIds,
    digitsAreIds: areIds,
    get: (index, { key, label }) => {
      if (isLabelled(source)) return inNames(source.targets(index), (id) => nameOf(key, id))
      return label === null ? undefined : nameOf(key, label)
    },
  }
}

function inNames(target: Target, nameOf: (id: number) => string) {
  if (typeof target === 'number') return nameOf(target)
  if (target instanceof Map)
    return Object.fromEntries([...target].map(([id, weight]) => [nameOf(id), weight]))
  return (target as readonly number[]).map(nameOf)
}

/** Folders of the first level that hold no image, where folders are the classes. */
function refuseEmptyFolders(source: ImageSource): void {
  const { emptyClasses = [] } = source
  if (emptyClasses.length === 0) return
  const list = emptyClasses.slice(0, 5).map((folder) => JSON.stringify(folder))
  const more = emptyClasses.length > 5 ? ` and ${emptyClasses.length - 5} more` : ''
  throw new BeitError(
    'ERR_DATA',
    `${source.name}: no image in the class ${list.length === 1 ? 'folder' : 'folders'} ` +
      `${list.join(', ')}${more}; add images, or remove what is no class`,
  )
}

/** @throws BeitError ERR_INVALID_ARGUMENT unless they are null, or different names that are not empty */
export function checkClassNames(name: string, classes: readonly string[] | null): void {
  if (classes === null) return
  const right =
    Array.isArray(classes) &&
    classes.length > 0 &&
    classes.every((each) => typeof each === 'string' && each !== '')
  if (!right) throw invalidArgument(name, 'an array of names, or null', classes)
  const seen = new Set<string>()
  for (const each of classes) {
    if (seen.has(each)) throw invalidArgument(name, 'an array of different names', `${each}, twice`)
    seen.add(each)
  }
}
