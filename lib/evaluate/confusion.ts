/** Counts of true and predicted classes, and what they say. */
import { BeitError, invalidArgument } from '../errors.js'

/** confusion[i][j]: images of class i that were taken for class j; (C, C). */
export type Confusion = readonly (readonly number[])[]

/** Images of one class that were taken for another. */
export interface Mistake {
  actual: string
  predicted: string
  count: number
  /** Of the images of `actual`. */
  share: number
}

/** The mistakes of a matrix, most images first, then the larger share, then the order of classes. */
export function mistakes(confusion: Confusion, classes: readonly string[]): Mistake[] {
  checkConfusion(confusion, classes)
  return confusion
    .flatMap((row, i) => {
      const total = sum(row)
      return row.flatMap((count, j): Mistake[] =>
        i === j || count === 0
          ? []
          : [{ actual: name(classes, i), predicted: name(classes, j), count, share: count / total }],
      )
    })
    .sort((a, b) => b.count - a.count || b.share - a.share)
}

const name = (classes: readonly string[], id: number) => classes[id] as string

/** Share of each class's images that were taken for it (recall); null for a class without images. */
export const recalls = (confusion: Confusion): (number | null)[] =>
  confusion.map((row, id) => (sum(row) === 0 ? null : (row[id] as number) / sum(row)))

/** Images, and the share of them on the diagonal; 0 of none. */
export function confusionAccuracy(confusion: Confusion): { images: number; accuracy: number } {
  const images = sum(confusion.map(sum))
  const right = sum(confusion.map((row, id) => row[id] as number))
  return { images, accuracy: images === 0 ? 0 : right / images }
}

export const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + value, 0)

/** @throws BeitError ERR_SHAPE_MISMATCH unless it is (C, C), ERR_INVALID_ARGUMENT for what is no count */
export function checkConfusion(confusion: Confusion, classes: readonly string[]): void {
  const isSquare =
    Array.isArray(confusion) &&
    confusion.length === classes.length &&
    confusion.every((row) => row.length === classes.length)
  if (!isSquare) {
    const rows = `${confusion.length} rows of ${confusion[0]?.length ?? 0}`
    throw new BeitError(
      'ERR_SHAPE_MISMATCH',
      `confusion must have a row and a column for each of the ${classes.length} classes, got ${rows}`,
    )
  }
  for (const row of confusion) {
    const wrong = row.find((count: number) => !(Number.isInteger(count) && count >= 0))
    if (wrong !== undefined) throw invalidArgument('confusion', 'counts of images', wrong)
  }
}
