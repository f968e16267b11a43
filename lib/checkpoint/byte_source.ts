/**
 * Bytes that the parsers of containers read at will: of a file, a piece at a time, or of memory. Reading is
 * synchronous, so that a parser is a plain function; what is read is structure, never the elements of
 * tensors.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { BeitError } from '../errors.js'

/** Something of a known size that can be read anywhere. */
export interface ByteSource {
  /** What messages call it: the path of a file. */
  readonly name: string
  readonly size: number
  /**
   * `length` bytes from `offset`, which must lie inside. The caller may not change them.
   * @throws BeitError ERR_FORMAT when the range does not lie inside, ERR_IO when the system cannot read it
   */
  read(offset: number, length: number): Uint8Array
}

/** The bytes of `bytes`, without a copy. */
export function memorySource(bytes: Uint8Array, name = 'memory'): ByteSource {
  return {
    name,
    size: bytes.length,
    read(offset, length) {
      checkRange(this, offset, length)
      return bytes.subarray(offset, offset + length)
    },
  }
}

/** What tells that a file is still the one that was opened. */
export interface FileIdentity {
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ino: bigint
  readonly dev: bigint
}

/** An open file. `close` it. */
export interface FileSource extends ByteSource {
  readonly identity: FileIdentity
  close(): void
}

/**
 * Opens a file for reading.
 * @throws BeitError ERR_IO when it cannot be opened or is no regular file
 */
export function openFileSource(path: string): FileSource {
  // Opening a pipe, which is refused, would otherwise wait for its other end.
  const fd = system(path, 'open', () => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
  try {
    const stat = system(path, 'open', () => fstatSync(fd, { bigint: true }))
    if (!stat.isFile()) {
      const remedy = stat.isDirectory() ? ' but a folder: name the file in it' : ''
      throw new BeitError('ERR_IO', `cannot read ${path}: it is not a regular file${remedy}`)
    }
    return fileSource(path, fd, {
      size: stat.size,
      mtimeNs: stat.mtimeNs,
      ino: stat.ino,
      dev: stat.dev,
    })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function fileSource(path: string, fd: number, identity: FileIdentity): FileSource {
  return {
    name: path,
    size: Number(identity.size),
    identity,
    read(offset, length) {
      checkRange(this, offset, length)
      const bytes = Buffer.allocUnsafe(length)
      for (let done = 0; done < length; ) {
        const count = system(path, 'read', () => readSync(fd, bytes, done, length - done, offset + done))
        if (count === 0) throw new BeitError('ERR_FORMAT', `${path}: it became shorter while it was read`)
        done += count
      }
      return bytes
    },
    close: () => closeSync(fd),
  }
}

function checkRange(source: ByteSource, offset: number, length: number): void {
  const end = offset + length
  if (offset >= 0 && length >= 0 && Number.isSafeInteger(end) && end <= source.size) return
  throw new BeitError(
    'ERR_FORMAT',
    `${source.name}: bytes ${offset} to ${end} are needed, and it has ${source.size}: cut off or damaged`,
  )
}

function system<T>(path: string, verb: string, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw new BeitError('ERR_IO', `cannot ${verb} ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** The numbers in `bytes`. */
export const dataView = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
