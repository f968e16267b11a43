/** A module with weights from elsewhere. */
import type { Tensor } from '../tensor.js'
import type { Module } from './module.js'

/** A new module with `state` in it; one that it does not fit is disposed. */
export async function makeWithState<M extends Module>(
  make: () => Promise<M>,
  state: ReadonlyMap<string, Tensor>,
): Promise<M> {
  const module = await make()
  try {
    await module.loadStateDict(state)
    return module
  } catch (error) {
    module.dispose()
    throw error
  }
}
