/**
 * An adaptation before it is done: of which tensor of the checkpoint each tensor of the model is made, and
 * how. It follows from names and shapes alone, so what a load would do can be told without reading a tensor,
 * and no more has to be read than is used.
 */
import { native } from '../../binding.js'
import { BeitError } from '../../errors.js'
import type { TensorHandle } from '../../native.js'
import { Tensor } from '../../tensor.js'
import type { Adaptation, Shapes } from './adaptation.js'

/** [rows, columns] of patches. */
export type Grid = readonly [number, number]

/** What makes the new tensor of the old one. */
export type Operation =
  | { readonly kind: 'relative-positions'; readonly from: Grid; readonly to: Grid }
  | { readonly kind: 'absolute-positions'; readonly from: Grid; readonly to: Grid }
  | { readonly kind: 'patch-embedding'; readonly side: number }

/** How one tensor of the model comes about. */
interface Piece {
  /** Name in the checkpoint. */
  readonly from: string
  readonly shape: readonly number[]
  /** null: as it is. */
  readonly operation: Operation | null
}

export class AdaptationPlan {
  readonly #pieces: Map<string, Piece>
  /** In the order in which they are done. */
  readonly adaptations: Adaptation[] = []

  /** Begins with every tensor as it is. */
  constructor(shapes: ReadonlyMap<string, readonly number[]>) {
    this.#pieces = new Map([...shapes].map(([name, shape]) => [name, { from: name, shape, operation: null }]))
  }

  has(name: string): boolean {
    return this.#pieces.has(name)
  }

  /** Those of `names` that are there, with their shapes. */
  shapes(names: readonly string[]): Shapes {
    const found = names.filter((name) => this.has(name))
    return Object.fromEntries(found.map((name) => [name, this.#piece(name).shape]))
  }

  /** The tensors of the checkpoint that are needed. */
  get namesUsed(): string[] {
    return [...new Set([...this.#pieces.values()].map(({ from }) => from))]
  }

  /** The tensors of the model that the result does not hold: it begins with its own values for them. */
  get initialised(): string[] {
    const fresh = this.adaptations.filter(({ what }) => what === 'initialised')
    return fresh.flatMap(({ to }) => Object.keys(to))
  }

  /** Leaves `names` out: the model has no place for them. */
  drop(names: readonly string[], why: string): void {
    const from = this.#remove(names)
    this.#note({ what: 'dropped', from, to: {}, line: `dropped: ${listed(from)} (${why})` })
  }

  /** Leaves `names` out: the model computes `to` from its configuration. */
  recompute(names: readonly string[], to: Shapes, line: string): void {
    this.#note({ what: 'recomputed', from: this.#remove(names), to, line: `recomputed: ${line}` })
  }

  /** The model begins with new values for `to`; what the checkpoint has of `names` is left out. */
  initialise(names: readonly string[], to: Shapes, why: string): void {
    const line = `initialised: ${listed(to)} (${why})`
    this.adaptations.push({ what: 'initialised', from: this.#remove(names), to, line })
  }

  /** The one tensor `name` takes each name of `to`. */
  expand(name: string, to: readonly string[], line: string): void {
    const piece = this.#piece(name)
    const from = this.#remove([name])
    for (const target of to) this.#pieces.set(target, piece)
    this.#note({ what: 'expanded', from, to: this.shapes(to), line: `expanded: ${line}` })
  }

  /** Each tensor of `names` goes through `operation`, after which it has this shape. */
  change(
    what: Adaptation['what'],
    names: readonly string[],
    operation: Operation,
    shapeAfter: (shape: readonly number[]) => readonly number[],
    line: string,
  ): void {
    const from = Object.fromEntries(names.map((name) => [name, this.#piece(name).shape]))
    for (const name of names) {
      const piece = this.#piece(name)
      this.#pieces.set(name, { from: piece.from, shape: shapeAfter(piece.shape), operation })
    }
    this.#note({ what, from, to: this.shapes(names), line: `${what}: ${line}` })
  }

  /**
   * Does it. Tensors that stay as they are, are those of `state`; one that several names share is made once.
   * @throws BeitError ERR_CHECKPOINT_MISMATCH for a tensor whose shape is not that of the configuration
   */
  async apply(state: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    const made = new Map<string, Tensor>()
    try {
      const result = new Map<string, Tensor>()
      for (const [name, { from, operation }] of this.#pieces) {
        const tensor = state.get(from) as Tensor
        if (operation === null) {
          result.set(name, tensor)
          continue
        }
        const key = JSON.stringify([from, operation])
        const changed = made.get(key) ?? new Tensor(await run(operation, tensor.handle))
        made.set(key, changed)
        result.set(name, changed)
      }
      return result
    } catch (error) {
      for (const tensor of made.values()) tensor.dispose()
      throw error
    }
  }

  #piece(name: string): Piece {
    const piece = this.#pieces.get(name)
    if (piece !== undefined) return piece
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `the checkpoint has no ${name}, which its configuration asks for`,
    )
  }

  /** The shapes of what was there of `names` and no longer is. */
  #remove(names: readonly string[]): Shapes {
    const shapes = this.shapes(names)
    for (const name of names) this.#pieces.delete(name)
    return shapes
  }

  /** What touches no tensor of the checkpoint is nothing to tell. */
  #note(adaptation: Adaptation): void {
    if (Object.keys(adaptation.from).length > 0) this.adaptations.push(adaptation)
  }
}

/** How many names a line tells. */
const LISTED = 6

function listed(shapes: Shapes): string {
  const names = Object.keys(shapes)
  const rest = names.length > LISTED ? ` and ${names.length - LISTED} more` : ''
  return `${names.slice(0, LISTED).join(', ')}${rest}`
}

function run(operation: Operation, tensor: TensorHandle): Promise<TensorHandle> {
  switch (operation.kind) {
    case 'relative-positions':
      return native().resizeRelativePositions(tensor, operation.from, operation.to)
    case 'absolute-positions':
      return native().resizeAbsolutePositions(tensor, operation.from, operation.to)
    case 'patch-embedding':
      return native().resamplePatchEmbedding(tensor, operation.side)
  }
}
