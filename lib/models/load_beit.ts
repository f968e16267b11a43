/** A BEiT from a file: of this library, the original, timm or transformers. */
import { expectModel } from '../checkpoint/naming/expect_model.js'
import type { KnownArchitecture } from '../checkpoint/naming/infer_config.js'
import { readState } from '../checkpoint/naming/read_state.js'
import { loadReport } from '../checkpoint/naming/report.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { scope } from '../dispose.js'
import { type BeitConfig, type BeitConfigInput, resolveBeitConfig } from './beit_config.js'
import type { BeitModel } from './beit_model.js'
import { imageSizePair } from './image_size.js'
import { makeWithState } from './make_with_state.js'
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
    const description = await expectModel(file, [kind], known(given))
    const config = resolveBeitConfig({ ...description.architecture, ...defined(given) })
    const state = await readState(file, description.identity.recipe)
    const model = await makeWithState(() => make(config), state)
    model.loadReport = loadReport(file, description)
    return model
  })
}

/** What only the caller may know of the file. */
function known({ imageSize, heads, normEps }: BeitConfigInput): KnownArchitecture {
  return defined({
    heads,
    normEps,
    imageSize: imageSize === undefined ? undefined : imageSizePair(imageSize),
  })
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
