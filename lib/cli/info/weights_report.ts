/** What a file of weights holds, as data: from its structure, without a weight read. */
import { stat } from 'node:fs/promises'
import type { CheckpointFile, Container } from '../../checkpoint/checkpoint_file.js'
import { type Description, describeCheckpoint, ownConfig } from '../../checkpoint/naming/describe.js'
import type { Naming } from '../../checkpoint/naming/identify.js'
import { modelInWords } from '../../checkpoint/naming/report.js'
import { openCheckpoint } from '../../checkpoint/read_checkpoint.js'
import {
  isPlainObject,
  type PlainData,
  PlainRecord,
  TensorRecord,
  UnreadableTensor,
} from '../../checkpoint/records.js'
import { valuesIn } from '../../checkpoint/walk_data.js'
import { BeitError } from '../../errors.js'
import { type Json, toJson } from './plain.js'
import {
  describeTensor,
  type SharedStorage,
  sharedStorages,
  storageBytes,
  type TensorReport,
} from './tensors.js'
import { readTrainingState, type TrainingState } from './training_state.js'

type JsonObject = { [name: string]: Json }

export interface WeightsReport {
  kind: 'weights'
  path: string
  format: 'safetensors' | 'pytorch'
  container: Container
  files: { path: string; bytes: number }[]
  picked: string | null
  /** `kind` as the file says it, else as its names do; null: nothing that is known. */
  model: { kind: string; naming: Naming | null; words: string | null } | null
  config: { source: Description['source']; values: JsonObject } | null
  notes: string[]
  metadata: Readonly<Record<string, string>>
  tensors: TensorReport[]
  /** Bytes of the storages of `tensors`. */
  bytes: number
  unreadable: readonly UnreadableTensor[]
  sharedStorages: SharedStorage[]
  training: TrainingState | null
  /** Python classes and functions that the file names; nothing of them was called. */
  classes: { name: string; count: number }[]
  /** Everything beside the weights. */
  data: PlainData
}

/**
 * @param pick the key of the weights, as for `openCheckpoint`
 * @throws BeitError ERR_FORMAT, ERR_IO; ERR_INVALID_ARGUMENT when there is nothing under `pick`
 */
export async function reportWeights(path: string, pick?: string): Promise<WeightsReport> {
  const file = await openCheckpoint(path, pick === undefined ? {} : { pick })
  const { description, problem } = await describe(file)
  const records = [...file.tensors.values()]
  const files = [...new Set([path, ...file.files.keys()])]
  return {
    kind: 'weights',
    path,
    format: file.format,
    container: file.container,
    files: await Promise.all(files.map(async (each) => ({ path: each, bytes: (await stat(each)).size }))),
    picked: file.picked,
    model: modelOf(file, description),
    config: configOf(file, description),
    notes: [...file.notes, ...(description?.notes ?? []), ...problem],
    metadata: file.metadata,
    tensors: records.map(describeTensor),
    bytes: storageBytes(records),
    unreadable: [...file.unreadable.values()],
    sharedStorages: sharedStorages(records),
    training: readTrainingState(file),
    classes: countClasses(file.data),
    data: besideWeights(file),
  }
}

/** A file whose model cannot be told is described all the same. */
async function describe(
  file: CheckpointFile,
): Promise<{ description: Description | null; problem: string[] }> {
  try {
    return { description: await describeCheckpoint(file), problem: [] }
  } catch (error) {
    if (!(error instanceof BeitError)) throw error
    return { description: null, problem: [`its model cannot be told: ${error.message}`] }
  }
}

/** What this library wrote into the file; null where it is another's, whatever its metadata mean. */
function ownConfigOf(file: CheckpointFile): ReturnType<typeof ownConfig> {
  try {
    return ownConfig(file)
  } catch {
    // Then it stands among the metadata as the text that it is.
    return null
  }
}

function modelOf(file: CheckpointFile, description: Description | null): WeightsReport['model'] {
  const identity = description?.identity ?? null
  const kind = ownConfigOf(file)?.kind ?? file.metadata.kind ?? identity?.model
  if (kind === undefined) return null
  return { kind, naming: identity?.naming ?? null, words: identity && modelInWords(identity) }
}

function configOf(file: CheckpointFile, description: Description | null): WeightsReport['config'] {
  const own = ownConfigOf(file)
  const { source, values } = description?.architecture
    ? { source: description.source, values: description.architecture }
    : { source: 'metadata' as const, values: own?.config ?? null }
  // Whoever walks deeper runs out of stack: a file can say anything.
  return values === null || isDeeper(values, MAX_DEPTH)
    ? null
    : { source, values: { ...values } as JsonObject }
}

const MAX_DEPTH = 20

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((part) => isDeeper(part, depth - 1))
}

function besideWeights({ data, picked, format }: CheckpointFile): PlainData {
  if (format !== 'pytorch' || !isPlainObject(data)) return format === 'pytorch' ? data : null
  const others = Object.entries(data).filter(
    ([name, value]) =>
      name !== picked && !(value instanceof TensorRecord || value instanceof UnreadableTensor),
  )
  return others.length === 0 ? null : Object.assign(Object.create(null), Object.fromEntries(others))
}

function countClasses(data: PlainData): WeightsReport['classes'] {
  const counts = new Map<string, number>()
  for (const value of valuesIn(data)) {
    if (value instanceof PlainRecord) counts.set(value.class, (counts.get(value.class) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count)
}

/** The report as JSON. */
export function weightsToJson({ data, training, ...report }: WeightsReport): object {
  const { objects = {}, ...rest } = training ?? {}
  return {
    ...report,
    training: training && { ...rest, objects: toJson(Object.assign(Object.create(null), objects)) },
    data: toJson(data),
  }
}
