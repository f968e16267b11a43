/**
 * Features as safetensors: a tensor (images, ...shape) for each name, and `labels`. Rows go to their places as
 * they come, so nothing is held; where images turned out to be broken, the gaps are closed at the end.
 */
import type { FileHandle } from 'node:fs/promises'
import { encodeSafetensorsHeader, FORMAT_DTYPES } from '../../checkpoint/safetensors_header.js'
import { BeitError } from '../../errors.js'
import type { DType } from '../../native.js'
import type { FeatureRows, FeatureTable, FeatureWriter } from './feature_file.js'

/** The limit of the format. */
const MAX_HEADER = 100_000_000
/** Bytes moved at once when gaps are closed. */
const PIECE = 8 << 20

/** One tensor of the file. */
interface Region {
  name: string
  dtype: DType
  /** Of one image. */
  shape: readonly number[]
  /** Bytes of one image. */
  rowBytes: number
}

/**
 * Metadata: that of the table, and `keys` (a JSON array, one name for each row) and `classes`.
 * @throws BeitError ERR_INVALID_ARGUMENT when the names of the images do not fit into a header
 */
export function safetensorsWriter(file: FileHandle, table: FeatureTable): FeatureWriter {
  const regions = regionsOf(table)
  const headerFor = (keys: readonly string[], bytes?: number) =>
    encodeSafetensorsHeader(
      regions.map(({ name, dtype, shape }) => [name, { dtype, shape: [keys.length, ...shape] }] as const),
      {
        ...table.metadata,
        keys: JSON.stringify(keys),
        ...(table.classes && { classes: JSON.stringify(table.classes) }),
      },
      bytes,
    )
  // None is longer than that of all images.
  const headerBytes = headerFor(table.keys).length
  if (headerBytes - 8 > MAX_HEADER) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `the names of ${table.keys.length} images make a header of ${headerBytes} bytes, and a safetensors file ` +
        `can have ${MAX_HEADER}: write .parquet or .jsonl`,
    )
  }
  const starts = startsOf(regions, headerBytes, table.keys.length)
  const keys: string[] = []

  return {
    async append(rows) {
      const features = bytesOf(await rows.features.toTypedArray())
      const parts = table.names.map((_, i) => everyNth(features, i, table.names.length, rows.keys.length))
      if (table.targets !== 'none') parts.unshift(targetBytes(rows.targets))
      for (const [i, { rowBytes }] of regions.entries()) {
        await writeAll(file, parts[i] as Uint8Array, (starts[i] as number) + keys.length * rowBytes)
      }
      keys.push(...rows.keys)
    },

    async finish() {
      const places = startsOf(regions, headerBytes, keys.length)
      for (const [i, { rowBytes }] of regions.entries()) {
        await moveBytes(file, starts[i] as number, places[i] as number, keys.length * rowBytes)
      }
      await file.truncate(places.at(-1))
      await writeAll(file, headerFor(keys, headerBytes), 0)
    },
  }
}

/** Labels first: the largest elements, so that every tensor is aligned. */
function regionsOf({ names, shape, dtype, targets, classes }: FeatureTable): Region[] {
  const region = (name: string, type: DType, rowShape: readonly number[]): Region => {
    const { size } = FORMAT_DTYPES.get(type) as { size: number }
    return { name, dtype: type, shape: rowShape, rowBytes: rowShape.reduce((a, b) => a * b, size) }
  }
  const features = names.map((name) => region(name, dtype, shape))
  if (targets === 'class') return [region('labels', 'int64', []), ...features]
  if (targets === 'weights') return [region('labels', 'float32', [classes?.length ?? 0]), ...features]
  return features
}

/** Where each region begins in a file of `images`, and where the last one ends. */
function startsOf(regions: readonly Region[], headerBytes: number, images: number): number[] {
  const starts = [headerBytes]
  for (const { rowBytes } of regions) starts.push((starts.at(-1) as number) + images * rowBytes)
  return starts
}

/** Parts `i`, `i + step`, ... of the bytes of `rows * step` equal parts. */
function everyNth(bytes: Uint8Array, i: number, step: number, rows: number): Uint8Array {
  const size = bytes.length / (rows * step)
  const result = new Uint8Array(rows * size)
  for (let row = 0; row < rows; row++) {
    const start = (row * step + i) * size
    result.set(bytes.subarray(start, start + size), row * size)
  }
  return result
}

function targetBytes(targets: FeatureRows['targets']): Uint8Array {
  const weights = targets.filter((target) => typeof target !== 'number')
  if (weights.length > 0) return Buffer.concat(weights.map(bytesOf))
  return bytesOf(BigInt64Array.from(targets as readonly number[], (id) => BigInt(id)))
}

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
  }
}

/** Moves bytes of a file towards its beginning. */
async function moveBytes(file: FileHandle, from: number, to: number, count: number): Promise<void> {
  if (from === to) return
  const piece = Buffer.alloc(Math.min(PIECE, count))
  for (let done = 0; done < count; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, count - done), from + done)
    if (bytesRead === 0) throw new BeitError('ERR_IO', 'the file became shorter while it was written')
    await writeAll(file, piece.subarray(0, bytesRead), to + done)
    done += bytesRead
  }
}
