/**
 * timm's names (timm/models/beit.py): the original's, without the index buffers, which timm computes. It has
 * classifiers only. A model for masked image modelling becomes what timm would call a `Beit` with a shared
 * bias, `global_pool=''` and `num_classes` of the vocabulary: its head is `head`; the mask token, for which timm
 * has no name, keeps its own.
 */

import type { Recipe } from './recipe.js'
import { fromUnilm, inUnilmOrder, isPositionIndex } from './unilm.js'

const HEADS = [
  ['lm_head.weight', 'head.weight'],
  ['lm_head.bias', 'head.bias'],
] as const

/** Is `head` that of a masked model? Classifiers of transformers keep a mask token; `fc_norm` is theirs alone. */
export const isMasked = (names: readonly string[]) =>
  names.includes('mask_token') && !names.includes('lm_head.weight') && !names.includes('fc_norm.weight')

/** From timm's names to this library's. */
export function fromTimm(names: readonly string[]): Recipe {
  const recipe = fromUnilm(names)
  if (!isMasked(recipe.pieces.map(({ name }) => name))) return recipe
  const ours = new Map<string, string>(HEADS.map(([lmHead, head]) => [head, lmHead]))
  const pieces = recipe.pieces.map((piece) => ({ ...piece, name: ours.get(piece.name) ?? piece.name }))
  return { ...recipe, pieces }
}

/** From this library's names to timm's. */
export function toTimm(names: readonly string[]): Recipe {
  const theirs = new Map<string, string>(HEADS)
  return {
    pieces: inUnilmOrder(names.filter((name) => !isPositionIndex(name))).map((name) => ({
      name: theirs.get(name) ?? name,
      from: [name],
    })),
    dropped: names
      .filter(isPositionIndex)
      .map((name) => ({ name, reason: 'timm computes it from the grid' })),
  }
}
