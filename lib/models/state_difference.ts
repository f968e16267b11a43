/** Does a state dict fit a module? Which names are missing or unexpected, and which shapes differ. */
import { BeitError, invalidArgument } from '../errors.js'
import { Tensor } from '../tensor.js'

/** One tensor of a module. */
export interface StateEntry {
  name: string
  shape: readonly number[]
  isBuffer: boolean
}

export interface ShapeDifference {
  name: string
  expected: readonly number[]
  got: readonly number[]
}

/** How many names a message lists of each sort. */
const LISTED = 8

/** What stands between a module and a state dict. */
export class StateDifference {
  constructor(
    /**
     * Parameters of the module that the state dict lacks. Buffers follow from the config and are not missed.
     */
    readonly missing: string[],
    /** Names that the module does not have. */
    readonly unexpected: string[],
    /** Tensors that are in both, of different shapes. */
    readonly shapes: ShapeDifference[],
  ) {}

  /**
   * @throws BeitError ERR_CHECKPOINT_MISMATCH with all three lists; without `strict` only for other shapes.
   */
  throwIfMismatch(target: string, strict: boolean): void {
    if (this.shapes.length === 0 && (!strict || this.missing.length + this.unexpected.length === 0)) return
    const shapes = this.shapes.map(
      ({ name, expected, got }) => `${name} has shape [${expected.join(', ')}], got [${got.join(', ')}]`,
    )
    const parts = [
      ...(strict ? [list('missing', this.missing), list('unexpected', this.unexpected)] : []),
      list('shapes that differ', shapes, '; '),
    ].filter((part) => part !== null)
    const hint =
      this.shapes.length > 0
        ? 'Make the model with the configuration of the checkpoint.'
        : 'To take what fits, use loadStateDict with strict: false, of a model that create made.'
    throw new BeitError(
      'ERR_CHECKPOINT_MISMATCH',
      `the state does not fit ${target}: ${parts.join('. ')}. ${hint}`,
    )
  }
}

/** Compares the tensors of a module with a state dict. */
export function compareState(
  entries: readonly StateEntry[],
  state: ReadonlyMap<string, Tensor>,
): StateDifference {
  const known = new Set(entries.map((entry) => entry.name))
  const missing: string[] = []
  const shapes: ShapeDifference[] = []
  for (const { name, shape, isBuffer } of entries) {
    const given = state.get(name)
    if (given === undefined) {
      if (!isBuffer) missing.push(name)
    } else if (!(given instanceof Tensor)) {
      throw invalidArgument(`state '${name}'`, 'a Tensor', given)
    } else if (given.shape.join() !== shape.join()) {
      shapes.push({ name, expected: shape, got: given.shape })
    }
  }
  return new StateDifference(
    missing,
    [...state.keys()].filter((name) => !known.has(name)),
    shapes,
  )
}

function list(what: string, items: readonly string[], separator = ', '): string | null {
  if (items.length === 0) return null
  const rest = items.length > LISTED ? `${separator}and ${items.length - LISTED} more` : ''
  return `${what} (${items.length}): ${items.slice(0, LISTED).join(separator)}${rest}`
}
