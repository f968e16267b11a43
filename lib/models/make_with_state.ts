/** A module with weights from elsewhere. */
import type { Tensor } from '../tensor.js'
import type { Module } from './module.js'
import { StateDifference } from './state_difference.js'

/**
 * A new module with `state` in it; one that it does not fit is disposed.
 *
 * @param initial names that may be missing: the module keeps its own values
 * @throws BeitError ERR_CHECKPOINT_MISMATCH
 */
export async function makeWithState<M extends Module>(
  make: () => Promise<M>,
  state: ReadonlyMap<string, Tensor>,
  initial: readonly string[] = [],
): Promise<M> {
  const module = await make()
  try {
    const { missing, unexpected } = await module.loadStateDict(state, { strict: initial.length === 0 })
    const difference = new StateDifference(
      missing.filter((name) => !initial.includes(name)),
      unexpected,
      [],
    )
    difference.throwIfMismatch(module.constructor.name, true)
    return module
  } catch (error) {
    module.dispose()
    throw error
  }
}
