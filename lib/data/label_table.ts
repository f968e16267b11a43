/** Labels as they are written down: by name or by id, before anyone knows the ids of the names. */
import type { ImageSample } from './image_source.js'

/** A class: its name, or its id. */
export type LabelValue = string | number

/** The class of an image, its classes, or the weights of its classes by name. */
export type WrittenTarget = LabelValue | readonly LabelValue[] | Readonly<Record<string, number>>

/** An entry of a file before its value is known to be a label; `where` it stands is for messages. */
export type LabelEntry = readonly [key: unknown, value: unknown, where: string]

/** Where the written labels of a set come from. */
export interface LabelTable {
  /** For messages: the file or data set. */
  readonly name: string
  /** Every class that is named in it, in the order of ids that it implies; without the unnamed ids. */
  readonly names: readonly string[]
  /** Are `names` the ids 0, 1, ... as text, because the classes have no names? */
  readonly classesAreIds: boolean
  /** Is the text '3' the id 3, where no class has a name of digits? */
  readonly digitsAreIds: boolean
  /** Undefined: this image has no label. */
  get(index: number, sample: ImageSample): WrittenTarget | undefined
}
