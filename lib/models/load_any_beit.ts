/** A BEiT of whichever kind a file holds: for what needs its blocks and not its head. */

import { expectModel } from '../checkpoint/naming/expect_model.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { BeitForImageClassification } from './beit_for_image_classification.js'
import { BeitForMaskedImageModeling, type PretrainedOptions } from './beit_for_masked_image_modeling.js'
import { imageSizePair } from './image_size.js'
import type { BeitLoadOptions } from './load_beit.js'
import { BEITS } from './load_beit.js'

/**
 * The model of a file as the class it was saved from: see the `load` of either. A file without a head gives a
 * BeitForMaskedImageModeling whose head is new, of two tokens.
 * @throws BeitError as `load` does
 * @example
 * const model = await loadAnyBeit('beit.safetensors')
 * const [middle] = await model.features(pixels, { blocks: [1] })
 */
export async function loadAnyBeit(
  path: string,
  options: BeitLoadOptions & PretrainedOptions = {},
): Promise<BeitForMaskedImageModeling | BeitForImageClassification> {
  const { pick, imageSize, heads, normEps } = options
  const known = { heads, normEps, ...(imageSize !== undefined && { modelSize: imageSizePair(imageSize) }) }
  const { identity } = await expectModel(await openCheckpoint(path, { pick }), BEITS, known)
  if (identity.model === 'beit_for_image_classification')
    return BeitForImageClassification.load(path, options)
  const head = identity.model === 'beit' ? { vocabSize: 2 } : {}
  return BeitForMaskedImageModeling.load(path, { ...head, ...options })
}
