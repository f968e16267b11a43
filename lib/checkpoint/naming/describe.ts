/** What a checkpoint is: model, naming and architecture, and what told them. */
import { BeitError } from '../../errors.js'
import type { CheckpointFile } from '../checkpoint_file.js'
import type { PlainObject } from '../records.js'
import { STATE_FILE } from '../run_checkpoint.js'
import { parseStrictJson } from '../strict_json.js'
import type { BeitArchitecture } from './architecture.js'
import { checkArchitecture } from './check_architecture.js'
import { type Companions, NO_COMPANIONS, ownCompanions } from './companions.js'
import { configPathOf, pathBeside, readConfigBeside } from './config_file.js'
import { type Identity, identify } from './identify.js'
import { inferArchitecture, type KnownArchitecture } from './infer_config.js'
import { PREPROCESSOR_FILE, readPreprocessorConfig } from './preprocessor_config.js'
import { pretrainingPreprocessing } from './pretraining_run.js'
import { type Piece, type Shapes, shapesAfter, shapesOf } from './recipe.js'
import {
  isMultiLabel,
  isTransformersConfig,
  labelsOf,
  readTransformersConfig,
} from './transformers_config.js'
import { isPositionIndex, isUnilmName } from './unilm.js'

/** What is needed of a file: nothing of it is read. */
export type DescribedFile = Pick<CheckpointFile, 'path' | 'metadata' | 'data' | 'unreadable'> & {
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>
}

export interface Description {
  readonly identity: Identity
  /** Shapes under this library's names. */
  readonly shapes: Shapes
  /** Of a BEiT; null for a tokenizer, whose sizes follow from its weights. */
  readonly architecture: BeitArchitecture | null
  /** What the architecture was taken from. */
  readonly source: 'metadata' | 'config.json' | 'shapes'
  /** What goes with the weights. */
  readonly companions: Companions
  /** What was assumed, and what a user should know. */
  readonly notes: readonly string[]
}

/**
 * Describes a checkpoint. Its own metadata go before the config.json beside it, and that before its shapes.
 *
 * @param known what the caller knows of the file, where only its shapes tell
 * @returns null when the names are those of no model that is known
 * @throws BeitError ERR_CHECKPOINT_MISMATCH, ERR_FORMAT, ERR_INVALID_ARGUMENT: see identify,
 * readTransformersConfig and inferArchitecture
 */
export async function describeCheckpoint(
  file: DescribedFile,
  known: KnownArchitecture = {},
): Promise<Description | null> {
  const given = shapesOf(new Map([...file.tensors, ...file.unreadable]))
  const found = identify(given)
  if (found === null) return null
  const identity = found.model.startsWith('beit') ? withoutStrangers(found, file) : found
  const shapes = shapesAfter(identity.recipe, given)
  if (!identity.model.startsWith('beit')) {
    const source = ownConfig(file) === null ? 'shapes' : 'metadata'
    return { identity, shapes, architecture: null, source, companions: NO_COMPANIONS, notes: [] }
  }
  const told = ownArchitecture(file) ?? (await configBeside(file, identity, shapes))
  if (told !== null) return withRunBeside(file, { identity, shapes, ...told })
  const { architecture, notes } = inferArchitecture(file.path, shapes, known, patchesOf(given))
  if (identity.naming === 'transformers' && known.normEps === undefined) notes.push(EPSILON)
  return { identity, shapes, source: 'shapes', architecture, companions: NO_COMPANIONS, notes }
}

/** Older checkpoints of pretrain() say in their state.json alone how images were normalised. */
async function withRunBeside({ path }: DescribedFile, description: Description): Promise<Description> {
  const { companions, notes, source } = description
  if (source !== 'metadata' || companions.preprocessing !== null) return description
  const preprocessing = await pretrainingPreprocessing(path)
  if (preprocessing === null) return description
  return {
    ...description,
    companions: { ...companions, preprocessing },
    notes: [...notes, `how its images are made is from its run: ${pathBeside(path, STATE_FILE)}`],
  }
}

/** A tensor that cannot be read and has no place in a BEiT is left out; one that has a place is for readState. */
function withoutStrangers(identity: Identity, { unreadable }: DescribedFile): Identity {
  const { pieces, dropped } = identity.recipe
  const isStranger = ({ name, from }: Piece) => !isUnilmName(name) && unreadable.has(from[0] as string)
  const strangers = pieces.filter(isStranger).map(({ from: [name = ''] }) => {
    return { name, reason: unreadable.get(name)?.reason as string }
  })
  const rest = pieces.filter((piece) => !isStranger(piece))
  return { ...identity, recipe: { pieces: rest, dropped: [...dropped, ...strangers] } }
}

