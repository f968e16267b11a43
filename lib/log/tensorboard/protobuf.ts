/** The wire format of protocol buffers, as much of it as event files need: fields of a message, one after the other. */

/** How a field's value is laid out. */
const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** A message, or the bytes of some of its fields. */
export const message = (...fields: readonly Uint8Array[]): Buffer => Buffer.concat(fields)

/** An int32, int64 or enum. @param value a whole number, 0 or more */
export const integer = (field: number, value: number): Buffer =>
  Buffer.from([...varint(tag(field, VARINT)), ...varint(value)])

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = tag(field, FIXED32)
  bytes.writeFloatLE(value, 1)
  return bytes
}

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = tag(field, FIXED64)
  bytes.writeDoubleLE(value, 1)
  return bytes
}

/** Bytes, a string in UTF-8, or a message within. */
export function bytes(field: number, value: Uint8Array | string): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  return Buffer.concat([Buffer.from([tag(field, LENGTH_DELIMITED), ...varint(content.length)]), content])
}

/** Of one byte: the fields that are needed have numbers below 16. */
const tag = (field: number, wireType: number) => (field << 3) | wireType

/** Seven bits a byte, the lowest first. By division: whole numbers here have up to 53 bits. */
function varint(value: number): number[] {
  const groups: number[] = []
  let rest = value
  while (rest >= 0x80) {
    groups.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  groups.push(rest)
  return groups
}
