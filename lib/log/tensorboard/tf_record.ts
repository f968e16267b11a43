/** A record of a TFRecord file: length (u64), its masked checksum (u32), the data, their masked checksum; little-endian. */
import { maskedCrc32c } from './crc32c.js'

const LENGTH = 8
const CHECKSUM = 4

export function tfRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(LENGTH + CHECKSUM + data.length + CHECKSUM)
  record.writeBigUInt64LE(BigInt(data.length), 0)
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, LENGTH)), LENGTH)
  record.set(data, LENGTH + CHECKSUM)
  record.writeUInt32LE(maskedCrc32c(data), LENGTH + CHECKSUM + data.length)
  return record
}
