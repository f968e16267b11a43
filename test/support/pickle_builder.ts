/**
 * An assembler for pickles: one function an opcode, each giving the bytes of that opcode and its argument, so
 * that a test can write what no pickler would. It knows nothing of stack discipline and shares no code with the
 * reader or the writer of the library; CPython's Lib/pickletools.py describes each opcode.
 *
 * @example
 * pickle(proto(2), global('os', 'system'), unicode('id'), tuple1, reduce) // STOP is added
 */

export type Bytes = Uint8Array | string

/** Text counts as Latin-1 here, and as UTF-8 where an opcode counts its bytes. */
export function bytes(...parts: readonly Bytes[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
}

/** The parts and STOP. */
export const pickle = (...parts: readonly Bytes[]): Buffer => bytes(...parts, stop)

/** Little-endian; what does not fit is cut off, and -1 is all ones. */
export const uint8 = (value: number | bigint): Buffer => little(BigInt(value), 1)
export const uint16 = (value: number | bigint): Buffer => little(BigInt(value), 2)
export const uint32 = (value: number | bigint): Buffer => little(BigInt(value), 4)
export const uint64 = (value: number | bigint): Buffer => little(BigInt(value), 8)

function little(value: bigint, length: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value))
  return buffer.subarray(0, length)
}

export const mark = bytes('(')
export const stop = bytes('.')
export const pop = bytes('0')
export const popMark = bytes('1')
export const dup = bytes('2')
export const none = bytes('N')
export const newTrue = bytes('\x88')
export const newFalse = bytes('\x89')
export const reduce = bytes('R')
export const build = bytes('b')
export const append = bytes('a')
export const appends = bytes('e')
export const setItem = bytes('s')
export const setItems = bytes('u')
export const addItems = bytes('\x90')
export const emptyDict = bytes('}')
export const emptyList = bytes(']')
export const emptyTuple = bytes(')')
export const emptySet = bytes('\x8f')
export const dict = bytes('d')
export const list = bytes('l')
export const tuple = bytes('t')
export const tuple1 = bytes('\x85')
export const tuple2 = bytes('\x86')
export const tuple3 = bytes('\x87')
export const frozenSet = bytes('\x91')
export const obj = bytes('o')
export const newObj = bytes('\x81')
export const newObjEx = bytes('\x92')
export const stackGlobal = bytes('\x93')
export const memoize = bytes('\x94')
export const binPersId = bytes('Q')
export const nextBuffer = bytes('\x97')
export const readonlyBuffer = bytes('\x98')

export const proto = (version: number): Buffer => bytes('\x80', uint8(version))
export const frame = (length: number | bigint): Buffer => bytes('\x95', uint64(length))
export const binInt = (value: number): Buffer => bytes('J', uint32(value))
export const binInt1 = (value: number): Buffer => bytes('K', uint8(value))
export const binInt2 = (value: number): Buffer => bytes('M', uint16(value))
/** INT: a decimal line; '00' and '01' are False and True. */
export const int = (text: string): Buffer => bytes(`I${text}\n`)
export const long = (text: string): Buffer => bytes(`L${text}\n`)
export const float = (text: string): Buffer => bytes(`F${text}\n`)
/** LONG1: two's complement in as many bytes as it needs. */
export function long1(value: bigint): Buffer {
  const hex = BigInt.asUintN(128, value).toString(16).padStart(32, '0')
  return bytes('\x8a\x10', Buffer.from(hex, 'hex').reverse())
}
export const long4 = (length: number, content: Bytes = ''): Buffer => bytes('\x8b', uint32(length), content)
export const binFloat = (value: number): Buffer => {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleBE(value)
  return bytes('G', buffer)
}
/** BINUNICODE of text, or of bytes with a length that is told. */
export const unicode = (text: Bytes, length?: number): Buffer => counted('X', uint32, text, length)
export const shortUnicode = (text: Bytes, length?: number): Buffer => counted('\x8c', uint8, text, length)
export const unicode8 = (text: Bytes, length?: number | bigint): Buffer =>
  counted('\x8d', uint64, text, length)
export const unicodeLine = (line: Bytes): Buffer => bytes('V', line, '\n')
export const stringLine = (line: Bytes): Buffer => bytes('S', line, '\n')
export const binString = (text: Bytes, length?: number): Buffer => counted('T', uint32, text, length)
export const shortBinString = (text: Bytes, length?: number): Buffer => counted('U', uint8, text, length)
export const binBytes = (content: Bytes, length?: number): Buffer => counted('B', uint32, content, length)
export const shortBinBytes = (content: Bytes, length?: number): Buffer => counted('C', uint8, content, length)
export const binBytes8 = (content: Bytes, length?: number | bigint): Buffer =>
  counted('\x8e', uint64, content, length)
export const byteArray8 = (content: Bytes, length?: number | bigint): Buffer =>
  counted('\x96', uint64, content, length)
export const global = (module: Bytes, name: Bytes): Buffer => bytes('c', module, '\n', name, '\n')
export const inst = (module: Bytes, name: Bytes): Buffer => bytes('i', module, '\n', name, '\n')
export const persId = (line: string): Buffer => bytes(`P${line}\n`)
export const put = (text: string): Buffer => bytes(`p${text}\n`)
export const get = (text: string): Buffer => bytes(`g${text}\n`)
export const binPut = (index: number): Buffer => bytes('q', uint8(index))
export const binGet = (index: number): Buffer => bytes('h', uint8(index))
export const longBinPut = (index: number): Buffer => bytes('r', uint32(index))
export const longBinGet = (index: number): Buffer => bytes('j', uint32(index))
export const ext1 = (code: number): Buffer => bytes('\x82', uint8(code))
export const ext2 = (code: number): Buffer => bytes('\x83', uint16(code))
export const ext4 = (code: number): Buffer => bytes('\x84', uint32(code))

function counted(
  opcode: string,
  count: (length: number | bigint) => Buffer,
  content: Bytes,
  length?: number | bigint,
): Buffer {
  const buffer = typeof content === 'string' ? Buffer.from(content) : content
  return bytes(opcode, count(length ?? buffer.length), buffer)
}

/** A tuple of any length. */
export const tupleOf = (...items: readonly Bytes[]): Buffer => bytes(mark, ...items, tuple)
/** A dict of string keys. */
export const dictOf = (entries: Readonly<Record<string, Bytes>>): Buffer =>
  bytes(
    emptyDict,
    mark,
    ...Object.entries(entries).flatMap(([key, value]) => [unicode(key), value]),
    setItems,
  )
export const listOf = (...items: readonly Bytes[]): Buffer => bytes(emptyList, mark, ...items, appends)
/** GLOBAL, the arguments as a tuple, REDUCE. */
export const call = (module: Bytes, name: Bytes, ...args: readonly Bytes[]): Buffer =>
  bytes(global(module, name), tupleOf(...args), reduce)
/** Any int from -2^31 to 2^127. */
export const number = (value: number | bigint): Buffer =>
  typeof value === 'number' && Math.abs(value) < 2 ** 31 ? binInt(value) : long1(BigInt(value))
