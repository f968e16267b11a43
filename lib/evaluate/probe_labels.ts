/** The classes of the images of a probe, checked before anything is computed. */
import { type LabelledImages, labelled } from '../data/labels.js'
import { BeitError } from '../errors.js'
import type { ProbeSettings } from './probe_options.js'

export interface ProbeLabels {
  classes: readonly string[]
  /** The class of each image of either set. */
  training: readonly number[]
  validation: readonly number[]
}

/**
 * @throws BeitError ERR_DATA when an image has no label or several, the images to learn from are all of one class,
 * or the others have a class that these lack
 */
export async function probeLabels({ data, validation }: ProbeSettings): Promise<ProbeLabels> {
  const learned = await labelled(data)
  const { classes } = learned
  const training = classIds(learned)
  if (new Set(training).size < 2) {
    throw new BeitError('ERR_DATA', `all images of ${data.name} are of one class: a probe needs at least two`)
  }
  return { classes, training, validation: classIds(await labelled(validation, { classes })) }
}

function classIds(images: LabelledImages): number[] {
  if (images.targetKind !== 'class') {
    throw new BeitError(
      'ERR_DATA',
      `${images.name}: a probe needs images of one class each, and these have ${images.targetKind}`,
    )
  }
  return Array.from({ length: images.length }, (_, index) => images.targets(index) as number)
}
