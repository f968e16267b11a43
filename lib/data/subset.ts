/** A part of a data set, chosen by hand or at random with as many images of each class. */
import { createHash } from 'node:crypto'
import { native } from '../binding.js'
import { BeitError, invalidArgument } from '../errors.js'
import { grouped } from '../grouped.js'
import { type OptionSchema, validateOptions } from '../options.js'
import { countCooperatively } from './cooperative.js'
import type { ImageSource } from './image_source.js'
import { isLabelled, type LabelledImages } from './labels.js'

/**
 * The images `indices` of `source`, in this order; labels come along. An index may occur more than once.
 * @throws BeitError ERR_INVALID_ARGUMENT for what is no index of `source`, ERR_DATA for none at all
 * @example
 * const first = subset(training, [0, 1, 2, 3])
 * console.log(first.length, first.classes)
 */
export function subset<S extends ImageSource>(source: S, indices: readonly number[]): S & ImageSource {
  const chosen = Uint32Array.from(indices)
  const wrong = indices.findIndex((index) => !Number.isInteger(index) || index < 0 || index >= source.length)
  if (wrong >= 0) {
    throw invalidArgument(`indices[${wrong}]`, `an integer from 0 to ${source.length - 1}`, indices[wrong])
  }
  if (chosen.length === 0) throw new BeitError('ERR_DATA', `a subset of ${source.name} without an image`)
  const at = (index: number) => {
    const inSource = chosen[index]
    if (inSource !== undefined) return inSource
    throw invalidArgument('index', `an integer from 0 to ${chosen.length - 1}`, index)
  }
  const part: ImageSource = {
    name: `${grouped(chosen.length)} of the ${grouped(source.length)} images of ${source.name}`,
    length: chosen.length,
    classes: source.classes,
    classesAreIds: source.classesAreIds,
    emptyClasses: source.emptyClasses,
    fingerprint: createHash('sha256').update(source.fingerprint).update(chosen).digest('hex'),
    sample: (index) => source.sample(at(index)),
  }
  if (!isLabelled(source)) return part as S & ImageSource
  const { classes, targetKind } = source
  const labelledPart: LabelledImages = {
    ...part,
    classes,
    targetKind,
    targets: (index) => source.targets(at(index)),
  }
  return labelledPart as S & LabelledImages
}

/**
 * `perClass` images of each class, the same for the same `seed`, in the order of `images`. A class that has
 * no image at all stays without.
 * @throws BeitError ERR_DATA naming a class that has fewer, and for images of several classes
 * @example
 * const few = await balancedSubset(training, { perClass: 3 })
 */
export async function balancedSubset(
  images: LabelledImages,
  options: { perClass: number; seed?: number },
): Promise<LabelledImages> {
  const { perClass, seed } = validateOptions<{ perClass: number; seed: number }>(
    'balancedSubset',
    OPTIONS,
    options,
  )
  const chosen: number[] = []
  for (const [id, members] of (await membersOfClasses(images)).entries()) {
    if (members.length === 0) continue
    if (members.length < perClass) {
      const name = JSON.stringify(images.classes[id])
      throw new BeitError(
        'ERR_DATA',
        `${images.name} has ${members.length} images of the class ${name}, fewer than the ${perClass} asked for`,
      )
    }
    // The class stands in the place of the epoch: an order of its own for each.
    const order = await native().permutation(members.length, seed, id)
    for (const place of order.subarray(0, perClass)) chosen.push(members[place] as number)
  }
  return subset(
    images,
    chosen.sort((a, b) => a - b),
  )
}

const OPTIONS: OptionSchema = {
  perClass: { type: 'integer', min: 1, default: null, doc: 'Images of each class' },
  seed: { type: 'integer', min: 0, default: 0, doc: 'Of the choice' },
}

async function membersOfClasses(images: LabelledImages): Promise<number[][]> {
  if (images.targetKind !== 'class') {
    throw new BeitError(
      'ERR_DATA',
      `${images.name}: balancedSubset needs images of one class each, and these have ${images.targetKind}`,
    )
  }
  const members: number[][] = images.classes.map(() => [])
  await countCooperatively(images.length, (index) => {
    members[images.targets(index) as number]?.push(index)
  })
  return members
}
