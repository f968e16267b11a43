/**
 * Does a checkpoint hold the model that its configuration says? Told before anything is made by that
 * configuration: a file must not be able to ask for a model larger than itself.
 */
import { BeitError } from '../../errors.js'
import type { BeitArchitecture } from '../naming/architecture.js'
import { gridOf } from './grid.js'
import { rowsOf } from './relative_positions.js'

type Shape = readonly number[]

/** How many tensors a message lists. */
const LISTED = 4

/**
 * @param path for the message
 * @param shapes of a whole model under this library's names
 * @throws BeitError ERR_CHECKPOINT_MISMATCH naming blocks that lack a tensor, and tensors of another shape
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
  for (const [name, shape] of Object.entries(outside(source))) check(name, shape, true)
  const inside = Object.entries(blockShapes(source))
  for (let block = 0; block < source.depth; block++)
    for (const [name, shape] of inside) check(`blocks.${block}.${name}`, shape)
  if (wrong.length === 0) return
  const rest = wrong.length > LISTED ? `; and ${wrong.length - LISTED} more` : ''
  throw new BeitError(
    'ERR_CHECKPOINT_MISMATCH',
    `${path}: the weights do not fit the configuration: ${wrong.slice(0, LISTED).join('; ')}${rest}`,
  )
}

/** Around the blocks, where they are there. */
function outside(source: BeitArchitecture): Record<string, Shape> {
  const { hiddenSize, patchSize, heads, vocabSize, numClasses } = source
  const [rows, columns] = gridOf(source)
  return {
    cls_token: [1, 1, hiddenSize],
    mask_token: [1, 1, hiddenSize],
    pos_embed: [1, rows * columns + 1, hiddenSize],
    'patch_embed.proj.weight': [hiddenSize, 3, patchSize, patchSize],
    'patch_embed.proj.bias': [hiddenSize],
    'rel_pos_bias.relative_position_bias_table': [rowsOf([rows, columns]), heads],
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
  const table = { 'attn.relative_position_bias_table': [rowsOf(gridOf(source)), heads] }
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
