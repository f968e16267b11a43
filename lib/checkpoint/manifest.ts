/**
 * manifest.json of a checkpoint folder: the size and SHA-256 of every other file in it. It is written last,
 * so a folder with a manifest that holds was saved to its end and has not changed since.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { BeitError } from '../errors.js'

export const MANIFEST_FILE = 'manifest.json'
const FORMAT = 'beit-torch manifest 1'

/** One file of a manifest. */
export interface ManifestEntry {
  bytes: number
  sha256: string
}

/** Writes the manifest of all files in `folder`. */
export async function writeManifest(folder: string): Promise<void> {
  const files: Record<string, ManifestEntry> = {}
  for (const name of (await fs.readdir(folder)).sort()) files[name] = await entryOf(join(folder, name))
  await fs.writeFile(join(folder, MANIFEST_FILE), `${JSON.stringify({ format: FORMAT, files }, null, 2)}\n`)
}

/**
 * Compares every file of `folder` with the manifest: its bytes, or with `content: false`, which reads none of
 * them, its size alone.
 * @throws BeitError ERR_FORMAT that names the first file that is missing or differs, and how; ERR_IO when a
 * file that is there cannot be read
 */
export async function verifyManifest(folder: string, options: { content?: boolean } = {}): Promise<void> {
  for await (const problem of manifestProblems(folder, options)) throw problem
}

/**
 * Everything of `folder` that differs from its manifest, as {@link verifyManifest} says the first of it.
 * @throws BeitError ERR_IO
 */
export async function* manifestProblems(
  folder: string,
  { content = true } = {},
): AsyncGenerator<BeitError, void, undefined> {
  const files = await readManifest(folder).catch(damage)
  if (files instanceof BeitError) {
    yield files
    return
  }
  for (const [name, expected] of Object.entries(files)) {
    const path = join(folder, name)
    const actual = await (content ? entryOf(path) : sizeOf(path)).catch((cause) =>
      damage(unreadable(path, cause)),
    )
    if (actual instanceof BeitError) yield actual
    else if (actual.bytes !== expected.bytes) {
      yield new BeitError(
        'ERR_FORMAT',
        `${path} has ${actual.bytes} bytes, its manifest says ${expected.bytes}`,
      )
    } else if (actual.sha256 !== undefined && actual.sha256 !== expected.sha256) {
      yield new BeitError('ERR_FORMAT', `${path} is damaged: its SHA-256 is not the one in the manifest`)
    }
  }
}

/** Gives an error that tells of damage, and throws any other. */
function damage(error: unknown): BeitError {
  if (error instanceof BeitError && error.code === 'ERR_FORMAT') return error
  throw error
}

async function readManifest(folder: string): Promise<Record<string, ManifestEntry>> {
  const path = join(folder, MANIFEST_FILE)
  try {
    const { format, files } = JSON.parse(await fs.readFile(path, 'utf8'))
    if (format === FORMAT && typeof files === 'object' && files !== null) return files
  } catch (cause) {
    throw unreadable(path, cause)
  }
  throw new BeitError('ERR_FORMAT', `${path} is not a manifest of this format (${FORMAT})`)
}

/** What the system answers when the file itself is not there: a folder in its place, or nothing. */
const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])

/**
 * Tells damage, which stays (ERR_FORMAT: the file is missing, or is not JSON), from trouble with reading, which may
 * pass (ERR_IO: no permission, a failing disk, too many open files).
 */
export function unreadable(path: string, cause: unknown): BeitError {
  const isDamage = cause instanceof SyntaxError || ABSENT.has((cause as NodeJS.ErrnoException).code)
  const message = `${path} cannot be read: ${(cause as Error).message}`
  return new BeitError(isDamage ? 'ERR_FORMAT' : 'ERR_IO', message, { cause })
}

async function sizeOf(path: string): Promise<Pick<ManifestEntry, 'bytes'> & { sha256?: undefined }> {
  return { bytes: (await fs.stat(path)).size }
}

async function entryOf(path: string): Promise<ManifestEntry> {
  const hash = createHash('sha256')
  let bytes = 0
  // Chunks of 1 MB keep the event loop free: hashing one takes about a millisecond.
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}
