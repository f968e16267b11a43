/** The options of pictures that show some images of a source. */
import { isImageSource } from '../data/image_source.js'
import type { OptionSchema, OptionSpec } from '../options.js'

/** How many, and which. @param what is counted, for the help */
export function imageChoiceSchema(what: string, count: number): OptionSchema {
  return {
    count: { type: 'integer', min: 1, max: 256, default: count, doc: `Number of ${what}` },
    seed: { type: 'integer', min: 0, default: 0, doc: `Chooses the ${what}` },
  }
}

/** An option that takes images. */
export const imagesOption = (doc: string, optional = false): OptionSpec => ({
  type: 'object',
  check: isImageSource,
  expected: 'an image source, as ImageFolder.open() gives',
  optional,
  doc,
})
