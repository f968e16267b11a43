/** The flag --model of commands that use a model as it is: a file, a run or checkpoint folder, or a preset. */
import { existsSync } from 'node:fs'
import { BeitError } from '../errors.js'
import { beitConfigSchema, beitPresets } from '../models/beit_config.js'
import type { BeitForImageClassification } from '../models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../models/beit_for_masked_image_modeling.js'
import { loadAnyBeit } from '../models/load_any_beit.js'
import { type OptionSchema, suggest } from '../options.js'
import type { Call } from './command.js'
import { findWeights } from './find_checkpoint.js'
import { omit, PICK_FLAG, pickValues, withoutDefaults } from './groups.js'
import { imageSizeFlag, imageSizeOf } from './image_size.js'
import { tell, tellLoaded } from './tell.js'

/** Parts of the configuration that a frozen model may need said: nothing of heads, nothing of training. */
const ARCHITECTURE = omit(beitConfigSchema, ['vocabSize', 'numClasses', 'imageSize', 'dropPath', 'pooling'])

/**
 * Is it a preset, and not a file or folder?
 * @throws BeitError ERR_INVALID_ARGUMENT when it is neither
 */
export function isPreset(name: string): boolean {
  if (beitPresets.includes(name)) return true
  if (existsSync(name)) return false
  const near = suggest(name, beitPresets)
  const hint = near.startsWith('; did') ? near : '; presets are called as beit_base_patch16_224'
  throw new BeitError(
    'ERR_INVALID_ARGUMENT',
    `--model ${name}: there is no such file or folder, and no such preset${hint}`,
  )
}

/** The model and what may have to be said of it. */
export const FROZEN_MODEL_FLAGS: OptionSchema = {
  model: {
    type: 'string',
    default: null,
    doc: 'A file of weights, a run or checkpoint folder, or a preset (beit_tiny_patch16_224): one with random weights',
  },
  pick: PICK_FLAG,
  imageSize: imageSizeFlag("the model's"),
  ...withoutDefaults(ARCHITECTURE, ({ doc }) => `${doc}; unset: as the file or preset has it`),
}

/**
 * The model that --model names, of either kind. What was found and done is told on standard error.
 * @param seed of the weights of a preset
 * @throws BeitError as loadAnyBeit, findWeights and create do
 */
export async function openFrozenModel(
  { values }: Call,
  seed = 0,
): Promise<BeitForMaskedImageModeling | BeitForImageClassification> {
  const name = values.model as string
  const parts = pickValues(
    values,
    Object.keys(FROZEN_MODEL_FLAGS).filter((flag) => flag !== 'model'),
  )
  const options = {
    ...parts,
    ...(values.imageSize != null && { imageSize: imageSizeOf(values) }),
    device: values.device as string | undefined,
  }
  if (isPreset(name)) {
    const { pick: _pick, ...config } = options as typeof options & { pick?: string }
    const model = await BeitForMaskedImageModeling.create(name, { ...config, vocabSize: 2, seed })
    tell(`${name} is a preset: its weights are random (seed ${seed})`)
    return model
  }
  const model = await loadAnyBeit(await findWeights(name), options)
  tellLoaded(model)
  return model
}
