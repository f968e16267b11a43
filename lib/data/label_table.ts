/** Labels as they are written down: by name or by id, before anyone knows the ids of the names. */
import type { ImageSample } from './image_source.js'

/** A class: its name, or its id. */
export type LabelValue = string | number

/** The class of an image, its classes, or the weights of its classes by name. */
export type WrittenTarget = LabelValue | readonly LabelValue[] | Readonly<Record<string, number>>

/** Where the written labels of a set come from. */
export interface LabelTable {
  /** For messages: the file or data set. */
  readonly name: string
  /** Every class that is named in it, in the order of ids that it implies; without the unnamed ids. */
  readonly names: readonly string[]
  /** Is '3' the id 3, where no class has that name? */
  readonly digitsAreIds: boolean
  /** Undefined: this image has no label. */
  get(index: number, sample: ImageSample): WrittenTarget | undefined
}
