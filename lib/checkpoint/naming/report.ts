/** What was done to a checkpoint on the way into a model: for users to read, and as data. */
import type { Adaptation } from '../adapt/adaptation.js'
import { type Companions, companionsInWords } from './companions.js'
import type { Description } from './describe.js'
import type { ModelIdentity, Naming } from './identify.js'
import type { Dropped } from './recipe.js'

/** How a model or tokenizer was loaded: its `loadReport`. */
export interface LoadReport {
  /** The file. */
  readonly path: string
  /** Of the file: 'safetensors', 'pytorch'. */
  readonly format: string
  /** What the file holds. */
  readonly model: ModelIdentity
  /** Whose names it has. */
  readonly naming: Naming
  /** What the configuration was taken from: metadata of the file, config.json beside it, or its shapes. */
  readonly config: Description['source']
  /** Names of the classes and preprocessing, as the file has them. */
  readonly companions: Companions
  /** Tensors of the file that have no place in the model. */
  readonly dropped: readonly Dropped[]
  /** What was done to its tensors so that they fit the model. */
  readonly adaptations: readonly Adaptation[]
  /** All of it in words, one thing a line. */
  readonly lines: readonly string[]
}

const MODELS: Record<ModelIdentity, string> = {
  beit_for_masked_image_modeling: 'BEiT for masked image modelling',
  beit_for_image_classification: 'BEiT for image classification',
  beit: 'BEiT without a head',
  dalle_dvae: 'DALL-E dVAE',
  conv_discrete_vae: 'convolutional discrete VAE',
}

const OWNERS: Record<Naming, string> = {
  unilm: "the original's",
  timm: "timm's",
  transformers: "transformers'",
}

const SOURCES: Record<Description['source'], string> = {
  metadata: 'the configuration in its metadata',
  'config.json': 'the configuration in the config.json beside it',
  shapes: 'a configuration inferred from its shapes',
}

/** "BEiT for masked image modelling with timm's names" */
export function modelInWords({ model, naming }: { model: ModelIdentity; naming: Naming }): string {
  return `${MODELS[model]} with ${OWNERS[naming]} names`
}

/** What was found in `file` and done to it. */
export function loadReport(
  file: { path: string; format: string; notes: readonly string[] },
  { identity, source, companions, notes }: Description,
  adaptations: readonly Adaptation[] = [],
): LoadReport {
  const { model, naming, recipe } = identity
  return {
    path: file.path,
    format: file.format,
    model,
    naming,
    config: source,
    companions,
    dropped: recipe.dropped,
    adaptations,
    lines: [
      `${file.path}: ${file.format}, ${modelInWords(identity)}, ${SOURCES[source]}`,
      ...companionsInWords(companions),
      ...file.notes,
      ...notes,
      ...droppedInWords(recipe.dropped),
      ...adaptations.map(({ line }) => line),
    ],
  }
}

/** One line a reason. */
export function droppedInWords(dropped: readonly Dropped[]): string[] {
  const byReason = new Map<string, string[]>()
  for (const { name, reason } of dropped) {
    const names = byReason.get(reason)
    if (names === undefined) byReason.set(reason, [name])
    else names.push(name)
  }
  return [...byReason].map(([reason, names]) => {
    const rest = names.length > 3 ? ` and ${names.length - 3} more` : ''
    return `left out, ${reason}: ${names.slice(0, 3).join(', ')}${rest}`
  })
}
