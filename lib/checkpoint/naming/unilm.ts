/**
 * The names of the original release (microsoft/unilm, beit/modeling_pretrain.py and modeling_finetune.py),
 * which are this library's own. Other namings are converted to them and from them.
 */
import type { Dropped, Recipe } from './recipe.js'

/** Outside the blocks, before them; then a block's, behind `blocks.N.`; then behind the blocks. */
const ORDER = {
  before: [
    'cls_token',
    'mask_token',
    'pos_embed',
    'patch_embed.proj.weight',
    'patch_embed.proj.bias',
    'rel_pos_bias.relative_position_bias_table',
    'rel_pos_bias.relative_position_index',
  ],
  block: [
    'gamma_1',
    'gamma_2',
    'norm1.weight',
    'norm1.bias',
    'attn.q_bias',
    'attn.v_bias',
    'attn.relative_position_bias_table',
    'attn.relative_position_index',
    'attn.qkv.weight',
    'attn.proj.weight',
    'attn.proj.bias',
    'norm2.weight',
    'norm2.bias',
    'mlp.fc1.weight',
    'mlp.fc1.bias',
    'mlp.fc2.weight',
    'mlp.fc2.bias',
  ],
  after: [
    'norm.weight',
    'norm.bias',
    'fc_norm.weight',
    'fc_norm.bias',
    'lm_head.weight',
    'lm_head.bias',
    'head.weight',
    'head.bias',
  ],
} as const

/** `blocks.3.attn.proj.bias` -> [3, 'attn.proj.bias']; null for a name outside the blocks. */
export function blockOf(name: string): readonly [number, string] | null {
  const [, block, rest] = /^blocks\.(\d+)\.(.+)$/.exec(name) ?? []
  return block === undefined ? null : [Number(block), rest as string]
}

/** The numbers that names have in the group of `pattern`, ascending, each once. */
export function numbersBehind(pattern: RegExp, names: Iterable<string>): number[] {
  const numbers = new Set<number>()
  for (const name of names) {
    const number = pattern.exec(name)?.[1]
    if (number !== undefined) numbers.add(Number(number))
  }
  return [...numbers].sort((a, b) => a - b)
}

/** Sorts into the order of the original's state dicts; what it does not know comes last, as it came. */
export function inUnilmOrder(names: readonly string[]): string[] {
  const ranked = names.map((name, i) => ({ name, rank: [...rank(name), i] }))
  ranked.sort((a, b) => compare(a.rank, b.rank))
  return ranked.map(({ name }) => name)
}

function rank(name: string): [section: number, block: number, place: number] {
  const before = (ORDER.before as readonly string[]).indexOf(name)
  if (before >= 0) return [0, 0, before]
  const [block, rest] = blockOf(name) ?? []
  const inside = (ORDER.block as readonly string[]).indexOf(rest ?? '')
  if (block !== undefined && inside >= 0) return [1, block, inside]
  const after = (ORDER.after as readonly string[]).indexOf(name)
  return after >= 0 ? [2, 0, after] : [3, 0, 0]
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, k) => value !== b[k])
  return i < 0 ? 0 : (a[i] as number) - (b[i] as number)
}

/** Is it the buffer that follows from the grid? */
export const isPositionIndex = (name: string) => /(^|\.)relative_position_index$/.test(name)

/** Is it a name of the original's models? */
export const isUnilmName = (name: string) => rank(name)[0] < 3

/** Why a tensor has no place in this library's models, whatever the naming; null when it may have one. */
export function needless(name: string): string | null {
  if (/(^|\.)(k_bias|key\.bias|k_proj\.bias)$/.test(name)) return 'a bias of the keys cancels in the softmax'
  if (/(^|\.)cls_pt_\w+\./.test(name)) return "a second prediction that BEiT v2's pre-training makes"
  return null
}

/**
 * What wrappers put before every name: DistributedDataParallel, torch.compile, and a model around it. No more of
 * them are looked through than ever stand there.
 */
const WRAPPERS = '(?:(?:module|_orig_mod|model|backbone|state_dict)\\.){0,4}'
const WRAPPED = new RegExp(`^${WRAPPERS}`)
/** Every model has one of these, and only once: what stands before it stands before all of its names. */
const LANDMARK = new RegExp(
  `^(${WRAPPERS})(?:(?:beit\\.)?embeddings\\.cls_token|cls_token|codebook\\.weight)$`,
)

/**
 * The prefix that wrappers gave the names of a model. Others beside it, such as those of a loss, have none, or
 * another. Without a landmark it is that of all names, '' where one of them has none.
 */
export function wrapperPrefix(names: readonly string[]): string {
  const found = new Set(names.flatMap((name) => LANDMARK.exec(name)?.[1] ?? []))
  const [only, ...others] = found
  if (only !== undefined && others.length === 0) return only
  const [first = '', ...rest] = names
  let prefix = WRAPPED.exec(first)?.[0] ?? ''
  while (!rest.every((name) => name.startsWith(prefix))) prefix = prefix.replace(/[^.]+\.$/, '')
  return prefix
}

/** Why a tensor is no part of the model whose names begin with `prefix`; null when it is. */
export function outside(name: string, prefix: string): string | null {
  return name.startsWith(prefix) ? null : `outside '${prefix}', where the model stands`
}

/** From the original's names, perhaps behind a wrapper's prefix, to this library's. */
export function fromUnilm(names: readonly string[]): Recipe {
  const prefix = wrapperPrefix(names)
  const dropped: Dropped[] = []
  const sources = new Map<string, string>()
  for (const name of names) {
    const reason = outside(name, prefix) ?? needless(name)
    if (reason === null) sources.set(name.slice(prefix.length), name)
    else dropped.push({ name, reason })
  }
  const pieces = inUnilmOrder([...sources.keys()]).map((name) => ({
    name,
    from: [sources.get(name) as string],
  }))
  return { pieces, dropped }
}
