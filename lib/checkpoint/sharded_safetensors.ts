/**
 * Weights in several safetensors files with an index beside them, as transformers and accelerate write them:
 * `model.safetensors.index.json` maps the name of each tensor to the file that holds it. The index and the
 * files must say the same: no tensor is taken from a file that the index does not name for it.
 */
import { dirname, join } from 'node:path'
import { BeitError } from '../errors.js'
import { type ByteSource, type FileIdentity, openFileSource } from './byte_source.js'
import type { CheckpointContents } from './checkpoint_file.js'
import { safetensorsRecords } from './open_safetensors.js'
import { type PlainData, type TensorRecord, UnreadableTensor } from './records.js'
import { parseSafetensorsHeader, type SafetensorsHeader } from './safetensors_header.js'
import { isJsonObject, parseStrictJson } from './strict_json.js'

/** The limit of a safetensors header, which holds more a tensor. */
const MAX_INDEX = 100_000_000

/** What an index says, checked by itself. */
export interface ShardIndex {
  /** The file of each tensor, by the tensor's name. */
  readonly files: ReadonlyMap<string, string>
  /** Of the index, such as the total size. */
  readonly metadata: PlainData
}

/**
 * Opens the files that the index in `source` names, which lie beside it.
 *
 * @throws BeitError ERR_FORMAT with the rule that the index or a file breaks; ERR_IO when a file is missing or
 * cannot be read
 */
export function openShardedSafetensors(source: ByteSource): CheckpointContents {
  const { files, metadata } = parseShardIndex(source)
  const shards = new Map([...new Set(files.values())].map((file) => [file, openShard(source.name, file)]))
  const tensors = new Map<string, TensorRecord>()
  const unreadable = new Map<string, UnreadableTensor>()
  for (const [name, file] of files) {
    const record = shards.get(file)?.tensors.get(name)
    if (record === undefined) throw broken(source.name, `tensor '${name}' is not in ${file}, which it names`)
    if (record instanceof UnreadableTensor) unreadable.set(name, record)
    else tensors.set(name, record)
  }
  for (const [file, shard] of shards) {
    const stray = [...shard.tensors.keys()].find((name) => files.get(name) !== file)
    if (stray === undefined) continue
    const named = files.has(stray) ? `which it names ${files.get(stray)} for` : 'which it does not name'
    throw broken(source.name, `${file} holds tensor '${stray}', ${named}`)
  }
  return {
    path: source.name,
    format: 'safetensors',
    container: 'sharded-safetensors',
    tensors,
    unreadable,
    picked: null,
    data: metadata,
    metadata: commonMetadata([...shards.values()].map((shard) => shard.metadata)),
    notes: [`took ${tensors.size} tensors from ${shards.size} files beside the index`],
    files: new Map([...shards.values()].map(({ path, identity }) => [path, identity])),
  }
}

/**
 * Reads an index and checks what can be checked without its files.
 *
 * @throws BeitError ERR_FORMAT
 */
export function parseShardIndex(source: ByteSource): ShardIndex {
  if (source.size > MAX_INDEX) throw broken(source.name, `it has ${source.size} bytes, over ${MAX_INDEX}`)
  let index: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(source.read(0, source.size))
    index = parseStrictJson(text)
  } catch (cause) {
    if (cause instanceof BeitError) throw cause
    throw broken(source.name, `it is not strict JSON: ${(cause as Error).message.slice(0, 256)}`, cause)
  }
  const { weight_map: map, metadata = {} } = isJsonObject(index) ? index : {}
  if (!isJsonObject(map)) throw broken(source.name, 'its weight_map is not an object of file names')
  if (!isJsonObject(metadata)) throw broken(source.name, 'its metadata is not an object')
  const entries = Object.entries(map)
  if (entries.length === 0) throw broken(source.name, 'its weight_map is empty')
  for (const [name, file] of entries) checkFileName(source.name, name, file)
  return { files: new Map(entries as [string, string][]), metadata: plainMetadata(metadata) }
}

/** A name in the folder of the index, and nothing that leads out of it. */
function checkFileName(path: string, tensor: string, file: unknown): void {
  const isName =
    typeof file === 'string' &&
    file.length <= 255 &&
    file.endsWith('.safetensors') &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    !/[/\\:\x00-\x1f]/.test(file)
  if (isName) return
  const found = typeof file === 'string' ? JSON.stringify(file.slice(0, 64)) : typeof file
  throw broken(path, `tensor '${tensor}' is in ${found}, expected the name of a .safetensors file beside it`)
}

interface Shard extends Pick<SafetensorsHeader, 'metadata'> {
  readonly path: string
  readonly identity: FileIdentity
  readonly tensors: ReadonlyMap<string, TensorRecord | UnreadableTensor>
}

function openShard(index: string, file: string): Shard {
  const path = join(dirname(index), file)
  const shard = openFileSource(path)
  try {
    const { tensors, unreadable, metadata } = parseSafetensorsHeader(shard)
    const all = new Map<string, TensorRecord | UnreadableTensor>(safetensorsRecords(path, tensors))
    for (const tensor of unreadable) all.set(tensor.name, tensor)
    return { path, identity: shard.identity, tensors: all, metadata }
  } finally {
    shard.close()
  }
}

/** What all files say alike. */
function commonMetadata([first = {}, ...others]: Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((other) => other[name] === value)),
  )
}

/** Numbers, strings, booleans and null; transformers writes `total_size`. What has parts is left out. */
function plainMetadata(metadata: Record<string, unknown>): PlainData {
  const plain = Object.create(null) as Record<string, PlainData>
  for (const [name, value] of Object.entries(metadata)) {
    if (value === null || typeof value !== 'object') plain[name] = value as PlainData
  }
  return plain
}

function broken(path: string, why: string, cause?: unknown): BeitError {
  return new BeitError('ERR_FORMAT', `${path} is not an index of safetensors files: ${why}`, { cause })
}
