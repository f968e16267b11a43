/** The architecture of a BEiT from the names and shapes of its tensors, where no configuration says it. */
import { BeitError } from '../../errors.js'
import { type BeitArchitecture, mlpRatioOf, type Told } from './architecture.js'
import { gridsOf } from './grids.js'
import type { Shapes } from './recipe.js'
import { numbersBehind } from './unilm.js'

/** Every BEiT that was published has this many channels a head. */
const HEAD_SIZE = 64
/** First values of LayerScale of the release: by width, as a trained file does not hold them. */
const layerScaleInit = (hiddenSize: number) => (hiddenSize >= 1024 ? 1e-5 : 0.1)

const TABLE = 'relative_position_bias_table'

/** What the caller knows of a file that its shapes do not tell. */
export type KnownArchitecture = Partial<Pick<BeitArchitecture, 'imageSize' | 'heads' | 'normEps'>> & {
  /**
   * [height, width] of the model that the file is to become: taken for the file's own where its shapes fit that and
   * no square.
   */
  modelSize?: readonly [height: number, width: number]
}

/**
 * Reads an architecture off a state dict in this library's names.
 *
 * @param path for messages
 * @param known goes before what would be assumed
 * @param patches of an image where the file says it otherwise (by an index buffer); null: it does not
 * @throws BeitError ERR_CHECKPOINT_MISMATCH when it is not a BEiT's; ERR_INVALID_ARGUMENT when only the caller
 * can say what it is: the image size of a rectangle, heads of an unusual width
 */
export function inferArchitecture(
  path: string,
  shapes: Shapes,
  known: KnownArchitecture = {},
  patches: number | null = null,
): Told {
  const notes: string[] = []
  const shape = (name: string, dimensions: number) => {
    const found = shapes.get(name)
    if (found?.length === dimensions) return found as readonly [number, number, number, number]
    const what = found === undefined ? 'is missing' : `has shape [${found.join(', ')}]`
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `${path} holds no whole BEiT: ${name} ${what}, expected a tensor of ${dimensions} dimensions`,
    )
  }

  const [hiddenSize, channels, patchSize, patchWidth] = shape('patch_embed.proj.weight', 4)
  if (channels !== 3 || patchSize !== patchWidth) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `${path}: patch_embed.proj.weight has shape [${shapes.get('patch_embed.proj.weight')?.join(', ')}], ` +
        'expected [hidden, 3, side, side]: square patches of RGB',
    )
  }
  const [mlpSize] = shape('blocks.0.mlp.fc1.weight', 2)
  const perBlock = shapes.has(`blocks.0.attn.${TABLE}`)
  const shared = shapes.has(`rel_pos_bias.${TABLE}`)
  if (perBlock && shared) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `${path} has relative position tables of each block and one that all share: BEiT has one or the other`,
    )
  }
  const table = perBlock
    ? shape(`blocks.0.attn.${TABLE}`, 2)
    : shared
      ? shape(`rel_pos_bias.${TABLE}`, 2)
      : null
  const positions = shapes.has('pos_embed') ? shape('pos_embed', 3)[1] - 1 : patches
  const [rows, columns] = gridOf(path, positions, table?.[0] ?? null, known, patchSize, notes)
  const scaled = shapes.has('blocks.0.gamma_1')
  const architecture: BeitArchitecture = {
    imageSize: [rows * patchSize, columns * patchSize],
    patchSize,
    hiddenSize,
    depth: depthOf(path, shapes),
    heads: table?.[1] ?? headsOf(path, hiddenSize, known, notes),
    mlpRatio: mlpRatioOf(mlpSize, hiddenSize),
    layerScaleInit: scaled ? layerScaleInit(hiddenSize) : 0,
    absolutePositions: shapes.has('pos_embed'),
    relativePositions: perBlock ? 'per-block' : shared ? 'shared' : 'none',
    normEps: known.normEps ?? 1e-6,
  }
  if (shapes.has('lm_head.weight')) architecture.vocabSize = shape('lm_head.weight', 2)[0]
  // Pre-training without its head has a norm that is no sign of pooling.
  else if (shapes.has('head.weight') || !shapes.has('mask_token')) {
    architecture.pooling = shapes.has('fc_norm.weight') ? 'mean' : 'cls'
  }
  if (shapes.has('head.weight')) architecture.numClasses = shape('head.weight', 2)[0]
  return { architecture, notes }
}

