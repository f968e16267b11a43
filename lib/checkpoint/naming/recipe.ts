/**
 * A change of names as data: of what each tensor of the result is made. It follows from names alone, so a file
 * can be described, and no more of it read than is needed, before any tensor is there.
 */
import { native } from '../../binding.js'
import { BeitError } from '../../errors.js'
import { Tensor } from '../../tensor.js'

/** One tensor of the result. */
export interface Piece {
  readonly name: string
  /** One tensor of the source, or several, which are joined along the first dimension. */
  readonly from: readonly string[]
  /** Not the whole of it: one of `of` equal parts of the first dimension. */
  readonly part?: { readonly index: number; readonly of: number }
}

/** A tensor of the source of which nothing is made. */
export interface Dropped {
  /** Of the tensor. */
  readonly name: string
  /** Why it has no place. */
  readonly reason: string
}

export interface Recipe {
  /** In the order of the result. */
  readonly pieces: readonly Piece[]
  readonly dropped: readonly Dropped[]
}

/** Sizes by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>

/** The sizes of the tensors of a state dict, or of their records. */
export function shapesOf(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): Map<string, readonly number[]> {
  return new Map([...tensors].map(([name, { shape }]) => [name, shape]))
}

/** The recipe without the pieces whose names `unwanted` finds. */
export function without(recipe: Recipe, unwanted: (name: string) => boolean): Recipe {
  return { ...recipe, pieces: recipe.pieces.filter(({ name }) => !unwanted(name)) }
}

/** The names of the source that are needed. */
export function namesUsed({ pieces }: Recipe): string[] {
  return [...new Set(pieces.flatMap(({ from }) => from))]
}

/**
 * The shapes of the result.
 * @throws BeitError ERR_CHECKPOINT_MISMATCH for parts that cannot be cut or joined
 */
export function shapesAfter({ pieces }: Recipe, shapes: Shapes): Map<string, readonly number[]> {
  return new Map(
    pieces.map((piece) => {
      const sources = piece.from.map((name) => shapes.get(name) as readonly number[])
      return [piece.name, piece.part ? cutShape(piece, sources) : joinedShape(piece, sources)]
    }),
  )
}

/**
 * The tensors of the result. Those that are taken as they are stay the same objects; the others are new.
 * @throws BeitError ERR_CHECKPOINT_MISMATCH for parts that cannot be cut or joined
 */
export async function tensorsAfter(
  recipe: Recipe,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Map<string, Tensor>> {
  shapesAfter(recipe, shapesOf(tensors))
  const result = new Map<string, Tensor>()
  for (const { name, from, part } of recipe.pieces) {
    const sources = from.map((source) => tensors.get(source) as Tensor)
    const [first] = sources as [Tensor]
    if (part) {
      const rows = (first.shape[0] as number) / part.of
      result.set(name, new Tensor(await native().tensorRows(first.handle, part.index * rows, rows)))
    } else if (sources.length > 1) {
      result.set(name, new Tensor(await native().tensorJoin(sources.map(({ handle }) => handle))))
    } else {
      result.set(name, first)
    }
  }
  return result
}

function cutShape({ from, part }: Piece, [shape = []]: readonly (readonly number[])[]): readonly number[] {
  const [rows = 0, ...rest] = shape
  const { of } = part as { of: number }
  if (shape.length === 0 || rows % of !== 0) {
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `${from[0]} has shape [${shape.join(', ')}], expected ${of} parts of equal size along the first dimension`,
    )
  }
  return [rows / of, ...rest]
}

function joinedShape({ from }: Piece, shapes: readonly (readonly number[])[]): readonly number[] {
  const [first = []] = shapes
  if (shapes.length === 1) return first
  const [, ...rest] = first
  if (shapes.some((shape) => shape.length === 0 || shape.slice(1).join() !== rest.join())) {
    const found = from.map((name, i) => `${name} [${shapes[i]?.join(', ')}]`)
    throw new BeitError('ERR_CHECKPOINT_MISMATCH', `these do not fit behind one another: ${found.join(', ')}`)
  }
  return [shapes.reduce((sum, [rows = 0]) => sum + rows, 0), ...rest]
}
