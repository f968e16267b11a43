/** What a file of weights holds, as lines to read. */
import { bytes, grouped } from '../../log/format.js'
import { facts, flatten, section } from '../../log/table.js'
import { rowsOf } from './plain.js'
import { elements, tensorTable } from './tensors.js'
import { trainingRows } from './training_state.js'
import type { WeightsReport } from './weights_report.js'

/** The classes behind the kinds of the library's own files. */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['beit_for_masked_image_modeling', 'BeitForMaskedImageModeling'],
  ['beit_for_image_classification', 'BeitForImageClassification'],
  ['conv_discrete_vae', 'ConvDiscreteVae'],
  ['dalle_dvae', 'DalleTokenizer'],
])

const CONTAINERS: Record<WeightsReport['container'], string> = {
  safetensors: 'safetensors',
  'sharded-safetensors': 'safetensors in several files',
  zip: 'PyTorch, zip (torch.save since 1.6)',
  legacy: 'PyTorch, legacy (torch.save before 1.6)',
  pickle: 'bare pickle',
}

const SOURCES = {
  metadata: 'from its metadata',
  'config.json': 'from the config.json beside it',
  shapes: 'inferred from names and shapes',
} as const

/** Rows of one section: what is more is left to --json. */
const MAX_ROWS = 100
const MAX_CLASSES = 12

/** Lines that can be printed as they are. */
export function weightsLines(report: WeightsReport): string[] {
  const { config, notes, tensors, unreadable, training } = report
  return [
    ...facts([
      ['file', report.path],
      ['format', `${CONTAINERS[report.container]}, ${sizeInWords(report)}`],
      ...(report.picked === null ? [] : [['weights', `under '${report.picked}'`] as const]),
      ['model', modelLine(report)],
      ['tensors', tensorsLine(report)],
      ...notes.map((note) => ['note', note] as const),
    ]),
    ...(config === null ? [] : section(`config, ${SOURCES[config.source]}`, shorten(flatten(config.values)))),
    ...section('metadata', metadataRows(report)),
    ...(training === null ? [] : section('beside the weights', shorten(trainingRows(training)))),
    ...Object.entries(training?.objects ?? {}).flatMap(([name, value]) =>
      section(name, shorten(rowsOf(value))),
    ),
    ...section('named in the file, and not loaded', classRows(report)),
    ...section('shared storages', shorten(sharedRows(report))),
    ...section('tensors that are not read', shorten(unreadable.map(({ name, reason }) => [name, reason]))),
    ...(tensors.length === 0 ? [] : ['', ...tensorTable(tensors)]),
  ]
}

/** Without what is told as model and config. */
function metadataRows({ config, metadata }: WeightsReport) {
  const told = config?.source === 'metadata' ? ['kind', 'config'] : []
  return shorten(Object.entries(metadata).filter(([name]) => !told.includes(name)))
}

function modelLine({ model }: WeightsReport): string {
  if (model === null) return 'unknown: its names are those of no model of this library'
  const name = CLASSES.get(model.kind)
  if (model.words === null) return name ?? model.kind
  return name === undefined ? model.words : `${name}: ${model.words}`
}

function tensorsLine({ tensors, bytes: total }: WeightsReport): string {
  if (tensors.length === 0) return 'none'
  const numbers = tensors.reduce((sum, tensor) => sum + elements(tensor), 0)
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))].join(', ')
  return [tensors.length, `${grouped(numbers)} numbers`, dtypes, bytes(total)].join(', ')
}

function sizeInWords({ files }: WeightsReport): string {
  const total = bytes(files.reduce((sum, file) => sum + file.bytes, 0))
  return files.length === 1 ? total : `${total} in ${files.length - 1} files and their index`
}

function classRows({ classes }: WeightsReport): [string, string][] {
  const rows = classes
    .slice(0, MAX_CLASSES)
    .map(({ name, count }): [string, string] => [name, count === 1 ? 'once' : `${count} times`])
  return classes.length > MAX_CLASSES ? [...rows, [`and ${classes.length - MAX_CLASSES} more`, '']] : rows
}

function sharedRows({ sharedStorages }: WeightsReport): [string, string][] {
  return sharedStorages.map(({ storage, bytes: size, tensors }) => [
    `${storage}, ${bytes(size)}`,
    tensors.join(', '),
  ])
}

function shorten(rows: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  if (rows.length <= MAX_ROWS) return [...rows]
  return [...rows.slice(0, MAX_ROWS), ['...', `${grouped(rows.length - MAX_ROWS)} more; --json has them all`]]
}