function depthOf(path: string, shapes: Shapes): number {
  const blocks = numbersBehind(/^blocks\.(\d+)\./, shapes.keys())
  const gap = blocks.findIndex((number, i) => number !== i)
  if (gap < 0) return blocks.length
  throw new BeitError('ERR_CHECKPOINT_MISMATCH', `${path} has block ${blocks[gap]}, but no block ${gap}`)
}

function headsOf(path: string, hiddenSize: number, { heads }: KnownArchitecture, notes: string[]): number {
  if (heads !== undefined) return heads
  if (hiddenSize % HEAD_SIZE !== 0) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `${path} does not tell its number of attention heads: it has no relative position table, and its ` +
        `hidden size ${hiddenSize} is no multiple of ${HEAD_SIZE}. Pass heads.`,
    )
  }
  const assumed = hiddenSize / HEAD_SIZE
  notes.push(
    `heads ${assumed} is assumed, for ${HEAD_SIZE} channels a head: shapes do not tell. Else pass heads`,
  )
  return assumed
}

/** [rows, columns] of patches. */
function gridOf(
  path: string,
  positions: number | null,
  tableRows: number | null,
  { imageSize, modelSize }: KnownArchitecture,
  patchSize: number,
  notes: string[],
): readonly [number, number] {
  if (positions === null && tableRows === null) {
    const size = imageSize ?? modelSize
    if (size) return [size[0] / patchSize, size[1] / patchSize]
    const side = Math.max(1, Math.round(224 / patchSize))
    notes.push(`imageSize ${side * patchSize} is assumed: nothing in the file depends on it`)
    return [side, side]
  }
  const grids = gridsOf(positions, tableRows)
  const fitting = (size: readonly [number, number] | undefined) =>
    size && grids.find((grid) => grid.every((side, i) => side * patchSize === size[i]))
  const square = grids.find(([rows, columns]) => rows === columns)
  const evidence = [
    ...(positions === null ? [] : [`${positions} patches`]),
    ...(tableRows === null ? [] : [`${tableRows} rows of the relative position table`]),
  ].join(' and ')
  const [told, asked] = [fitting(imageSize), fitting(modelSize)]
  if (told) return told
  if (grids.length > 0 && imageSize === undefined) {
    if (asked && asked !== square) notes.push(guessNote(evidence, asked, square, patchSize))
    const grid = square ?? asked
    if (grid) return grid
  }
  throw noGrid(path, evidence, grids, { imageSize, modelSize }, patchSize)
}

type Grid = readonly [rows: number, columns: number]

const sizeOf = ([rows, columns]: Grid, patchSize: number) => `[${rows * patchSize}, ${columns * patchSize}]`

/** A file that fits the size of the model, and perhaps a square as well. */
function guessNote(evidence: string, asked: Grid, square: Grid | undefined, patchSize: number): string {
  const size = sizeOf(asked, patchSize)
  if (square === undefined) {
    return `the file is taken for one of imageSize ${size}, as its ${evidence} fit. Else pass from: { imageSize }`
  }
  return (
    `the file is taken for one of imageSize ${sizeOf(square, patchSize)}; its ${evidence} fit ${size} as well. ` +
    `If that is its own, pass from: { imageSize: ${size} }`
  )
}

/** Shapes that fit no size, another one than was said, or too many. */
function noGrid(
  path: string,
  evidence: string,
  grids: readonly Grid[],
  { imageSize, modelSize }: KnownArchitecture,
  patchSize: number,
): BeitError {
  if (grids.length === 0) {
    return new BeitError('ERR_CHECKPOINT_MISMATCH', `${path}: no grid of patches has ${evidence}`)
  }
  const sizes = grids.map((grid) => sizeOf(grid, patchSize))
  const fit = `${evidence} are those of ${sizes.slice(0, 8).join(', ')}${sizes.length > 8 ? ', ...' : ''}`
  if (imageSize !== undefined) {
    const said = `imageSize [${imageSize.join(', ')}]`
    return new BeitError('ERR_INVALID_ARGUMENT', `${path} is no file of ${said}: its ${fit}`)
  }
  const pass =
    modelSize === undefined ? 'imageSize, [height, width]' : 'its own as from: { imageSize: [height, width] }'
  return new BeitError('ERR_INVALID_ARGUMENT', `${path} does not tell its image size: ${fit}. Pass ${pass}.`)
}
