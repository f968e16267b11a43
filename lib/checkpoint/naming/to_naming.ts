/** From this library's names to those of a naming, for a model or a tokenizer. */
import { BeitError, invalidArgument } from '../../errors.js'
import { type DallePart, toDallePart, toFlava } from './dalle.js'
import type { ModelIdentity, Naming } from './identify.js'
import type { Recipe } from './recipe.js'
import { toTimm } from './timm.js'
import { toTransformers } from './transformers.js'
import { inUnilmOrder } from './unilm.js'

/**
 * @param names of the model in this library's naming
 * @param part of a DALL-E tokenizer: this part alone, as the original keeps it
 * @throws BeitError ERR_INVALID_ARGUMENT for a naming that has no such model, or a part that neither has
 */
export function toNaming(
  naming: Naming,
  model: ModelIdentity,
  names: readonly string[],
  part: DallePart | null = null,
): Recipe {
  if (part !== null) checkPart(naming, model, part)
  if (model === 'beit_for_image_classification' && naming !== 'transformers' && names.includes(MASK_TOKEN)) {
    const recipe = toNaming(
      naming,
      model,
      names.filter((name) => name !== MASK_TOKEN),
    )
    const reason = `classifiers with ${naming}'s names have none: with it, this would be taken for a masked model`
    return { ...recipe, dropped: [...recipe.dropped, { name: MASK_TOKEN, reason }] }
  }
  if (model === 'dalle_dvae' && naming === 'transformers') return toFlava(names)
  if (model === 'dalle_dvae' && naming === 'unilm' && part !== null) return toDallePart(names, part)
  if (naming === 'unilm') return asTheyAre(model === 'dalle_dvae' ? names : inUnilmOrder(names))
  if (!model.startsWith('beit')) {
    const known = model === 'dalle_dvae' ? "'unilm' and 'transformers' (FLAVA's codebook)" : "'unilm'"
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `${naming} has no names for a ${model}; it can be written with those of ${known}`,
    )
  }
  return naming === 'timm' ? toTimm(names) : toTransformers(names)
}

const MASK_TOKEN = 'mask_token'

function checkPart(naming: Naming, model: ModelIdentity, part: DallePart): void {
  if (!PARTS.includes(part)) throw invalidArgument('part', PARTS.join(' or '), part)
  if (model !== 'dalle_dvae') {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `part ${part} is one of a DALL-E tokenizer, and this is a ${model}`,
    )
  }
  if (naming === 'transformers' && part === 'decoder') {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      "transformers has no names for a DALL-E tokenizer's decoder; it can be written with those of 'unilm'",
    )
  }
}

const PARTS: readonly DallePart[] = ['encoder', 'decoder']

function asTheyAre(names: readonly string[]): Recipe {
  return { pieces: names.map((name) => ({ name, from: [name] })), dropped: [] }
}

/** The class of transformers that the names of {@link toNaming} are for. */
export function transformersClass(model: ModelIdentity) {
  if (model === 'beit_for_masked_image_modeling') return 'BeitForMaskedImageModeling'
  return model === 'beit_for_image_classification' ? 'BeitForImageClassification' : 'BeitModel'
}
