/** Whether labels, model and loss of fine-tuning fit, before anything starts. */
import { checkDistributions } from '../data/check_distributions.js'
import type { LabelledImages } from '../data/labels.js'
import { BeitError } from '../errors.js'
import type { FinetuneSettings } from './finetune_options.js'

/**
 * @throws BeitError ERR_SHAPE_MISMATCH when the model has another number of classes than the data,
 * ERR_DATA when it knows its classes by other names, or for weights that cross-entropy cannot take,
 * ERR_INVALID_ARGUMENT when the loss is not one for such labels
 */
export async function checkClasses(
  { model, loss }: Pick<FinetuneSettings, 'model' | 'loss'>,
  data: LabelledImages,
  validation: LabelledImages | null,
): Promise<void> {
  const { numClasses } = model.config
  const { classes } = data
  if (numClasses !== classes.length) {
    throw new BeitError(
      'ERR_SHAPE_MISMATCH',
      `the model has ${numClasses} classes, but ${data.name} has ${classes.length} (${some(classes)}): ` +
        `create or load the model with numClasses: ${classes.length}`,
    )
  }
  const { labels } = model
  const differing = labels === null ? -1 : labels.findIndex((label, id) => label !== classes[id])
  if (differing >= 0) {
    throw new BeitError(
      'ERR_DATA',
      `class ${differing} is '${labels?.[differing]}' of the model and '${classes[differing]}' of ${data.name}: ` +
        'load the model with labels: data.classes, which takes the rows of these names and begins the others anew',
    )
  }
  for (const source of validation === null ? [data] : [data, validation]) {
    if (source.targetKind === 'classes' && loss === 'cross-entropy') {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        `loss 'cross-entropy' takes one class an image, and images of ${source.name} have several or none: ` +
          "give loss 'binary-cross-entropy'",
      )
    }
    if (loss === 'cross-entropy') await checkDistributions(source)
  }
}

const some = (names: readonly string[]) => `${names.slice(0, 6).join(', ')}${names.length > 6 ? ', ...' : ''}`
