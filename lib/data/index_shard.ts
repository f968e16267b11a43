/**
 * The samples of one shard in WebDataset's convention: members of one key belong together, KEY.jpg beside
 * KEY.cls.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { BeitError } from '../errors.js'
import { isImageName } from './image_source.js'
import { type TarMember, tarMembers } from './tar_index.js'
import { WindowReader } from './window_reader.js'

/** Images of a shard as parallel lists: a million of them stay a few arrays. */
interface ImageList {
  keys: string[]
  offsets: number[]
  lengths: number[]
  labels: (number | null)[]
  /** Keys that have members but no image. */
  withoutImage: number
}

/** Where the images of one shard lie. */
export interface ShardIndex extends ImageList {
  path: string
  /** Bytes of the shard. */
  size: number
  /** Null: whole. Else what is missing at its end. */
  cut: string | null
  /** Of the shard's name and size and its images' keys and positions; not of the folder it lies in. */
  digest: Buffer
}

/** Larger labels are a mistake: no data set has so many classes. */
export const LARGEST_LABEL = 999_999
/** A .cls member is a few digits; a .json member longer than this is not searched for a label. */
const LARGEST_CLS = 32
const LARGEST_JSON = 64 << 10

/** What is known of a key so far. */
interface Group {
  image: TarMember | null
  cls: number | null
  json: number | null
  extensions: Set<string>
}

/**
 * Indexes the shard at `path`.
 * @throws BeitError ERR_DATA when it cannot be read, a key is not unique, or a label is no small integer
 * @throws BeitError ERR_FORMAT when it is not a tar file or is damaged
 */
export async function indexShard(path: string): Promise<ShardIndex> {
  const reader = await WindowReader.open(path).catch((cause) => {
    throw unreadable(path, cause)
  })
  try {
    const groups = new Map<string, Group>()
    const members = tarMembers(reader, path)
    let next = await members.next()
    for (; !next.done; next = await members.next()) await addMember(groups, next.value, reader, path)

    const images = listImages(groups)
    const digest = digestOf(path, reader.size, images)
    return { path, size: reader.size, ...images, cut: next.value.cut, digest }
  } catch (error) {
    throw error instanceof BeitError ? error : unreadable(path, error as Error)
  } finally {
    await reader.close()
  }
}

/** The keys that have an image, in the order in which they first appear. */
function listImages(groups: ReadonlyMap<string, Group>): ImageList {
  const list: ImageList = { keys: [], offsets: [], lengths: [], labels: [], withoutImage: 0 }
  for (const [key, { image, cls, json }] of groups) {
    if (image === null) {
      list.withoutImage++
      continue
    }
    list.keys.push(key)
    list.offsets.push(image.offset)
    list.lengths.push(image.size)
    list.labels.push(cls ?? json)
  }
  return list
}

function digestOf(path: string, size: number, { keys, offsets, lengths }: ImageList): Buffer {
  return createHash('sha256')
    .update(`${basename(path)}\0${size}\0${keys.length}\0${keys.join('\0')}\0`)
    .update(Float64Array.from(offsets))
    .update(Float64Array.from(lengths))
    .digest()
}

function unreadable(path: string, cause: Error): BeitError {
  return new BeitError('ERR_DATA', `cannot read the shard ${path}: ${cause.message}`, { cause })
}

async function addMember(
  groups: Map<string, Group>,
  member: TarMember,
  reader: WindowReader,
  shard: string,
): Promise<void> {
  const split = splitName(member.name)
  if (split === null) return
  const { key, extension } = split
  let group = groups.get(key)
  if (group === undefined) {
    group = { image: null, cls: null, json: null, extensions: new Set() }
    groups.set(key, group)
  }
  const name = JSON.stringify(member.name)
  if (group.extensions.has(extension)) throw new BeitError('ERR_DATA', `${shard} holds ${name} twice`)
  group.extensions.add(extension)

  if (!extension.includes('.') && isImageName(member.name)) {
    if (member.kind === 'link') {
      throw new BeitError(
        'ERR_DATA',
        `${shard} holds ${name} as a link; make it with tar --dereference --hard-dereference`,
      )
    }
    if (group.image !== null) {
      throw new BeitError(
        'ERR_DATA',
        `${shard} has two images of the key '${key}': ${JSON.stringify(group.image.name)} and ${name}`,
      )
    }
    group.image = member
  } else if (extension === 'cls' && member.kind === 'file') {
    const text = (await reader.bytes(member.offset, Math.min(member.size, LARGEST_CLS)))
      .toString('latin1')
      .trim()
    if (!/^\d{1,6}$/.test(text)) {
      throw new BeitError(
        'ERR_DATA',
        `${shard}: ${name} must hold an integer from 0 to ${LARGEST_LABEL}, got ${JSON.stringify(text)}`,
      )
    }
    group.cls = Number(text)
  } else if (extension === 'json' && member.size <= LARGEST_JSON) {
    group.json = labelOf((await reader.bytes(member.offset, member.size)).toString('utf8'))
  }
}

/**
 * 'a/b.c.d' is key 'a/b' with extension 'c.d', as WebDataset splits it. Null for names without a dot, and for
 * names that start with one.
 */
function splitName(name: string): { key: string; extension: string } | null {
  const path = name.startsWith('./') ? name.slice(2) : name
  const base = path.lastIndexOf('/') + 1
  const dot = path.indexOf('.', base)
  return dot <= base ? null : { key: path.slice(0, dot), extension: path.slice(dot + 1).toLowerCase() }
}

/** A .json member is free-form: only an integer `label` or `cls` in it counts as a label. */
function labelOf(json: string): number | null {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value !== 'object' || value === null) return null
    const { label, cls } = value as { label?: unknown; cls?: unknown }
    return [label, cls].find(isLabel) ?? null
  } catch {
    return null
  }
}

function isLabel(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_LABEL
}
