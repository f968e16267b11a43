/** A checkpoint as a source of named tensors, of which only those asked for are read. */
import { native } from '../binding.js'
import { resolveDevice } from '../device.js'
import { Tensor } from '../tensor.js'
import { refuseOtherFormats } from './read_checkpoint.js'
import { readSafetensorsHeader, type TensorRecord } from './safetensors.js'

export interface WeightFile {
  readonly path: string
  readonly format: string
  readonly tensors: ReadonlyMap<string, TensorRecord>
  readonly metadata: Readonly<Record<string, string>>
  /** What a user should know of how it was opened. */
  readonly notes: readonly string[]
  /** Reads the tensors of these names, in this order. */
  read(names: readonly string[], options?: { device?: string }): Promise<Map<string, Tensor>>
}

/**
 * Opens a checkpoint without reading a tensor of it.
 * @throws BeitError ERR_FORMAT, ERR_IO
 */
export async function openWeightFile(path: string): Promise<WeightFile> {
  await refuseOtherFormats(path)
  const { tensors: records, metadata } = await readSafetensorsHeader(path)
  const tensors = new Map(records.map((record) => [record.name, record]))
  return {
    path,
    format: 'safetensors',
    tensors,
    metadata,
    notes: [],
    async read(names, { device = 'cpu' } = {}) {
      const chosen = names.map((name) => tensors.get(name) as TensorRecord)
      const handles = await native().tensorsFromFile(
        path,
        chosen.map(({ shape }) => shape),
        chosen.map(({ dtype }) => dtype),
        chosen.map(({ offset }) => offset),
        await resolveDevice(device),
      )
      return new Map(handles.map((handle, i) => [names[i] as string, new Tensor(handle)]))
    },
  }
}
