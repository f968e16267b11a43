/** How the images of a set are spread over its classes: what a user should see before training on them. */
import { grouped } from '../grouped.js'
import { weightsOf } from './batch_targets.js'
import { countCooperatively } from './cooperative.js'
import type { LabelledImages } from './labels.js'

/** Images of each class; one of several classes counts for each of them. */
export interface ClassBalance {
  /** All of them. */
  images: number
  /** In the order of their ids. */
  classes: { name: string; images: number }[]
  /** Of the classes that have images: images of the largest over those of the smallest; 1 is balanced. */
  ratio: number
  /** Names of the classes without an image. */
  empty: string[]
}

/**
 * Counts the images of each class; timers and sockets are served while it counts.
 *
 * @example
 * const { ratio, empty } = await classBalance(training)
 * console.log(ratio, empty)
 */
export async function classBalance(images: LabelledImages): Promise<ClassBalance> {
  const counts = images.classes.map(() => 0)
  await countCooperatively(images.length, (index) => {
    for (const [id] of weightsOf(images.targets(index))) counts[id] = (counts[id] as number) + 1
  })
  const classes = images.classes.map((name, id) => ({ name, images: counts[id] as number }))
  const present = counts.filter((count) => count > 0)
  // Not Math.max(...): a set may have more classes than a call has room for.
  const largest = present.reduce((most, count) => Math.max(most, count), 0)
  const smallest = present.reduce((least, count) => Math.min(least, count), largest)
  return {
    images: images.length,
    classes,
    ratio: smallest === 0 ? 1 : largest / smallest,
    empty: classes.filter((each) => each.images === 0).map(({ name }) => name),
  }
}

/** Above this ratio a classifier that ignores its smallest classes loses little: the user is told. */
const UNBALANCED = 10
/** Images of a class below which no accuracy of it means much. */
const FEW = 5

/**
 * What in a balance a user should hear of, one sentence each; none where there is nothing.
 *
 * @example
 * for (const warning of balanceWarnings(await classBalance(training))) console.warn(warning)
 */
export function balanceWarnings({ classes, ratio, empty }: ClassBalance): string[] {
  const warnings: string[] = []
  if (empty.length > 0) {
    warnings.push(`${empty.length} of ${classes.length} classes have no image: ${some(empty)}`)
  }
  const present = classes.filter(({ images }) => images > 0).sort((a, b) => a.images - b.images)
  const [smallest, largest] = [present[0], present.at(-1)]
  if (smallest !== undefined && largest !== undefined && ratio >= UNBALANCED) {
    warnings.push(
      `the classes are unbalanced: ${grouped(largest.images)} images of ${largest.name}, ` +
        `${grouped(smallest.images)} of ${smallest.name}; look at the accuracy of each class, not at the mean alone`,
    )
  }
  const few = present.filter(({ images }) => images < FEW)
  if (few.length > 0) warnings.push(`fewer than ${FEW} images of ${some(few.map(({ name }) => name))}`)
  return warnings
}

const some = (names: readonly string[]) =>
  `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
