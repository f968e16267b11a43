/**
 * transformers' names (BeitForMaskedImageModeling, BeitForImageClassification, BeitModel): written as
 * `save_pretrained` of every version writes and reads them, read in those and in the names that the modules
 * have had since version 5 (`beit.layers.0.attention.q_proj.weight`).
 */
import { BeitError } from '../../errors.js'
import type { Dropped, Piece, Recipe } from './recipe.js'
import { inUnilmOrder, isPositionIndex, needless, numbersBehind, outside, wrapperPrefix } from './unilm.js'

/** transformers' name, ours, and which third of ours it is. The rows are in transformers' order. */
type Row = readonly [theirs: string, ours: string, third?: number]

const both = (theirs: string, ours: string): Row[] =>
  ['weight', 'bias'].map((kind) => [`${theirs}.${kind}`, `${ours}.${kind}`])

const TABLE = 'relative_position_bias_table'

/** Behind `beit.` where there is a head. */
const BEFORE: readonly Row[] = [
  ['embeddings.cls_token', 'cls_token'],
  ['embeddings.mask_token', 'mask_token'],
  ['embeddings.position_embeddings', 'pos_embed'],
  ...both('embeddings.patch_embeddings.projection', 'patch_embed.proj'),
  [`encoder.relative_position_bias.${TABLE}`, `rel_pos_bias.${TABLE}`],
]

/** Behind `encoder.layer.N.`, and `blocks.N.` */
const BLOCK: readonly Row[] = [
  ['lambda_1', 'gamma_1'],
  ['lambda_2', 'gamma_2'],
  ['attention.attention.query.weight', 'attn.qkv.weight', 0],
  ['attention.attention.query.bias', 'attn.q_bias'],
  ['attention.attention.key.weight', 'attn.qkv.weight', 1],
  ['attention.attention.value.weight', 'attn.qkv.weight', 2],
  ['attention.attention.value.bias', 'attn.v_bias'],
  [`attention.attention.relative_position_bias.${TABLE}`, `attn.${TABLE}`],
  ...both('attention.output.dense', 'attn.proj'),
  ...both('intermediate.dense', 'mlp.fc1'),
  ...both('output.dense', 'mlp.fc2'),
  ...both('layernorm_before', 'norm1'),
  ...both('layernorm_after', 'norm2'),
]

const AFTER: readonly Row[] = [...both('layernorm', 'norm'), ...both('pooler.layernorm', 'fc_norm')]
const HEADS: readonly Row[] = [...both('lm_head', 'lm_head'), ...both('classifier', 'head')]

/** All names of a model with the blocks of these numbers, without `beit.` */
function rowsOf(blocks: readonly number[]): Row[] {
  const inside = blocks.flatMap((i) =>
    BLOCK.map(([theirs, ours, third]): Row => [`encoder.layer.${i}.${theirs}`, `blocks.${i}.${ours}`, third]),
  )
  return [...BEFORE, ...inside, ...AFTER, ...HEADS]
}

/** How the modules have been called since version 5, and how files call them. */
const RENAMED_IN_5: readonly [RegExp, string][] = [
  [/^layers\./, 'encoder.layer.'],
  [/^shared_position_bias\./, 'encoder.relative_position_bias.'],
  [/(layer\.\d+)\.relative_position_bias\./, '$1.attention.attention.relative_position_bias.'],
  [/attention\.q_proj\./, 'attention.attention.query.'],
  [/attention\.k_proj\./, 'attention.attention.key.'],
  [/attention\.v_proj\./, 'attention.attention.value.'],
  [/attention\.o_proj\./, 'attention.output.dense.'],
  [/mlp\.fc1\./, 'intermediate.dense.'],
  [/mlp\.fc2\./, 'output.dense.'],
]

/** The name in the table: without prefix, and as in files. */
function classicName(name: string): string {
  const bare = name.replace(/^beit\./, '')
  return RENAMED_IN_5.reduce((result, [modern, classic]) => result.replace(modern, classic), bare)
}

/**
 * From transformers' names to this library's.
 * @throws BeitError ERR_CHECKPOINT_MISMATCH for a model that normalises twice, which BEiT does not do
 */
export function fromTransformers(names: readonly string[]): Recipe {
  const prefix = wrapperPrefix(names)
  const dropped: Dropped[] = []
  const sources = new Map<string, string>()
  for (const name of names) {
    const index = isPositionIndex(name) ? 'computed from the grid' : null
    const reason = outside(name, prefix) ?? index ?? needless(name)
    const classic = classicName(name.slice(prefix.length))
    if (reason !== null) dropped.push({ name, reason })
    else if (sources.has(classic)) throw normalisedTwice(sources.get(classic) as string, name)
    else sources.set(classic, name)
  }
  const made = new Map<string, string[]>()
  for (const [theirs, ours, third = 0] of rowsOf(numbersBehind(/^encoder\.layer\.(\d+)\./, sources.keys()))) {
    const source = sources.get(theirs)
    if (source === undefined) continue
    const parts = made.get(ours) ?? []
    parts[third] = source
    made.set(ours, parts)
  }
  // A missing third leaves a hole: Object.keys skips it.
  const whole = [...made].filter(
    ([ours, parts]) => Object.keys(parts).length === (ours.endsWith('qkv.weight') ? 3 : 1),
  )
  const used = new Set(whole.flatMap(([, parts]) => parts))
  const left = [...sources.values()].filter((name) => !used.has(name))
  const byName = new Map(whole)
  const pieces: Piece[] = inUnilmOrder([...byName.keys()]).map((name) => ({
    name,
    from: byName.get(name) as string[],
  }))
  return { pieces: [...pieces, ...left.map((name) => ({ name, from: [name] }))], dropped }
}

/** From this library's names to transformers'. Without a head they are those of a bare BeitModel. */
export function toTransformers(names: readonly string[]): Recipe {
  const given = new Set(names)
  const headed = given.has('lm_head.weight') || given.has('head.weight')
  const masked = given.has('lm_head.weight')
  const known = new Set<string>()
  const pieces: Piece[] = []
  for (const [theirs, ours, third] of rowsOf(numbersBehind(/^blocks\.(\d+)\./, names))) {
    if (!given.has(ours)) continue
    known.add(ours)
    // The final norm of masked image modelling belongs to the head there.
    const outside =
      !headed || /^(lm_head|classifier)\./.test(theirs) || (masked && /^layernorm\./.test(theirs))
    const name = outside ? theirs : `beit.${theirs}`
    pieces.push({ name, from: [ours], ...(third === undefined ? {} : { part: { index: third, of: 3 } }) })
  }
  const left = names.filter((name) => !known.has(name) && !isPositionIndex(name))
  return {
    pieces: [...pieces, ...left.map((name) => ({ name, from: [name] }))],
    dropped: names
      .filter(isPositionIndex)
      .map((name) => ({ name, reason: 'transformers computes it from the grid' })),
  }
}

function normalisedTwice(first: string, second: string): BeitError {
  return new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `${first} and ${second} are two layers of the same place: a transformers model that was made with ` +
      'use_mean_pooling false normalises its features twice, which no BEiT of the release does',
  )
}
