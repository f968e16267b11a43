/**
 * Relative position tables for another grid, and for each block where all shared one, as fine-tuning of the
 * original does it (run_class_finetuning.py of microsoft/unilm, beit/). How a table is resized stands in
 * native/ops/resize_positions.h.
 */
import { BeitError } from '../../errors.js'
import type { BeitArchitecture } from '../naming/architecture.js'
import { by } from './adaptation.js'
import { gridOf } from './grid.js'
import type { AdaptationPlan } from './plan.js'

const TABLE = 'relative_position_bias_table'
const INDEX = 'relative_position_index'

/** @throws BeitError ERR_CHECKPOINT_MISMATCH where the tables of blocks should become one */
export function planRelativePositions(
  plan: AdaptationPlan,
  source: BeitArchitecture,
  target: BeitArchitecture,
): void {
  const [before, after] = [source.relativePositions, target.relativePositions]
  const [from, to] = [gridOf(source), gridOf(target)]
  const resized = by(from) !== by(to)
  if (before === after && (before === 'none' || !resized)) return
  const tables = places(source, TABLE)
  const indices = places(source, INDEX)
  if (after === 'none') {
    plan.drop([...tables, ...indices], 'the model has no relative positions')
    return
  }
  if (before === 'none') {
    const shape = [rowsOf(to), target.heads]
    plan.initialise([], all(places(target, TABLE), shape), 'the checkpoint has no relative positions')
    return
  }
  if (before === 'per-block' && after === 'shared') {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      "the relative position tables of a checkpoint's blocks cannot become one: " +
        "leave relativePositions at 'per-block'",
    )
  }
  const tokens = to[0] * to[1] + 1
  plan.recompute(
    indices,
    all(places(target, INDEX), [tokens, tokens]),
    `the index of relative positions of ${by(to)} patches`,
  )
  const targets = places(target, TABLE)
  if (before !== after) {
    const line = `the shared relative position table, to one in each of ${target.depth} blocks`
    plan.expand(tables[0] as string, targets, line)
  }
  if (resized) {
    const many =
      targets.length > 1 ? `${targets.length} relative position tables` : 'the relative position table'
    plan.change(
      'resized',
      targets,
      { kind: 'relative-positions', from, to },
      ([, heads = 0]) => [rowsOf(to), heads],
      `${many} from ${by(from)} to ${by(to)} patches, by a cubic spline through geometric offsets`,
    )
  }
}

/** Where tensors of relative positions are. */
function places({ relativePositions, depth }: BeitArchitecture, name: string): string[] {
  if (relativePositions === 'none') return []
  if (relativePositions === 'shared') return [`rel_pos_bias.${name}`]
  return Array.from({ length: depth }, (_, block) => `blocks.${block}.attn.${name}`)
}

/** Rows of a table: one an offset of two patches, three for pairs with the class token. */
export const rowsOf = ([rows, columns]: readonly [number, number]) => (2 * rows - 1) * (2 * columns - 1) + 3

const all = (names: readonly string[], shape: readonly number[]) =>
  Object.fromEntries(names.map((name) => [name, shape]))
