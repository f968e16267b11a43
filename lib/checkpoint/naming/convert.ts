/** A checkpoint from one naming and format to another, tensor by tensor: no model is made. */
import { native } from '../../binding.js'
import { imagePreprocessing } from '../../data/preprocessing.js'
import { scope } from '../../dispose.js'
import { BeitError, invalidArgument } from '../../errors.js'
import { Tensor } from '../../tensor.js'
import { checkShapes } from '../adapt/check_shapes.js'
import { openCheckpoint } from '../read_checkpoint.js'
import { type CheckpointFormat, formatOf } from '../write_checkpoint.js'
import type { BeitArchitecture } from './architecture.js'
import { type Companions, companionsMetadata } from './companions.js'
import { configPathOf, pathBeside, writeConfigBeside } from './config_file.js'
import { type DallePart, writeFlavaConfig } from './dalle.js'
import { type Description, ownConfig } from './describe.js'
import { expectModel } from './expect_model.js'
import { type ModelIdentity, NAMINGS, type Naming } from './identify.js'
import type { KnownArchitecture } from './infer_config.js'
import { PREPROCESSOR_FILE, writePreprocessorConfig } from './preprocessor_config.js'
import { readState } from './read_state.js'
import { type Dropped, shapesOf, tensorsAfter } from './recipe.js'
import { droppedInWords, loadReport } from './report.js'
import { toNaming, transformersClass } from './to_naming.js'
import { writeTransformersConfig } from './transformers_config.js'
import { inUnilmOrder, isPositionIndex } from './unilm.js'
import { writeWeights } from './write_weights.js'

/** How a checkpoint is written anew. */
export interface ConvertOptions {
  /** Whose names: the original's (for DALL-E's tokenizer, OpenAI's), timm's, or transformers'. */
  to: Naming
  /** Default: by the extension of the output. */
  format?: CheckpointFormat
  /** Key of the weights in a file with more than one set of them, as for `openCheckpoint`. */
  pick?: string
  /** What the input does not tell: [height, width] of a rectangle, heads without relative positions, epsilon. */
  known?: KnownArchitecture
  /** Of a DALL-E tokenizer: this part alone, under the names that its own file has. */
  part?: DallePart
}

/** What was converted. */
export interface ConversionReport {
  /** What the input holds. */
  readonly model: ModelIdentity
  /** Whose names the input has. */
  readonly from: Naming
  /** Whose names the output has. */
  readonly to: Naming
  /** The files that were written. */
  readonly outputs: readonly string[]
  /** Tensors of the input of which nothing was written. */
  readonly dropped: readonly Dropped[]
  /** All of it in words, one thing a line. */
  readonly lines: readonly string[]
}

const MODELS = [
  'beit_for_masked_image_modeling',
  'beit_for_image_classification',
  'beit',
  'dalle_dvae',
  'conv_discrete_vae',
] as const

/**
 * Writes the weights of one checkpoint as another, under the names of `to`. Dtypes stay, bits stay; buffers
 * that a naming keeps are made anew, those that it computes are left out; under transformers' names a config.json is
 * written beside the output. What is no weight (optimizer, epoch) is not carried over.
 *
 * @throws BeitError ERR_FORMAT, ERR_CHECKPOINT_MISMATCH or ERR_INVALID_ARGUMENT for an input that is no model
 * of this library or does not tell what is needed, ERR_INVALID_ARGUMENT for a naming without such a model,
 * ERR_IO
 * @example
 * await convertCheckpoint('beit_base_patch16_224_pt22k.pth', 'model.safetensors', { to: 'transformers' })
 */
