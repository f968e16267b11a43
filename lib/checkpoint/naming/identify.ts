/** Which model a state dict belongs to, and whose names it has: from names and shapes alone. */
import { fromDalle, isDalleName, isFlavaNaming } from './dalle.js'
import type { Recipe, Shapes } from './recipe.js'
import { fromTimm, isMasked } from './timm.js'
import { fromTransformers } from './transformers.js'
import { fromUnilm, isPositionIndex, wrapperPrefix } from './unilm.js'

/** Whose names: the original's (this library's own), timm's, or transformers'. */
export type Naming = 'unilm' | 'timm' | 'transformers'

export const NAMINGS: readonly Naming[] = ['unilm', 'timm', 'transformers']

/** Models that are known by their names; 'beit' is one without a head. */
export type ModelIdentity =
  | 'beit_for_masked_image_modeling'
  | 'beit_for_image_classification'
  | 'beit'
  | 'dalle_dvae'
  | 'conv_discrete_vae'

export interface Identity {
  readonly model: ModelIdentity
  readonly naming: Naming
  /** From the names of the file to this library's. */
  readonly recipe: Recipe
}

/**
 * The model and naming of a state dict; null for names of no model that is known.
 * @throws BeitError ERR_CHECKPOINT_MISMATCH for a model that is one of these but not as BEiT is
 */
export function identify(shapes: Shapes): Identity | null {
  const names = [...shapes.keys()]
  if (names.some(isDalleName)) {
    const naming = isFlavaNaming(names) ? 'transformers' : 'unilm'
    return { model: 'dalle_dvae', naming, recipe: fromDalle(shapes) }
  }
  const prefix = wrapperPrefix(names)
  const bare = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  const has = (pattern: RegExp) => bare.some((name) => pattern.test(name))
  if (has(/^codebook\.weight$/) && has(/^encoder\.0\.0\.weight$/)) {
    return { model: 'conv_discrete_vae', naming: 'unilm', recipe: fromUnilm(names) }
  }
  if (
    has(/^(beit\.)?embeddings\.cls_token$/) &&
    has(/^(beit\.)?(encoder\.layer|layers)\.\d+\.layernorm_before\./)
  ) {
    return beit('transformers', fromTransformers(names))
  }
  if (has(/^cls_token$/) && has(/^blocks\.\d+\.attn\.(q_bias|relative_position_bias_table)$/)) {
    const naming = namingOfOriginal(bare, has)
    return beit(naming, naming === 'timm' ? fromTimm(names) : fromUnilm(names))
  }
  return null
}

function beit(naming: Naming, recipe: Recipe): Identity {
  const made = new Set(recipe.pieces.map(({ name }) => name))
  const model = made.has('lm_head.weight')
    ? 'beit_for_masked_image_modeling'
    : made.has('head.weight')
      ? 'beit_for_image_classification'
      : 'beit'
  return { model, naming, recipe }
}

/**
 * timm's names are the original's but for the buffers, and for the head of a masked model. Without relative
 * positions there is no buffer, and nothing to tell them apart, or to convert.
 */
function namingOfOriginal(names: readonly string[], has: (pattern: RegExp) => boolean): Naming {
  if (has(/^head\.weight$/) && isMasked(names)) return 'timm'
  if (!has(/relative_position_bias_table$/)) return 'unilm'
  return names.some(isPositionIndex) ? 'unilm' : 'timm'
}
