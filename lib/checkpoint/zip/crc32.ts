/** CRC-32 of zip files (polynomial 0xEDB88320), for small records: the addon checks storages as it reads. */
import zlib from 'node:zlib'

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

/** CRC32 of `bytes`, going on from `before`, the CRC32 of what came first. */
export function crc32Plain(bytes: Uint8Array, before = 0): number {
  let value = ~before
  for (const byte of bytes) value = (TABLE[(value ^ byte) & 255] as number) ^ (value >>> 8)
  return ~value >>> 0
}

/** As {@link crc32Plain}; Node has its own from 20.15 on. */
export const crc32: (bytes: Uint8Array, before?: number) => number = zlib.crc32 ?? crc32Plain