export async function convertCheckpoint(
  input: string,
  output: string,
  { to, format = formatOf(output), pick, known = {}, part }: ConvertOptions,
): Promise<ConversionReport> {
  if (!NAMINGS.includes(to)) throw invalidArgument('to', NAMINGS.join(', '), to)
  return scope(async () => {
    const file = await openCheckpoint(input, { pick })
    const description = await expectModel(file, MODELS, known)
    const { identity, architecture } = description
    if (architecture !== null) checkShapes(input, description.shapes, architecture)
    const state = await readState(file, identity.recipe)
    if (architecture !== null && to === 'unilm') await addBuffers(state, architecture)
    const ordered = architecture === null ? [...state.keys()] : inUnilmOrder([...state.keys()])
    const recipe = toNaming(to, identity.model, ordered, part ?? null)
    const tensors = await tensorsAfter(recipe, state)
    if (tensors.size === 0) {
      throw new BeitError('ERR_INVALID_ARGUMENT', `${input} has no ${part ?? 'encoder'}, so nothing to write`)
    }
    await writeWeights(output, tensors, {
      naming: to,
      format,
      metadata: metadataOf(description, ownConfig(file), part),
    })
    const outputs = [output]
    if (to === 'transformers') {
      outputs.push(...(await writeTransformersFiles(output, description, state)))
    }
    return {
      model: identity.model,
      from: identity.naming,
      to,
      outputs,
      dropped: [...identity.recipe.dropped, ...recipe.dropped],
      lines: [
        ...loadReport(file, description).lines,
        ...droppedInWords(recipe.dropped),
        ...(to === 'transformers' && isRectangle(architecture) ? [RECTANGLE] : []),
        ...outputs.map((path) => `wrote ${path}`),
      ],
    }
  })
}

/** What it computes is not BEiT then, whoever wrote the weights (seen in version 5.23). */
const RECTANGLE =
  'transformers swaps the sides of position tables: for images that are not square its logits are others'

const isRectangle = (architecture: BeitArchitecture | null) =>
  architecture !== null && architecture.imageSize[0] !== architecture.imageSize[1]

/** The original keeps the indices of relative positions in its state dicts. */
async function addBuffers(state: Map<string, Tensor>, architecture: BeitArchitecture): Promise<void> {
  const [rows = 0, columns = 0] = architecture.imageSize.map((side) => side / architecture.patchSize)
  const missing = [...state.keys()]
    .filter((name) => name.endsWith('relative_position_bias_table'))
    .map((table) => table.replace('relative_position_bias_table', 'relative_position_index'))
    .filter((index) => !state.has(index))
  if (missing.length === 0) return
  // One for all blocks, as in a model.
  const shared = new Tensor(await native().relativePositionIndex(rows, columns))
  for (const index of missing) state.set(index, shared)
}

/** What this library reads back. The parts of a tokenizer are not what its configuration says. */
function metadataOf(
  { identity, architecture, companions }: Description,
  own: { config: object } | null,
  part: DallePart | undefined,
): Record<string, string> {
  const config = architecture ?? own?.config
  if (config === undefined || part !== undefined) return {}
  return { kind: identity.model, config: JSON.stringify(config), ...companionsMetadata(companions) }
}

/** What transformers reads beside the weights; gives the paths. */
async function writeTransformersFiles(
  output: string,
  { identity, architecture, companions }: Description,
  state: ReadonlyMap<string, Tensor>,
): Promise<string[]> {
  await writeConfigBeside(output, configFor(identity.model, architecture, companions, state))
  const { preprocessing } = companions
  if (architecture === null || preprocessing === null) return [configPathOf(output)]
  const { imageSize } = architecture
  const text = writePreprocessorConfig(imagePreprocessing(preprocessing, imageSize), imageSize)
  await writeConfigBeside(output, text, PREPROCESSOR_FILE)
  return [configPathOf(output), pathBeside(output, PREPROCESSOR_FILE)]
}

function configFor(
  model: ModelIdentity,
  architecture: BeitArchitecture | null,
  companions: Companions,
  state: ReadonlyMap<string, Tensor>,
): string {
  if (architecture === null) return writeFlavaConfig(shapesOf(state))
  const complete = {
    dropPath: 0,
    normEps: 1e-6,
    vocabSize: 8192,
    numClasses: 2,
    pooling: 'mean' as const,
    ...architecture,
  }
  return writeTransformersConfig(complete, transformersClass(model), dtypeOf(state), state, companions)
}

/** Of the weights that train. */
function dtypeOf(state: ReadonlyMap<string, Tensor>): string {
  const weight = [...state].find(([name]) => !isPositionIndex(name))
  return weight?.[1].dtype ?? 'float32'
}
