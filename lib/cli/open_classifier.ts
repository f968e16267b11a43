/** The flag --model of commands that use a trained classifier. */

import { expectModel } from '../checkpoint/naming/expect_model.js'
import { modelInWords } from '../checkpoint/naming/report.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { BeitError } from '../errors.js'
import { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import { BEITS } from '../models/load_beit.js'
import type { OptionSchema } from '../options.js'
import { findWeights } from './find_checkpoint.js'
import { PICK_FLAG } from './groups.js'
import { imageSizeFlag, imageSizeOf } from './image_size.js'
import { tellLoaded } from './tell.js'

export const CLASSIFIER_FLAGS = {
  model: {
    type: 'string',
    default: null,
    placeholder: 'PATH',
    doc: 'A trained classifier: a file of weights, a checkpoint folder, or the output folder of a fine-tuning',
  },
  pick: PICK_FLAG,
  imageSize: imageSizeFlag("the model's; another one adapts its positions"),
} as const satisfies OptionSchema

/**
 * The classifier that --model names. What was assumed and adapted is told on standard error.
 * @throws BeitError as findWeights and BeitForImageClassification.load do, ERR_CHECKPOINT_MISMATCH for a
 * pre-trained model
 */
export async function openClassifier(
  values: Readonly<Record<string, unknown>>,
): Promise<BeitForImageClassification> {
  const path = await findWeights(values.model as string)
  const pick = (values.pick as string | null | undefined) ?? undefined
  await expectClassifier(path, pick, imageSizeOf(values))
  const model = await BeitForImageClassification.load(path, {
    pick,
    device: values.device as string | undefined,
    ...(values.imageSize != null && { imageSize: imageSizeOf(values) }),
  })
  tellLoaded(model)
  return model
}

/** The loader would offer to begin a classifier, which has learned nothing yet. */
async function expectClassifier(path: string, pick?: string, modelSize?: readonly [number, number]) {
  const known = modelSize && { modelSize }
  const { identity } = await expectModel(await openCheckpoint(path, { pick }), BEITS, known)
  if (identity.model === 'beit_for_image_classification') return
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `--model ${path} holds a ${modelInWords(identity)}, expected a trained beit_for_image_classification: ` +
      'beit finetune makes one of it',
  )
}
