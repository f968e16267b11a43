/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors): 8 bytes of length,
 * little-endian, then JSON of that length, then the tensors without a gap. Everything in it is checked before
 * a byte of a tensor is read, as strictly as the reference implementation does.
 */
import { BeitError } from '../errors.js'
import type { DType } from '../native.js'
import { type ByteSource, openFileSource } from './byte_source.js'
import { UnreadableTensor } from './records.js'
import { isJsonObject, parseStrictJson } from './strict_json.js'

/** The limit of the format: 100 MB of JSON. */
const MAX_HEADER = 100_000_000
/** libtorch has no more dimensions than this on every path. */
const MAX_DIMENSIONS = 64

/** dtype names of the format, with the bytes an element. */
const DTYPES: Record<string, { dtype: DType; size: number }> = {
  F64: { dtype: 'float64', size: 8 },
  I64: { dtype: 'int64', size: 8 },
  F32: { dtype: 'float32', size: 4 },
  I32: { dtype: 'int32', size: 4 },
  F16: { dtype: 'float16', size: 2 },
  BF16: { dtype: 'bfloat16', size: 2 },
  I16: { dtype: 'int16', size: 2 },
  I8: { dtype: 'int8', size: 1 },
  U8: { dtype: 'uint8', size: 1 },
  BOOL: { dtype: 'bool', size: 1 },
}

/** dtypes of the format that this library does not have, by PyTorch's names; the smallest are packed. */
const FOREIGN_DTYPES: Record<string, { dtype: string; size: number }> = {
  U16: { dtype: 'uint16', size: 2 },
  U32: { dtype: 'uint32', size: 4 },
  U64: { dtype: 'uint64', size: 8 },
  C64: { dtype: 'complex64', size: 8 },
  F8_E4M3: { dtype: 'float8_e4m3fn', size: 1 },
  F8_E5M2: { dtype: 'float8_e5m2', size: 1 },
  F8_E8M0: { dtype: 'float8_e8m0fnu', size: 1 },
  F6_E2M3: { dtype: 'float6_e2m3', size: 0.75 },
  F6_E3M2: { dtype: 'float6_e3m2', size: 0.75 },
  F4: { dtype: 'float4_e2m1', size: 0.5 },
}

/** The format's name and the bytes an element of each dtype. */
export const FORMAT_DTYPES = new Map(
  Object.entries(DTYPES).map(([name, { dtype, size }]) => [dtype, { name, size }]),
)

/**
 * The header of a file that has `tensors` in this order, behind which their bytes follow without a gap.
 * @param bytes of the whole header; spaces fill it. Unset: as many as bring the first tensor to a multiple of 8.
 */
export function encodeSafetensorsHeader(
  tensors: Iterable<readonly [name: string, tensor: { dtype: DType; shape: readonly number[] }]>,
  metadata: Readonly<Record<string, string>>,
  bytes?: number,
): Uint8Array {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  let end = 0
  for (const [name, { dtype, shape }] of tensors) {
    const format = FORMAT_DTYPES.get(dtype)
    if (format === undefined) throw new Error(`the format has no ${dtype}`)
    const begin = end
    end += shape.reduce((product, size) => product * size, format.size)
    entries.push([name, { dtype: format.name, shape, data_offsets: [begin, end] }])
  }
  // Not through an object, in which names like "0" or "__proto__" would not stay in place.
  const members = entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  const json = Buffer.from(`{${members.join(',')}}`)
  const header = Buffer.alloc(bytes ?? 8 + Math.ceil(json.length / 8) * 8, ' ')
  header.writeBigUInt64LE(BigInt(header.length - 8))
  json.copy(header, 8)
  return header
}

/** One tensor in a file. */
export interface SafetensorsRecord {
  /** Of the tensor. */
  name: string
  /** Of its elements. */
  dtype: DType
  /** Its sizes. */
  shape: number[]
  /** Bytes from the start of the file. */
  offset: number
  /** Bytes of its elements. */
  bytes: number
}

/** What stands before the tensors. */
export interface SafetensorsHeader {
  /** In the order of the file. */
  tensors: SafetensorsRecord[]
  /** Tensors of dtypes that this library does not have. */
  unreadable: UnreadableTensor[]
  /** The writer's own strings. */
  metadata: Record<string, string>
}

