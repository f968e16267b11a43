/**
 * The ways to name a set of shards: a path, a folder, a list, 'train-{00000..00007}.tar', 'train-*.tar'.
 */
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BeitError } from '../errors.js'

/** A brace range longer than this is a typing error, not a data set. */
const MOST_SHARDS = 1_000_000

/** Whether a path has characters of a pattern in it. */
export function isPattern(path: string): boolean {
  return /[*?{}]/.test(path)
}

/**
 * The shards that `paths` name, sorted by path in code units. A path that exists is taken as it is; a folder
 * stands for the .tar files directly in it.
 * @throws BeitError ERR_DATA when one of them names nothing, or two name the same shard
 */
export async function findShards(paths: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    const info = await stat(path).catch(() => null)
    if (info?.isDirectory()) found.push(...(await matching(join(path, '*.tar'))))
    else if (info !== null || !isPattern(path)) found.push(path)
    else for (const name of expandBraces(path)) found.push(...(await matching(name)))
  }
  found.sort()
  const twice = found.find((path, i) => path === found[i + 1])
  if (twice !== undefined) throw new BeitError('ERR_DATA', `the shard ${twice} is named twice`)
  return found
}

/** 'a-{08..11}-{x,y}.tar' to its names: number ranges keep leading zeros, lists are separated by commas. */
export function expandBraces(pattern: string): string[] {
  const brace = /\{([^{}]*)\}/.exec(pattern)
  if (brace === null) return [pattern]
  const before = pattern.slice(0, brace.index)
  const parts = alternatives(brace[1] as string, pattern)
  const rests = expandBraces(pattern.slice(brace.index + brace[0].length))
  if (parts.length * rests.length > MOST_SHARDS) throw tooMany(pattern)
  return parts.flatMap((part) => rests.map((rest) => before + part + rest))
}

function alternatives(inside: string, pattern: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(inside)
  if (range === null) return inside.split(',')
  const [first, last] = [Number(range[1]), Number(range[2])]
  if (last < first || last - first >= MOST_SHARDS) throw tooMany(pattern)
  const width = (range[1] as string).length
  return Array.from({ length: last - first + 1 }, (_, i) => String(first + i).padStart(width, '0'))
}

/** Files that `path` matches; '*' and '?' count in the file name only. */
async function matching(path: string): Promise<string[]> {
  const folder = dirname(path)
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (!/[*?]/.test(name)) return [path]
  const source = name
    .replace(/[.+^$()|[\]\\{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  const expression = new RegExp(`^${source}$`, 's')
  const names = await readdir(folder).catch((cause: Error) => {
    throw new BeitError('ERR_DATA', `cannot look for ${path}: ${cause.message}`, { cause })
  })
  const matches = names.filter((candidate) => !candidate.startsWith('.') && expression.test(candidate))
  if (matches.length === 0) throw new BeitError('ERR_DATA', `no file matches ${path}`)
  return matches.map((match) => join(folder, match))
}

function tooMany(pattern: string): BeitError {
  return new BeitError('ERR_DATA', `the range in ${pattern} is empty or has over ${MOST_SHARDS} numbers`)
}
