/** The bytes of a pickle one after the other: numbers, counted bytes, lines. Nothing is read past the end. */
import { BeitError } from '../../errors.js'
import { dataView } from '../byte_source.js'

/** Longer integers have no place in a checkpoint, and decimal digits take quadratic time. */
const MAX_INTEGER_BYTES = 1024
const MAX_DIGITS = 2400

/** The bytes in hand end before the pickle does; the source may have more. */
export class PickleEnded extends BeitError {
  /** Bytes of the pickle that are needed to go on. */
  readonly needed: number

  constructor(message: string, needed: number) {
    super('ERR_FORMAT', message)
    this.needed = needed
  }
}

export class PickleReader {
  readonly bytes: Uint8Array
  readonly name: string
  /** Of the next byte. */
  position = 0
  readonly #data: DataView
  readonly #buffer: Buffer

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes
    this.name = name
    this.#data = dataView(bytes)
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** @throws BeitError ERR_FORMAT */
  fail(why: string): never {
    throw new BeitError('ERR_FORMAT', `${this.name}: pickle, near byte ${this.position}: ${why}`)
  }

  uint8(): number {
    return this.#data.getUint8(this.#advance(1))
  }

  uint16(): number {
    return this.#data.getUint16(this.#advance(2), true)
  }

  uint32(): number {
    return this.#data.getUint32(this.#advance(4), true)
  }

  int32(): number {
    return this.#data.getInt32(this.#advance(4), true)
  }

  float64(): number {
    return this.#data.getFloat64(this.#advance(8), false) // big-endian, unlike all others
  }

  /** A length of 4 bytes, which those of Python 2 have with a sign. */
  length32(): number {
    const length = this.int32()
    if (length < 0) this.fail(`a length of ${length} bytes is announced`)
    return length
  }

  /** A length of 8 bytes. */
  length64(): number {
    const length = this.#data.getBigUint64(this.#advance(8), true)
    if (length > Number.MAX_SAFE_INTEGER) this.fail(`a length of ${length} bytes is announced`)
    return Number(length)
  }

  /** A view of the next `length` bytes. */
  take(length: number): Uint8Array {
    const start = this.#advance(length)
    return this.bytes.subarray(start, start + length)
  }

  /** The next `length` bytes as UTF-8. */
  text(length: number): string {
    const start = this.#advance(length)
    return this.#decode(start, start + length)
  }

  /** The text up to the next newline, which is passed, as UTF-8. */
  textLine(): string {
    const start = this.position
    return this.#decode(start, this.#lineEnd())
  }

  /** The bytes up to the next newline, which is passed. */
  line(): Uint8Array {
    const start = this.position
    return this.bytes.subarray(start, this.#lineEnd())
  }

  /** A line of ASCII. */
  asciiLine(): string {
    const start = this.position
    const end = this.#lineEnd()
    if (!this.#isAscii(start, end)) this.fail('a line is not ASCII')
    return this.#buffer.toString('latin1', start, end)
  }

  /** A line of a decimal integer, as `int(text)` takes it. */
  decimal(): number | bigint {
    return this.parseDecimal(this.asciiLine())
  }

  parseDecimal(text: string): number | bigint {
    if (/^-?\d{1,15}$/.test(text)) return Number(text) || 0 // never -0
    if (text.length > MAX_DIGITS) this.fail(`an integer of ${text.length} digits`)
    if (!/^[+-]?\d+$/.test(text)) this.fail(`${JSON.stringify(text.slice(0, 32))} is not an integer`)
    const negative = text.startsWith('-')
    const magnitude = BigInt(text.replace(/^[+-]/, ''))
    return narrow(negative ? -magnitude : magnitude)
  }

  /** Two's complement, little-endian. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) this.fail(`an integer of ${length} bytes`)
    if (length === 0) return 0
    const start = this.#advance(length)
    if (length <= 6) return this.#buffer.readIntLE(start, length)
    if (length === 8) return narrow(this.#data.getBigInt64(start, true))
    const bytes = this.bytes.subarray(start, start + length)
    const unsigned = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
    return narrow(BigInt.asIntN(8 * length, unsigned))
  }

  #lineEnd(): number {
    const end = this.bytes.indexOf(0x0a, this.position)
    if (end < 0) throw this.#ended(this.bytes.length + 1)
    this.position = end + 1
    return end
  }

  #decode(start: number, end: number): string {
    // Most strings are short names, for which a decoder costs more than the text.
    if (end - start < 64 && this.#isAscii(start, end)) return this.#buffer.toString('latin1', start, end)
    try {
      return UTF8.decode(this.bytes.subarray(start, end))
    } catch {
      return this.fail('a string is not UTF-8')
    }
  }

  #isAscii(start: number, end: number): boolean {
    for (let i = start; i < end; i++) if ((this.bytes[i] as number) >= 0x80) return false
    return true
  }

  #advance(length: number): number {
    const start = this.position
    if (length > this.bytes.length - start) throw this.#ended(start + length)
    this.position = start + length
    return start
  }

  #ended(needed: number): PickleEnded {
    const message = `${this.name}: pickle: it ends at byte ${this.bytes.length}, before it is whole`
    return new PickleEnded(message, needed)
  }
}

export const latin1 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