/** transformers' own default is 1e-12, and every BEiT that was published sets 1e-6 in its config.json. */
const EPSILON = 'normEps 1e-6 is assumed, as there is no config.json beside the file. Else pass normEps'

type Told = Pick<Description, 'source' | 'notes' | 'companions'> & { architecture: BeitArchitecture }

function ownArchitecture(file: DescribedFile): Told | null {
  const own = ownConfig(file)
  if (own === null) return null
  const architecture = checkArchitecture(`${file.path}: the config in its metadata`, own.config)
  const companions = ownCompanions(file, ownMetadata(file) ?? {})
  return { architecture, source: 'metadata', companions, notes: [] }
}

/** Strings beside the tensors: of a safetensors file, or what a PyTorch file has under that name. */
function ownMetadata({ metadata, data }: DescribedFile): Record<string, unknown> | undefined {
  if (metadata.kind !== undefined) return metadata
  return (data as PlainObject | null)?.metadata as PlainObject | undefined
}

/** Characters of a configuration, far above those that this library writes. */
const MAX_CONFIG = 1024 * 1024

/**
 * What this library wrote beside the weights: the kind of module and its configuration; null in files of
 * others. In safetensors they are metadata, in PyTorch's files a dict of that name.
 * @throws BeitError ERR_FORMAT when the configuration is no JSON object, or is over a million characters
 */
export function ownConfig(file: DescribedFile): { kind: string; config: object } | null {
  const { path } = file
  const { kind, config: text } = ownMetadata(file) ?? {}
  if (typeof kind !== 'string' || typeof text !== 'string') return null
  if (text.length > MAX_CONFIG) {
    throw new BeitError(
      'ERR_FORMAT',
      `${path}: the config in its metadata has ${text.length} characters, over the limit of ${MAX_CONFIG}`,
    )
  }
  let config: unknown
  try {
    config = parseStrictJson(text)
  } catch (cause) {
    const why = (cause as Error).message
    throw new BeitError('ERR_FORMAT', `${path}: the config in its metadata is not JSON: ${why}`, { cause })
  }
  if (typeof config === 'object' && config !== null) return { kind, config }
  throw new BeitError('ERR_FORMAT', `${path}: the config in its metadata is not an object`)
}

async function configBeside(
  { path }: DescribedFile,
  { naming }: Identity,
  shapes: Shapes,
): Promise<Told | null> {
  if (naming !== 'transformers') return null
  const config = await readConfigBeside(path)
  if (!isTransformersConfig(config)) return null
  const { architecture, notes } = readTransformersConfig(configPathOf(path), config)
  const checked = withHead(checkArchitecture(configPathOf(path), architecture), shapes)
  const preprocessor = await preprocessorBeside(path)
  const labels = labelsOf(config)
  const fits = labels?.length === checked.numClasses
  if (labels !== null && !fits) {
    notes.push(
      `${configPathOf(path)}: its ${labels.length} names are not those of ${checked.numClasses} classes`,
    )
  }
  return {
    source: 'config.json',
    architecture: checked,
    companions: {
      labels: fits ? labels : null,
      preprocessing: preprocessor?.preprocessing ?? null,
      multiLabel: isMultiLabel(config),
    },
    notes: [...notes, ...(preprocessor?.notes ?? [])],
  }
}

async function preprocessorBeside(path: string) {
  const config = await readConfigBeside(path, PREPROCESSOR_FILE)
  return config === null ? null : readPreprocessorConfig(pathBeside(path, PREPROCESSOR_FILE), config)
}

/**
 * A config.json may leave the classes out; the head has them. Without a head, where pre-training normed last is no sign
 * of pooling, as for inferArchitecture.
 */
function withHead({ pooling, ...architecture }: BeitArchitecture, shapes: Shapes): BeitArchitecture {
  const vocabSize = shapes.get('lm_head.weight')?.[0]
  const numClasses = shapes.get('head.weight')?.[0]
  const headless = shapes.has('mask_token') && !shapes.has('head.weight')
  return {
    ...architecture,
    ...(headless || pooling === undefined ? {} : { pooling }),
    ...(vocabSize === undefined ? {} : { vocabSize }),
    ...(numClasses === undefined ? {} : { numClasses }),
  }
}

/** Patches of an image, where an index buffer (N + 1, N + 1) tells. */
function patchesOf(shapes: Shapes): number | null {
  const buffer = [...shapes].find(([name]) => isPositionIndex(name))
  return buffer === undefined ? null : (buffer[1][0] as number) - 1
}
