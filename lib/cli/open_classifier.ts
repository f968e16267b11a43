/** The flag --model of commands that use a trained classifier. */

import { printable } from '../log/printable.js'
import { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import type { OptionSchema } from '../options.js'
import { findWeights } from './find_checkpoint.js'
import { PICK_FLAG } from './groups.js'
import { imageSizeFlag, imageSizeOf } from './image_size.js'

export const CLASSIFIER_FLAGS = {
  model: {
    type: 'string',
    default: null,
    doc: 'A trained classifier: a file of weights, a checkpoint folder, or the output folder of a fine-tuning',
  },
  pick: PICK_FLAG,
  imageSize: imageSizeFlag("the model's; another one adapts its positions"),
} as const satisfies OptionSchema

/**
 * The classifier that --model names. What was assumed and adapted is told on standard error.
 * @throws BeitError as findWeights and BeitForImageClassification.load do
 */
export async function openClassifier(
  values: Readonly<Record<string, unknown>>,
): Promise<BeitForImageClassification> {
  const model = await BeitForImageClassification.load(await findWeights(values.model as string), {
    pick: values.pick as string | undefined,
    device: values.device as string | undefined,
    ...(values.imageSize != null && { imageSize: imageSizeOf(values) }),
  })
  for (const line of model.loadReport?.lines ?? []) process.stderr.write(`${printable(line, Infinity)}\n`)
  return model
}
