/** What a file of weights holds, from its header alone. */
import { stat } from 'node:fs/promises'
import { readSafetensorsHeader, type SafetensorsRecord } from '../../checkpoint/safetensors.js'
import { bytes, grouped } from '../../log/format.js'
import { columns, flatten } from './table.js'

/** The classes behind the `kind` of the library's own files. */
const CLASSES: Record<string, string> = {
  beit_for_masked_image_modeling: 'BeitForMaskedImageModeling',
  beit_for_image_classification: 'BeitForImageClassification',
  conv_discrete_vae: 'ConvDiscreteVae',
  dalle_dvae: 'DalleTokenizer',
}

/**
 * Format, model, configuration, metadata, and each tensor with dtype, shape and size.
 * @throws BeitError ERR_FORMAT, ERR_IO
 */
export async function describeWeights(path: string): Promise<string[]> {
  const { tensors, metadata } = await readSafetensorsHeader(path)
  const { kind, config, ...others } = metadata
  const { size } = await stat(path)
  const facts: [string, string][] = [
    ['file', path],
    ['format', `safetensors, ${bytes(size)}`],
    ['model', kind === undefined ? guess(tensors) : (CLASSES[kind] ?? kind)],
    ['tensors', `${tensors.length}, ${grouped(elements(tensors))} numbers, ${dtypes(tensors)}`],
  ]
  return [
    ...columns(facts),
    ...section('config', config === undefined ? [] : configRows(config)),
    ...section('metadata', Object.entries(others)),
    '',
    ...columns([['tensor', 'dtype', 'shape', 'size'], ...tensors.map(tensorRow)], [3]),
  ]
}

/** A foreign file may mean anything by `config`: what is not JSON of an object is shown as it is. */
function configRows(config: string): [string, string][] {
  try {
    const value: unknown = JSON.parse(config)
    if (typeof value === 'object' && value !== null) return flatten(value)
  } catch {
    // Not JSON.
  }
  return [['config', config]]
}

function section(title: string, rows: readonly [string, string][]): string[] {
  return rows.length === 0 ? [] : ['', title, ...columns(rows).map((line) => `  ${line}`)]
}

const tensorRow = ({ name, dtype, shape, bytes: size }: SafetensorsRecord) => [
  name,
  dtype,
  `[${shape.join(', ')}]`,
  bytes(size),
]

/** Files from elsewhere have no kind; the names of the original release tell. */
function guess(tensors: readonly SafetensorsRecord[]): string {
  const names = new Set(tensors.map(({ name }) => name))
  const unmarked = 'no kind in its metadata'
  if (names.has('mask_token') && names.has('lm_head.weight'))
    return `BEiT for masked image modelling by its names (${unmarked})`
  if (names.has('cls_token') && names.has('head.weight'))
    return `BEiT for image classification by its names (${unmarked})`
  if ([...names].some((name) => /^(encoder\.|decoder\.)?blocks\.group_1\./.test(name)))
    return `DALL-E dVAE by its names (${unmarked})`
  return `unknown (${unmarked})`
}

function elements(tensors: readonly SafetensorsRecord[]): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0)
}

function dtypes(tensors: readonly SafetensorsRecord[]): string {
  return [...new Set(tensors.map(({ dtype }) => dtype))].join(', ')
}
