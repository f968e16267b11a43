/**
 * Writes pickles of protocol 2, the one that torch.save writes and every PyTorch reads. Only opcodes that
 * torch.load(weights_only=True) takes are used (torch/_weights_only_unpickler.py).
 */
import { BeitError } from '../../errors.js'
import { ByteWriter } from './byte_writer.js'
import { Op } from './opcodes.js'
import {
  PersistentId,
  PythonCall,
  PythonFloat,
  PythonGlobal,
  PythonObject,
  PythonTuple,
  type PythonValue,
} from './python_values.js'

const PROTOCOL = 2
/** Far below what readers take, and far from the end of the stack. */
const MAX_DEPTH = 250
/** Items of one SETITEMS or APPENDS, as in Python. */
const BATCH = 1000
const ENCODE = new PythonGlobal('_codecs', 'encode')

/**
 * The pickle of `value`: null as None, an integer as int, other numbers as float, an array as a list, an
 * object or Map as a dict, a Uint8Array as bytes. What occurs twice is written once.
 *
 * @param encode gives what stands for an object that is no plain data (a tensor), or null when nothing does
 * @throws BeitError ERR_INVALID_ARGUMENT that says where a value lies that has no form in Python
 */
export function pickle(value: PythonValue, encode: Encode = () => null): Uint8Array {
  return new Pickler(encode).pickle(value)
}

type Encode = (leaf: object) => PythonValue | null

class Pickler {
  readonly #encode: Encode
  readonly #out = new ByteWriter()
  /** Numbers in the reader's memo: of objects by themselves, of strings and globals by their text. */
  readonly #memo = new Map<object | string, number>()
  /** Containers that are being written: one inside itself is refused. */
  readonly #open = new Set<object>()
  /** Names on the way to the value at hand, for messages. */
  readonly #path: string[] = []

  constructor(encode: Encode) {
    this.#encode = encode
  }

  pickle(value: PythonValue): Uint8Array {
    this.#out.byte(Op.PROTO)
    this.#out.byte(PROTOCOL)
    this.#write(value)
    this.#out.byte(Op.STOP)
    return this.#out.finish()
  }

