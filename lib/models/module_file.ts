/**
 * A module as one safetensors file: weights, and in its metadata the kind of module and its configuration.
 */
import { readSafetensors, readSafetensorsHeader } from '../checkpoint/safetensors.js'
import { BeitError } from '../errors.js'
import type { Tensor } from '../tensor.js'
import type { Module, ModuleKind } from './module.js'

/**
 * The kind and configuration that `save` put into the metadata; null where the file is not of this library.
 */
export async function describeModuleFile(path: string): Promise<{ kind: string; config: object } | null> {
  const { metadata } = await readSafetensorsHeader(path)
  const { kind, config } = metadata
  if (kind === undefined || config === undefined) return null
  try {
    return { kind, config: JSON.parse(config) as object }
  } catch (cause) {
    throw new BeitError('ERR_FORMAT', `${path}: the config in its metadata is not JSON`, { cause })
  }
}

/**
 * Makes a module with the configuration of the file and copies its weights in.
 *
 * @param make from the configuration, which it checks; the weights may be anything
 */
export async function loadModuleFile<M extends Module>(
  path: string,
  kind: ModuleKind,
  make: (config: object) => Promise<M>,
): Promise<M> {
  const description = await describeModuleFile(path)
  if (description?.kind !== kind) {
    const found = description === null ? 'no configuration of beit-torch' : `a ${description.kind}`
    throw new BeitError(
      'ERR_FORMAT',
      `${path} holds ${found} in its metadata, expected a ${kind}. For weights from elsewhere, ` +
        'create() a model of their configuration and loadStateDict() what readCheckpoint() gives.',
    )
  }
  const { tensors } = await readSafetensors(path)
  try {
    return await makeWithState(() => make(description.config), tensors)
  } finally {
    for (const tensor of tensors.values()) tensor.dispose()
  }
}

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
