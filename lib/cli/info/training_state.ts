/** What a checkpoint of a training script holds beside the weights: counters, optimizers, arguments. */
import { openFileSource } from '../../checkpoint/byte_source.js'
import type { CheckpointFile } from '../../checkpoint/checkpoint_file.js'
import { isPlainObject, type PlainData, PlainRecord, TensorRecord } from '../../checkpoint/records.js'
import { partsOf, tensorRecordsIn } from '../../checkpoint/walk_data.js'
import { elementSize } from '../../tensor_data.js'
import { inWords, type Json, toJson } from './plain.js'
import { storageBytes } from './tensors.js'

/** An optimizer in PyTorch's layout: { state: { 0: { exp_avg, ... }, ... }, param_groups: [...] }. */
export interface OptimizerReport {
  /** The key it stands under: 'optimizer'. */
  name: string
  /** Settings of each group; `params` is their number. */
  groups: { [setting: string]: Json }[]
  /** How many parameters have a state, and what it is made of: { exp_avg: 205, exp_avg_sq: 205 }. */
  states: number
  moments: Record<string, number>
  bytes: number
  /** Steps of the first parameter. */
  step: Json
}

export interface TrainingState {
  /** Counters and other single values: { epoch: 7 }. */
  values: Record<string, Json>
  optimizers: OptimizerReport[]
  /** Arguments, schedules, scalers, ...: whatever has parts and no tensors. */
  objects: Record<string, PlainData>
  /** Other weights: { name: 'model_ema', tensors: 205, bytes } */
  weights: { name: string; tensors: number; bytes: number }[]
}

/** null where there is nothing beside the weights. */
export function readTrainingState(file: CheckpointFile): TrainingState | null {
  const { data, picked, format } = file
  if (format !== 'pytorch' || !isPlainObject(data)) return null
  const named = () => Object.create(null)
  const state: TrainingState = { values: named(), optimizers: [], objects: named(), weights: [] }
  for (const [name, value] of Object.entries(data)) {
    if (name === picked || value instanceof TensorRecord) continue
    // What this library wrote beside the weights, which is told with them.
    if (name === 'metadata' && Object.keys(file.metadata).length > 0) continue
    sortIn(state, name, value)
  }
  const { values, optimizers, objects, weights } = state
  const found = [...Object.keys(values), ...Object.keys(objects), ...optimizers, ...weights]
  return found.length === 0 ? null : state
}

function sortIn(state: TrainingState, name: string, value: PlainData): void {
  if (partsOf(value).length === 0) {
    state.values[name] = value !== null && typeof value === 'object' ? inWords(value) : toJson(value)
    return
  }
  // Lightning keeps a list of optimizers.
  const candidates: [string, PlainData][] = Array.isArray(value)
    ? value.map((item, i) => [`${name}.${i}`, item])
    : [[name, value]]
  const optimizers = candidates.filter(([, candidate]) => isOptimizer(candidate))
  if (optimizers.length > 0 && optimizers.length === candidates.length) {
    for (const [key, optimizer] of optimizers) {
      state.optimizers.push(describeOptimizer(key, optimizer))
    }
    return
  }
  const tensors = tensorRecordsIn(value)
  if (value instanceof PlainRecord && tensors.length === 0) state.values[name] = inWords(value)
  else if (tensors.length === 0) state.objects[name] = value
  else state.weights.push({ name, tensors: tensors.length, bytes: storageBytes(tensors) })
}

function isOptimizer(value: PlainData): boolean {
  return isPlainObject(value) && Array.isArray(value.param_groups) && value.state !== undefined
}

function describeOptimizer(name: string, optimizer: PlainData): OptimizerReport {
  const { param_groups: groups, state } = optimizer as { param_groups: PlainData[]; state: PlainData }
  const states = partsOf(state).map(([, moments]) => moments)
  const counts: Record<string, number> = Object.create(null)
  for (const moments of states) {
    for (const [moment] of partsOf(moments)) counts[moment] = (counts[moment] ?? 0) + 1
  }
  const [first = null] = states
  return {
    name,
    groups: groups.map(describeGroup),
    states: states.length,
    moments: counts,
    bytes: storageBytes(tensorRecordsIn(state)),
    step: stepOf(isPlainObject(first) ? (first.step ?? null) : null),
  }
}

function describeGroup(group: PlainData): { [setting: string]: Json } {
  const settings = isPlainObject(group) ? group : {}
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      name === 'params' && Array.isArray(value) ? value.length : toJson(value),
    ]),
  )
}

/** A number in old files, and a tensor of one number in files since PyTorch 1.12. */
function stepOf(step: PlainData): Json {
  return step instanceof TensorRecord ? readNumber(step) : toJson(step)
}

/** Read here, as telling what a file holds should not need the addon. */
function readNumber({ dtype, shape, storage, storageOffset }: TensorRecord): number | null {
  if (shape.some((size) => size !== 1)) return null
  const source = openFileSource(storage.path)
  try {
    const size = elementSize(dtype)
    const bytes = Buffer.from(source.read(storage.offset + storageOffset * size, size))
    if (dtype === 'float32') return bytes.readFloatLE()
    if (dtype === 'float64') return bytes.readDoubleLE()
    return dtype === 'int64' ? Number(bytes.readBigInt64LE()) : null
  } finally {
    source.close()
  }
}

/** Rows of text: the counters, the optimizers, other weights. */
export function trainingRows({ values, optimizers, weights }: TrainingState): [string, string][] {
  return [
    ...Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]),
    ...optimizers.flatMap(optimizerRows),
    ...weights.map(({ name, tensors }): [string, string] => [name, `${tensors} tensors`]),
  ]
}

function optimizerRows({ name, groups, states, moments, step }: OptimizerReport): [string, string][] {
  const parts = Object.keys(moments).join(', ')
  const state = states === 0 ? 'no state yet' : `state of ${states} parameters (${parts})`
  const steps = step === null ? '' : `, after step ${String(step)}`
  return [
    [name, `${groups.length} ${groups.length === 1 ? 'group' : 'groups'}, ${state}${steps}`],
    ...groups.map(({ params = 0, ...settings }, i): [string, string] => [
      `  group ${i}`,
      [`${String(params)} parameters`, ...Object.entries(settings).flatMap(settingInWords)].join(', '),
    ]),
  ]
}

/** 'betas [0.9, 0.98]'; what is off is left out. */
function settingInWords([name, value]: [string, Json]): string[] {
  if (value === null || value === false) return []
  return [`${name} ${Array.isArray(value) ? `[${value.map(String).join(', ')}]` : String(value)}`]
}
