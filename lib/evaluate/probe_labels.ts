/** The classes of the images of a probe, checked before anything is computed. */
import type { ImageSource } from '../data/image_source.js'
import { BeitError } from '../errors.js'
import type { ProbeSettings } from './probe_options.js'

export interface ProbeLabels {
  classes: readonly string[]
  /** The class of each image of either set. */
  training: readonly number[]
  validation: readonly number[]
}

/**
 * @throws BeitError ERR_DATA when an image has no label, there is but one class, or the sets have different
 * classes
 */
export function checkLabels({ data, validation }: ProbeSettings): ProbeLabels {
  const classes = data.classes ?? []
  const result = { classes, training: targetsOf(data), validation: targetsOf(validation) }
  const other = validation.classes ?? []
  if (other.length !== classes.length || other.some((name, i) => name !== classes[i])) {
    throw new BeitError(
      'ERR_DATA',
      `${data.name} and ${validation.name} have different classes: ${classes.length} (${some(classes)}) and ` +
        `${other.length} (${some(other)})`,
    )
  }
  if (new Set(result.training).size < 2) {
    throw new BeitError('ERR_DATA', `all images of ${data.name} are of one class: a probe needs at least two`)
  }
  return result
}

function targetsOf(source: ImageSource): number[] {
  return Array.from({ length: source.length }, (_, index) => {
    const { label, key } = source.sample(index)
    if (label === null) throw new BeitError('ERR_DATA', `${key} in ${source.name} has no label`)
    return label
  })
}

const some = (names: readonly string[]) => `${names.slice(0, 4).join(', ')}${names.length > 4 ? ', ...' : ''}`
