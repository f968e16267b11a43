/**
 * Does a checkpoint hold the model that its configuration says? Told before anything is made by that
 * configuration: a file must not be able to ask for a model larger than itself.
 */
import { BeitError } from '../../errors.js'
import type { BeitArchitecture } from '../naming/architecture.js'
import { blockOf } from '../naming/unilm.js'
import { gridOf } from './grid.js'
import { rowsOf } from './relative_positions.js'

type Shape = readonly number[]

/** How many tensors a message lists. */
const LISTED = 4

const TABLE = 'relative_position_bias_table'
/** The tensors that tell the grid. Without them a small file could claim any, and buffers are made by it. */
const POSITIONS = new RegExp(`^(pos_embed|rel_pos_bias\\.${TABLE}|blocks\\.\\d+\\.attn\\.${TABLE})$`)

/**
 * @param path for the message
 * @param shapes of a whole model under this library's names
 * @throws BeitError ERR_CHECKPOINT_MISMATCH naming tensors that are missing, those of another shape, and
 * positions that the configuration does not ask for; ERR_FORMAT for a model whose buffers would be far larger than
 * the file
 */
export function checkShapes(
  path: string,
  shapes: ReadonlyMap<string, Shape>,
  source: BeitArchitecture,
): void {
  const wrong: string[] = []
  const check = (name: string, expected: Shape, optional = false) => {
    const shape = shapes.get(name)
    if (shape?.join() === expected.join() || (optional && shape === undefined)) return
    const found = shape === undefined ? 'none' : `[${shape.join(', ')}]`
    wrong.push(`${name} has shape [${expected.join(', ')}], got ${found}`)
  }
  for (const [name, shape] of Object.entries(before(source))) check(name, shape)
  for (const [name, shape] of Object.entries(heads(source))) check(name, shape, true)
  const inside = Object.entries(blockShapes(source))
  for (let block = 0; block < source.depth; block++)
    for (const [name, shape] of inside) check(`blocks.${block}.${name}`, shape)
  for (const [name, shape] of shapes) {
    if (POSITIONS.test(name) && !hasPlace(name, source))
      wrong.push(`${name} has no place, got [${shape.join(', ')}]`)
  }
  if (wrong.length === 0) {
    checkIndices(path, shapes, source)
    return
  }
  const rest = wrong.length > LISTED ? `; and ${wrong.length - LISTED} more` : ''
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `${path}: the weights do not fit the configuration: ${wrong.slice(0, LISTED).join('; ')}${rest}`,
  )
}

/**
 * Bytes that indices of relative positions may take whatever the file: one, which all blocks of a model share, and
 * all of them as files keep them.
 */
const ONE_INDEX = 2 ** 30
const ALL_INDICES = 2 ** 32
/** Beyond that, how many for a byte of weights. */
const TIMES_WEIGHTS = 16

/** A table of few rows is enough for a long row of patches, and the index has a number for each pair of them. */
function checkIndices(path: string, shapes: ReadonlyMap<string, Shape>, source: BeitArchitecture): void {
  const { relativePositions, depth } = source
  if (relativePositions === 'none') return
  const [rows, columns] = gridOf(source)
  const index = 8 * (rows * columns + 1) ** 2
  const all = relativePositions === 'shared' ? index : index * depth
  const weights = [...shapes.values()].reduce((sum, shape) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0)
  const most = TIMES_WEIGHTS * weights
  if (index <= Math.max(ONE_INDEX, most) && all <= Math.max(ALL_INDICES, most)) return
  throw new BeitError(
    'ERR_FORMAT',
    `${path}: indices of relative positions for ${rows}x${columns} patches would take ${all} bytes, and all of ` +
      `its weights take ${weights}: it asks for a model far larger than itself`,
  )
}

function hasPlace(name: string, source: BeitArchitecture): boolean {
  if (name === 'pos_embed') return source.absolutePositions
  const [block] = blockOf(name) ?? []
  if (block === undefined) return source.relativePositions === 'shared'
  return source.relativePositions === 'per-block' && block < source.depth
}

/** In front of the blocks. */
function before(source: BeitArchitecture): Record<string, Shape> {
  const { hiddenSize, patchSize, heads, absolutePositions, relativePositions } = source
  const [rows, columns] = gridOf(source)
  return {
    cls_token: [1, 1, hiddenSize],
    'patch_embed.proj.weight': [hiddenSize, 3, patchSize, patchSize],
    'patch_embed.proj.bias': [hiddenSize],
    ...(absolutePositions ? { pos_embed: [1, rows * columns + 1, hiddenSize] } : {}),
    ...(relativePositions === 'shared'
      ? { [`rel_pos_bias.${TABLE}`]: [rowsOf([rows, columns]), heads] }
      : {}),
  }
}

/** What only one of the models has. */
function heads({ hiddenSize, vocabSize, numClasses }: BeitArchitecture): Record<string, Shape> {
  return {
    mask_token: [1, 1, hiddenSize],
    ...(vocabSize === undefined ? {} : head('lm_head', vocabSize, hiddenSize)),
    ...(numClasses === undefined ? {} : head('head', numClasses, hiddenSize)),
  }
}

const head = (name: string, classes: number, hiddenSize: number) => ({
  [`${name}.weight`]: [classes, hiddenSize],
  [`${name}.bias`]: [classes],
})

function blockShapes(source: BeitArchitecture): Record<string, Shape> {
  const { hiddenSize, heads, mlpRatio, layerScaleInit, relativePositions } = source
  const mlp = Math.trunc(hiddenSize * mlpRatio)
  const table = { [`attn.${TABLE}`]: [rowsOf(gridOf(source)), heads] }
  return {
    ...(layerScaleInit > 0 ? { gamma_1: [hiddenSize], gamma_2: [hiddenSize] } : {}),
    'norm1.weight': [hiddenSize],
    'norm1.bias': [hiddenSize],
    'attn.q_bias': [hiddenSize],
    'attn.v_bias': [hiddenSize],
    ...(relativePositions === 'per-block' ? table : {}),
    'attn.qkv.weight': [3 * hiddenSize, hiddenSize],
    'attn.proj.weight': [hiddenSize, hiddenSize],
    'attn.proj.bias': [hiddenSize],
    'norm2.weight': [hiddenSize],
    'norm2.bias': [hiddenSize],
    'mlp.fc1.weight': [mlp, hiddenSize],
    'mlp.fc1.bias': [mlp],
    'mlp.fc2.weight': [hiddenSize, mlp],
    'mlp.fc2.bias': [hiddenSize],
  }
}
