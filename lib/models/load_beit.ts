/** A BEiT from a file: of this library, the original, timm or transformers. */
import type { CheckpointFile } from '../checkpoint/checkpoint_file.js'
import { type Description, describeCheckpoint } from '../checkpoint/naming/describe.js'
import { readState } from '../checkpoint/naming/read_state.js'
import { loadReport, modelInWords } from '../checkpoint/naming/report.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { scope } from '../dispose.js'
import { BeitError } from '../errors.js'
import { type BeitConfig, type BeitConfigInput, resolveBeitConfig } from './beit_config.js'
import type { BeitModel } from './beit_model.js'
import { imageSizePair } from './image_size.js'
import { makeWithState } from './module_file.js'
import type { LoadOptions } from './module_options.js'

/** Options of a BEiT's `load`. */
export interface BeitLoadOptions extends LoadOptions, BeitConfigInput {}

/**
 * Opens the checkpoint, finds out what it is, and makes the model with its weights.
 *
 * @param given parts of the configuration: they say what the file does not tell, and go before what it does
 * @param make an empty model of a configuration
 * @throws BeitError ERR_FORMAT when the file holds no BEiT, ERR_CHECKPOINT_MISMATCH when it holds another
 * model, ERR_INVALID_ARGUMENT when only the caller can say a part of the configuration, ERR_IO
 */
export async function loadBeit<M extends BeitModel>(
  path: string,
  kind: 'beit_for_masked_image_modeling' | 'beit_for_image_classification',
  given: BeitConfigInput,
  make: (config: BeitConfig) => Promise<M>,
): Promise<M> {
  return scope(async () => {
    const file = await openCheckpoint(path)
    const description = await describeBeit(file, kind, given)
    const config = resolveBeitConfig({ ...description.architecture, ...defined(given) })
    const state = await readState(file, description.identity.recipe)
    const model = await makeWithState(() => make(config), state)
    model.loadReport = loadReport(file, description)
    return model
  })
}

async function describeBeit(
  file: CheckpointFile,
  kind: string,
  given: BeitConfigInput,
): Promise<Description> {
  const { imageSize, heads, normEps } = given
  const description = await describeCheckpoint(file, {
    ...defined({ heads, normEps }),
    ...(imageSize === undefined ? {} : { imageSize: imageSizePair(imageSize) }),
  })
  if (description?.identity.model === kind) return description
  const { path, tensors, metadata } = file
  if (description === null) {
    const names = [...tensors.keys()].slice(0, 4).join(', ')
    const what =
      metadata.kind === undefined ? `names that are no BEiT's: ${names}, ...` : `a ${metadata.kind}`
    throw new BeitError('ERR_FORMAT', `${path} holds ${what}, expected a ${kind}`)
  }
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `${path} holds a ${modelInWords(description.identity)}, expected a ${kind}`,
  )
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