/**
 * Reads and checks the header; no tensor is read.
 *
 * @throws BeitError ERR_FORMAT saying which rule of the format the file breaks; ERR_IO when it cannot be
 * read.
 * @example
 * const { metadata, tensors } = await readSafetensorsHeader('beit.safetensors')
 * console.log(metadata, tensors.length)
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const source = openFileSource(path)
  try {
    return parseSafetensorsHeader(source)
  } finally {
    source.close()
  }
}

/** As {@link readSafetensorsHeader}, of a source that is open. */
export function parseSafetensorsHeader(source: ByteSource): SafetensorsHeader {
  const { name, size } = source
  if (size < 8) throw broken(name, `it has ${size} bytes, and 8 of header length come first`)
  const length = Buffer.from(source.read(0, 8)).readBigUInt64LE()
  if (length > MAX_HEADER) throw broken(name, `its header length ${length} is over ${MAX_HEADER}`)
  const start = 8 + Number(length)
  if (start > size) throw broken(name, `its header length ${length} reaches past its ${size} bytes`)
  return checkHeader(name, parseHeader(name, source.read(8, Number(length))), start, size)
}

function parseHeader(path: string, bytes: Uint8Array): object {
  if (bytes[0] !== 0x7b) throw broken(path, "its header does not start with '{'")
  let header: unknown
  try {
    header = parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw broken(path, `its header is not strict JSON: ${(cause as Error).message.slice(0, 256)}`, cause)
  }
  return header as object
}

function checkHeader(path: string, header: object, start: number, size: number): SafetensorsHeader {
  const { __metadata__: given = {}, ...entries } = header as Record<string, unknown>
  const metadata = checkMetadata(path, given)
  const all = Object.entries(entries).map(([name, entry]) => checkEntry(path, name, entry, start))
  all.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)
  let end = start
  for (const { name, offset, bytes } of all) {
    if (offset !== end)
      throw broken(path, `tensor '${name}' begins at byte ${offset}, expected ${end}: a gap or an overlap`)
    end = offset + bytes
  }
  if (end !== size) throw broken(path, `its tensors end at byte ${end}, the file at ${size}`)
  const unreadable = all
    .filter((entry) => !isReadable(entry))
    .map(({ name, dtype, shape }) => new UnreadableTensor(name, dtype, shape, `this library has no ${dtype}`))
  return { tensors: all.filter(isReadable), unreadable, metadata }
}

/** A tensor of any dtype of the format. */
type Entry = Omit<SafetensorsRecord, 'dtype'> & { dtype: string }

const isReadable = (entry: Entry): entry is SafetensorsRecord => FORMAT_DTYPES.has(entry.dtype as DType)

function checkMetadata(path: string, metadata: unknown): Record<string, string> {
  if (!isJsonObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw broken(path, 'its __metadata__ is not an object of strings')
  }
  return metadata as Record<string, string>
}

function checkEntry(path: string, name: string, entry: unknown, start: number): Entry {
  const refuse = (why: string) => broken(path, `tensor '${name}' ${why}`)
  if (!isJsonObject(entry)) throw refuse('is not described by an object')
  const { dtype, shape, data_offsets: offsets } = entry
  const known = typeof dtype === 'string' ? (of(DTYPES, dtype) ?? of(FOREIGN_DTYPES, dtype)) : undefined
  if (known === undefined) throw refuse(`has dtype ${shown(dtype)}, which is none of the format`)
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS || !shape.every(isCount)) {
    throw refuse(`has no valid shape: ${shown(shape)}`)
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw refuse(`has no valid data_offsets: ${shown(offsets)}`)
  }
  const [begin, end] = offsets as [number, number]
  // Sizes of 0 count as 1 here: the strides of an empty tensor must not overflow either.
  const extent = shape.reduce((product: number, n: number) => product * Math.max(n, 1), known.size)
  if (extent > Number.MAX_SAFE_INTEGER) {
    throw refuse(`has a shape too large to address: [${shape.join(', ')}]`)
  }
  const bytes = shape.includes(0) ? 0 : extent
  if (end - begin !== bytes) {
    throw refuse(
      `needs ${bytes} bytes for ${dtype} of shape [${shape.join(', ')}], ` +
        `its data_offsets span ${end - begin}`,
    )
  }
  return { name, dtype: known.dtype, shape, offset: start + begin, bytes }
}

/** An own property. */
const of = <T>(table: Record<string, T>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** A value of the header for a message: a hostile one may be of any length and depth. */
function shown(value: unknown): string {
  if (Array.isArray(value) && (value.length > MAX_DIMENSIONS || value.some(Array.isArray))) {
    return `an array of ${value.length}`
  }
  const text =
    typeof value === 'object' && !Array.isArray(value) ? 'an object' : String(JSON.stringify(value))
  return text.length > 256 ? `${text.slice(0, 256)}...` : text
}

function broken(path: string, why: string, cause?: unknown): BeitError {
  return new BeitError(
    'ERR_FORMAT',
    `${path} is not a whole safetensors file: ${why}. It may be cut off, damaged, or of another format.`,
    { cause },
  )
}
