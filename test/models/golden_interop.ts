/** The golden models of transformers: weights under its names with their config.json, inputs and outputs. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import type { Tensor } from '../../lib/tensor.js'
import { fixture } from '../support/golden.js'
import { temporary } from '../support/temporary.js'
import { tensorsOf, under } from '../support/tensors.js'

/**
 * A folder as `save_pretrained` leaves it, and what its model gives.
 *
 * @param options.config false: without config.json
 */
export async function interopFolder(
  name: 'hf_mim' | 'hf_cls',
  options: { config?: boolean } = {},
): Promise<{ path: string; golden: Map<string, Tensor> }> {
  const tensors = await tensorsOf(fixture(`interop.${name}.safetensors`))
  const folder = temporary()
  const path = join(folder, 'model.safetensors')
  const state = new Map([...tensors].filter(([key]) => !key.startsWith('golden.')))
  await writeSafetensors(path, state, { format: 'pt' })
  if (options.config !== false) {
    copyFileSync(fixture(`interop.${name}.config.json`), join(folder, 'config.json'))
  }
  return { path, golden: under('golden.', tensors) }
}