  #write(value: PythonValue): void {
    if (value === null) this.#out.byte(Op.NONE)
    else if (typeof value === 'boolean') this.#out.byte(value ? Op.NEWTRUE : Op.NEWFALSE)
    else if (typeof value === 'number') this.#writeNumber(value)
    else if (typeof value === 'bigint') this.#writeLong(value)
    else if (typeof value === 'string') this.#once(`s${value}`, () => this.#writeString(value))
    else if (typeof value !== 'object') throw this.#refuse(`a ${typeof value}`)
    else if (value instanceof PythonFloat) this.#writeFloat(value.value)
    else if (value instanceof PythonGlobal) {
      this.#once(`c${value.module} ${value.name}`, () => this.#writeGlobal(value))
    } else this.#writeObject(value)
  }

  #writeObject(value: object): void {
    if (this.#open.has(value)) throw this.#refuse('an object that holds itself')
    if (this.#open.size === MAX_DEPTH) throw this.#refuse(`a value more than ${MAX_DEPTH} levels deep`)
    this.#open.add(value)
    if (value instanceof PythonTuple) this.#writeTuple(value)
    else if (value instanceof PersistentId) {
      this.#writeTuple(value.id)
      this.#out.byte(Op.BINPERSID)
    } else this.#once(value, (remember) => this.#writeContainer(value, remember))
    this.#open.delete(value)
  }

  /** An object that is written once; `remember` is called when it lies on the reader's stack, still empty. */
  #writeContainer(value: object, remember: () => void): void {
    if (value instanceof PythonCall) {
      this.#write(value.callable)
      this.#writeTuple(value.args)
      this.#out.byte(Op.REDUCE)
      remember()
      this.#writeEntries([...value.entries])
    } else if (value instanceof PythonObject) {
      this.#write(value.class)
      this.#out.byte(Op.EMPTY_TUPLE)
      this.#out.byte(Op.NEWOBJ)
      remember()
      this.#write(value.attributes)
      this.#out.byte(Op.BUILD)
    } else if (value instanceof Uint8Array) {
      // As Python itself does: protocol 2 has no bytes.
      this.#write(new PythonCall(ENCODE, new PythonTuple(Buffer.from(value).toString('latin1'), 'latin1')))
      remember()
    } else if (Array.isArray(value)) {
      this.#out.byte(Op.EMPTY_LIST)
      remember()
      this.#writeItems(value)
    } else if (value instanceof Map || isPlainObject(value)) {
      this.#out.byte(Op.EMPTY_DICT)
      remember()
      this.#writeEntries(value instanceof Map ? [...value] : Object.entries(value))
    } else {
      const encoded = this.#encode(value)
      if (encoded === null) throw this.#refuse(`a ${value.constructor?.name ?? 'object'}`)
      this.#write(encoded)
    }
  }

  #writeTuple({ items }: PythonTuple): void {
    const short = [Op.EMPTY_TUPLE, Op.TUPLE1, Op.TUPLE2, Op.TUPLE3][items.length]
    if (short === undefined) this.#out.byte(Op.MARK)
    items.forEach((item, i) => {
      this.#at(`[${i}]`, item)
    })
    this.#out.byte(short ?? Op.TUPLE)
  }

  #writeItems(items: readonly PythonValue[]): void {
    for (let begin = 0; begin < items.length; begin += BATCH) {
      this.#out.byte(Op.MARK)
      items.slice(begin, begin + BATCH).forEach((item, i) => {
        this.#at(`[${begin + i}]`, item)
      })
      this.#out.byte(Op.APPENDS)
    }
  }

  #writeEntries(entries: readonly (readonly [PythonValue, PythonValue])[]): void {
    for (let begin = 0; begin < entries.length; begin += BATCH) {
      this.#out.byte(Op.MARK)
      for (const [key, value] of entries.slice(begin, begin + BATCH)) {
        this.#at('', key)
        this.#at(`[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`, value)
      }
      this.#out.byte(Op.SETITEMS)
    }
  }

  #at(name: string, value: PythonValue): void {
    this.#path.push(name)
    this.#write(value)
    this.#path.pop()
  }

  #writeGlobal({ module, name }: PythonGlobal): void {
    this.#out.byte(Op.GLOBAL)
    this.#out.bytes(Buffer.from(`${module}\n${name}\n`))
  }

  #writeString(value: string): void {
    const bytes = Buffer.from(value)
    if (bytes.toString() !== value) throw this.#refuse('a string with half a surrogate pair')
    this.#out.byte(Op.BINUNICODE)
    this.#out.uint32(bytes.length)
    this.#out.bytes(bytes)
  }

  #writeFloat(value: number): void {
    this.#out.byte(Op.BINFLOAT)
    this.#out.float64BigEndian(value)
  }

  #writeNumber(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#writeInteger(value)
    else this.#writeFloat(value)
  }

  #writeInteger(value: number): void {
    if (value >= 0 && value <= 0xff) {
      this.#out.byte(Op.BININT1)
      this.#out.byte(value)
    } else if (value >= 0 && value <= 0xffff) {
      this.#out.byte(Op.BININT2)
      this.#out.uint16(value)
    } else if (value >= -(2 ** 31) && value < 2 ** 31) {
      this.#out.byte(Op.BININT)
      this.#out.int32(value)
    } else {
      this.#writeLong(BigInt(value))
    }
  }

  #writeLong(value: bigint): void {
    const bytes = twosComplement(value)
    if (bytes.length <= 0xff) {
      this.#out.byte(Op.LONG1)
      this.#out.byte(bytes.length)
    } else {
      this.#out.byte(Op.LONG4)
      this.#out.uint32(bytes.length)
    }
    this.#out.bytes(bytes)
  }

  /** Writes `key` by `write`, or fetches it from the memo when it was written before. */
  #once(key: object | string, write: (remember: () => void) => void): void {
    const known = this.#memo.get(key)
    if (known !== undefined) {
      this.#memoOp(Op.BINGET, Op.LONG_BINGET, known)
      return
    }
    const remember = () => {
      const index = this.#memo.size
      this.#memo.set(key, index)
      this.#memoOp(Op.BINPUT, Op.LONG_BINPUT, index)
    }
    write(remember)
    if (!this.#memo.has(key)) remember()
  }

  #memoOp(short: number, long: number, index: number): void {
    if (index <= 0xff) {
      this.#out.byte(short)
      this.#out.byte(index)
    } else {
      this.#out.byte(long)
      this.#out.uint32(index)
    }
  }

  #refuse(found: string): BeitError {
    const where = this.#path.length > 0 ? ` at data${this.#path.join('')}` : ''
    return new BeitError(
      'ERR_INVALID_ARGUMENT',
      `${found}${where} cannot be pickled: expected null, booleans, numbers, strings, Uint8Arrays, ` +
        'arrays, plain objects, Maps, Tensors',
    )
  }
}

/** Little-endian, as few bytes as hold the sign; none for 0. */
function twosComplement(value: bigint): Buffer {
  if (value === 0n) return Buffer.alloc(0)
  const magnitude = value < 0n ? -value - 1n : value
  const length = Math.floor(magnitude.toString(2).length / 8) + 1
  const hex = BigInt.asUintN(length * 8, value).toString(16)
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex').reverse()
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
