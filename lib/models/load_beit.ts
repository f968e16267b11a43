/** A BEiT from a file: of this library, the original, timm or transformers, and adapted if it is to be other. */
import { type HeadedModel, planAdaptation } from '../checkpoint/adapt/adapt.js'
import { checkShapes } from '../checkpoint/adapt/check_shapes.js'
import type { Companions } from '../checkpoint/naming/companions.js'
import type { Description } from '../checkpoint/naming/describe.js'
import { expectModel } from '../checkpoint/naming/expect_model.js'
import type { KnownArchitecture } from '../checkpoint/naming/infer_config.js'
import { readState } from '../checkpoint/naming/read_state.js'
import { without } from '../checkpoint/naming/recipe.js'
import { type LoadReport, loadReport, modelInWords } from '../checkpoint/naming/report.js'
import { isPositionIndex } from '../checkpoint/naming/unilm.js'
import { openCheckpoint } from '../checkpoint/read_checkpoint.js'
import { type ImagePreprocessing, imagePreprocessing } from '../data/preprocessing.js'
import { scope } from '../dispose.js'
import { BeitError, invalidArgument } from '../errors.js'
import { defined, type OptionSchema, type OptionSpec, validateOptions } from '../options.js'
import { type BeitConfig, type BeitConfigInput, resolveBeitConfig } from './beit_config.js'
import type { BeitModel } from './beit_model.js'
import { configOfFile } from './file_config.js'
import { IMAGE_SIZE_OPTION, type ImageSize, imageSizePair } from './image_size.js'
import { makeWithState } from './make_with_state.js'
import type { ModuleOptions } from './module_options.js'

/** What is to be found where, and as what. */
export interface BeitSourceOptions {
  /** The key of the weights in a file with more than one set of them, such as 'model_ema'. */
  pick?: string
  /**
   * What the file itself is, where only its shapes tell: `imageSize` of a rectangle, which with the option
   * `imageSize` beside it becomes a model of another size.
   */
  from?: { imageSize?: ImageSize }
}

/** Options of a BEiT's `load`. `seed` is of the initial values of what the file does not have. */
export interface BeitLoadOptions extends ModuleOptions, BeitConfigInput, BeitSourceOptions {}

/**
 * Opens the checkpoint, finds out what it is, and makes the model with its weights. Where the model is to be
 * other than the file, its weights are adapted.
 *
 * @param given parts of the configuration: they say what the file does not tell, and go before what it does
 * @param make a model of a configuration: without values, or with initial ones
 * @throws BeitError ERR_FORMAT when the file holds no BEiT, ERR_CHECKPOINT_MISMATCH when it holds another
 * model or one that cannot be adapted, ERR_INVALID_ARGUMENT when only the caller can say a part of the
 * configuration, ERR_IO
 */
export async function loadBeit<M extends BeitModel>(
  path: string,
  kind: HeadedModel,
  { pick, from = {} }: BeitSourceOptions,
  given: BeitConfigInput,
  make: (config: BeitConfig, values: 'initial' | 'none') => Promise<M>,
): Promise<M> {
  return scope(async () => {
    if (typeof from !== 'object' || from === null) throw invalidArgument('from', 'an object', from)
    const own = validateOptions<{ imageSize: ImageSize | null }>('load: from', FROM_SCHEMA, from)
    const file = await openCheckpoint(path, { pick })
    const description = await expectModel(file, BEITS, known(given, own.imageSize))
    const source = configOfFile(path, () => resolveBeitConfig(description.architecture ?? {}))
    const target = targetConfig(path, description, source, kind, defined(given))
    checkShapes(path, description.shapes, source)
    // The model makes its index buffers itself.
    const shapes = [...description.shapes].filter(([name]) => !isPositionIndex(name))
    const plan = planAdaptation(new Map(shapes), source, target, kind)
    const used = new Set(plan.namesUsed)
    const recipe = without(description.identity.recipe, (name) => !used.has(name))
    const state = await plan.apply(await readState(file, recipe))
    const fresh = plan.initialised
    const model = await makeWithState(() => make(target, fresh.length > 0 ? 'initial' : 'none'), state, fresh)
    const companions = companionsFor(path, description.companions, source, target)
    model.loadReport = loadReport(file, { ...description, companions }, plan.adaptations)
    return model
  })
}

/**
 * Says in the report of `model` which normalisation is taken, where neither its file nor the caller (`given`)
 * told the one of its training.
 */
export function noteNormalisation(
  model: BeitModel,
  given: Partial<ImagePreprocessing>,
  { mean, std }: Pick<ImagePreprocessing, 'mean' | 'std'>,
): void {
  const report = model.loadReport as LoadReport
  const told = { ...report.companions.preprocessing, ...defined(given) }
  if (told.mean !== undefined && told.std !== undefined) return
  const line =
    'how its images were normalised is not known: unless told, ' +
    `mean ${mean.join(' ')}, std ${std.join(' ')} is taken`
  model.loadReport = { ...report, lines: [...report.lines, line] }
}

/** Models that are BEiTs, with a head or without. */
export const BEITS = ['beit_for_masked_image_modeling', 'beit_for_image_classification', 'beit'] as const

/** The option that says the size of a model's head. */
const HEAD_OPTION = {
  beit_for_masked_image_modeling: 'vocabSize',
  beit_for_image_classification: 'numClasses',
} as const

/**
 * What the model is to be. A new head is begun only for a caller who says its size; a classifier that is begun
 * from one bias for all blocks gives each block its own, as the original does.
 */
function targetConfig(
  path: string,
  { identity }: Description,
  source: BeitConfig,
  kind: HeadedModel,
  given: BeitConfigInput,
): BeitConfig {
  if (identity.model === kind) return resolveBeitConfig({ ...source, ...given })
  const option = HEAD_OPTION[kind]
  if (given[option] === undefined) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `${path} holds a ${modelInWords(identity)}, expected a ${kind}. Pass ${option} to begin one from it with ` +
        'a new head',
    )
  }
  const split = kind === 'beit_for_image_classification' && source.relativePositions === 'shared'
  return resolveBeitConfig({ ...source, ...(split && { relativePositions: 'per-block' }), ...given })
}

/** What the file has beside its weights, checked; the share of the image to cut out is of one image size. */
function companionsFor(
  path: string,
  { labels, preprocessing, ...rest }: Companions,
  source: BeitConfig,
  target: BeitConfig,
): Companions {
  if (labels !== null && labels.length !== source.numClasses) {
    const counts = `${labels.length} names for its ${source.numClasses} classes`
    throw new BeitError('ERR_FORMAT', `${path} has ${counts}`)
  }
  if (preprocessing === null) return { labels, preprocessing, ...rest }
  const complete = configOfFile(path, () => imagePreprocessing(preprocessing, source.imageSize))
  const sameSize = source.imageSize.every((side, i) => side === target.imageSize[i])
  if (sameSize || complete.cropShare === 'whole') return { labels, preprocessing: complete, ...rest }
  const { cropShare, ...kept } = complete
  return { labels, preprocessing: imagePreprocessing(kept, target.imageSize), ...rest }
}

const FROM_SCHEMA: OptionSchema = { imageSize: { ...IMAGE_SIZE_OPTION, optional: true } as OptionSpec }

/** What only the caller may know of the file. */
function known({ imageSize, heads, normEps }: BeitConfigInput, own: ImageSize | null): KnownArchitecture {
  return defined({
    heads,
    normEps,
    imageSize: own === null ? undefined : imageSizePair(own),
    modelSize: imageSize === undefined ? undefined : imageSizePair(imageSize),
  })
}
