/**
 * Where the files inside a tar shard lie. Only headers are read, so indexing costs one small read a member.
 */
import { BLOCK, damaged, isZeroBlock, parsePax, parseTarHeader, sparse, text } from './tar_header.js'
import type { WindowReader } from './window_reader.js'

/** One member of a tar file. Names are only compared and shown, never opened: '../' in one is harmless. */
export interface TarMember {
  name: string
  kind: 'file' | 'link'
  /** First byte of its data in the shard. */
  offset: number
  size: number
}

/** How the archive ended. */
export interface TarEnd {
  /** Null: the end-of-archive mark is there. Else: what is missing, for a message. */
  cut: string | null
}

/** Names and PAX records are short; a longer header is an attack on memory or damage. */
const LARGEST_EXTENSION = 1 << 20

/**
 * Yields the files and links of `reader`'s archive in order; returns how it ended.
 * @throws BeitError ERR_FORMAT for a damaged header
 */
export async function* tarMembers(
  reader: WindowReader,
  shard: string,
): AsyncGenerator<TarMember, TarEnd, void> {
  let longName: string | undefined
  let longSize: number | undefined
  for (let offset = 0; ; ) {
    const at = { shard, offset }
    const block = await reader.bytes(offset, BLOCK)
    if (block.length < BLOCK) return { cut: `the end-of-archive mark is missing at byte ${offset}` }
    if (isZeroBlock(block)) return { cut: null }

    const header = parseTarHeader(block, at)
    const data = offset + BLOCK
    const isExtension = 'xgLK'.includes(header.type)
    const size = sizeOf(header.type, isExtension ? header.size : (longSize ?? header.size))
    const name = longName ?? header.name
    if (data + size > reader.size) {
      const there = reader.size - data
      return {
        cut: `${JSON.stringify(name)} at byte ${offset} needs ${size} bytes and only ${there} are left`,
      }
    }
    offset = data + Math.ceil(size / BLOCK) * BLOCK

    if (isExtension) {
      if (size > LARGEST_EXTENSION)
        throw damaged(at, `is damaged: a name header of ${size} bytes at byte ${at.offset}`)
      const extension = await reader.bytes(data, size)
      if (header.type === 'L') longName = text(extension)
      else if (header.type === 'x') {
        const pax = parsePax(extension, at)
        longName = pax.path ?? longName
        longSize = pax.size ?? longSize
      }
      continue
    }
    longName = undefined
    longSize = undefined
    if (header.type === 'S') throw sparse(at)
    if (header.type === '0' || header.type === '7') yield { name, kind: 'file', offset: data, size }
    else if (header.type === '1' || header.type === '2') yield { name, kind: 'link', offset: data, size: 0 }
  }
}

/** Links, devices and folders have no data, whatever their size field says. */
function sizeOf(type: string, size: number): number {
  return '123456'.includes(type) ? 0 : size
}
