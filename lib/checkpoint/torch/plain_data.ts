/**
 * A pickled object as plain data. What occurs twice is converted once and stays one object; yet a few bytes
 * can say "twice the list before" thirty times over, so the size with all repetitions written out is counted
 * and bounded: whoever walks the result naively takes time in proportion to the file.
 */
import { BeitError } from '../../errors.js'
import type { DType } from '../../native.js'
import { canCollide } from '../pickle/keys.js'
import {
  PickleDict,
  PickleGlobal,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from '../pickle/values.js'
import { type PlainData, type PlainObject, PlainRecord, TensorRecord, UnreadableTensor } from '../records.js'
import { TORCH_DTYPES } from './dtypes.js'
import { simplify } from './simplify.js'
import { PickleStorage, PickleTensor } from './storages.js'

const MAX_DEPTH = 1000
const MAX_WRITTEN_OUT = 1_000_000
/** Characters and bytes that count as much as one more value: of texts, keys, and names of classes and tensors. */
const LENGTH_OF_ONE = 32
/** Characters of a size of a tensor, at the most. */
const LENGTH_OF_SIZE = 16
/** Keys of one Map that can be made to share a place in it: each is compared with all others there. */
const MAX_COLLIDING = 4096
/** Characters of the names of tensors that are no weights: the keys that lead to them. */
const MAX_LETTERS = 2 ** 24

interface Converted {
  readonly plain: PlainData
  /** Levels below it. */
  readonly height: number
  /** Values in it when every repetition is written out. */
  readonly writtenOut: number
}

/** Converts the values of one file. */
export class PlainConverter {
  readonly #name: string
  readonly #limit: number
  /** null: it is being converted right now. */
  readonly #known = new Map<object, Converted | null>()
  #depth = 0
  readonly #records = new Map<PickleTensor, TensorRecord | UnreadableTensor>()
  /** Values converted so far; what repeats counts once. */
  #values = 0
  #letters = 0
  /** Keys and places that lead to the value at hand. */
  readonly #path: (string | number)[] = []

  /**
   * @param name of the file, for messages
   * @param fileSize bytes of the file
   */
  constructor(name: string, fileSize: number) {
    this.#name = name
    this.#limit = MAX_WRITTEN_OUT + Math.floor(fileSize / 16)
  }

  /**
   * The record of a tensor under a name. The first name it is asked for is the one that stands in `data`.
   */
  record(tensor: PickleTensor, name: string): TensorRecord | UnreadableTensor {
    const known = this.#records.get(tensor)
    if (known?.name === name) return known
    const record = makeRecord(tensor, name)
    if (known === undefined) this.#records.set(tensor, record)
    return record
  }

  /** @throws BeitError ERR_FORMAT when the value is nested too deeply or repeats itself too often */
  convert(root: PickleValue): PlainData {
    return this.#child(root, null, new Size())
  }

  #convert(value: object & PickleValue): Converted {
    const known = this.#known.get(value)
    if (known === null) return leaf(new PlainRecord('(the same object again, inside itself)'))
    if (known !== undefined) return known
    if (++this.#depth > MAX_DEPTH) throw this.#tooDeep()
    this.#known.set(value, null)
    const converted = this.#make(value)
    this.#depth--
    if (converted.height > MAX_DEPTH) throw this.#tooDeep()
    if (converted.writtenOut > this.#limit) throw this.#tooMany()
    this.#known.set(value, converted)
    return converted
  }

  #make(value: object & PickleValue): Converted {
    if (value instanceof Uint8Array) return leaf(new Uint8Array(value), value.length)
    if (value instanceof PickleTensor) {
      const record = this.#records.get(value) ?? this.record(value, this.#pathName())
      return leaf(record, record.name.length + LENGTH_OF_SIZE * record.shape.length)
    }
    if (value instanceof PickleStorage) return leaf(storageRecord(value))
    if (Array.isArray(value)) return this.#list(value)
    if (value instanceof PickleTuple) return this.#list(value.items)
    if (value instanceof PickleSet) return this.#list([...value.items()])
    if (value instanceof PickleDict) return this.#dict(value)
    if (value instanceof PickleGlobal) return leaf(reference(value), value.path.length)
    if (value instanceof PickleObject) return this.#object(value)
    throw this.#broken('it holds a value of an unknown kind')
  }

  #list(items: readonly PickleValue[]): Converted {
    const size = new Size()
    const plain = items.map((item, i) => this.#child(item, i, size))
    return size.of(plain)
  }

  #dict(dict: PickleDict): Converted {
    const size = new Size()
    if (dict.onlyStrings) {
      const plain = emptyObject()
      for (const [key, item] of dict.entries() as Iterable<[string, PickleValue]>) {
        size.add(0, counted(key.length))
        plain[key] = this.#child(item, key, size)
      }
      return size.of(plain)
    }
    if (countColliding(dict) > MAX_COLLIDING) {
      return this.#list([...dict.entries()].map((pair) => new PickleTuple(pair)))
    }
    const plain = new Map<PlainData, PlainData>()
    for (const [key, item] of dict.entries()) {
      const plainKey = this.#child(key, 'key', size)
      plain.set(plainKey, this.#child(item, typeof plainKey === 'object' ? 'value' : String(plainKey), size))
    }
    return size.of(plain)
  }

  #object(object: PickleObject): Converted {
    const simpler = simplify(object)
    if (simpler !== undefined) return this.#simpler(simpler)
    const size = new Size()
    size.add(0, counted(object.class.path.length))
    const plain = new PlainRecord(object.class.path)
    if (object.args.length > 0) plain.args = object.args.map((arg, i) => this.#child(arg, `args.${i}`, size))
    if (object.state !== undefined) plain.state = this.#child(object.state, null, size)
    if (object.items !== null) plain.items = this.#child(object.items, null, size)
    if (object.list !== null) plain.list = this.#child(object.list, null, size) as PlainData[]
    return size.of(plain)
  }

  #simpler(value: PickleValue): Converted {
    const size = new Size()
    return size.of(this.#child(value, null, size))
  }

  #child(value: PickleValue, name: string | number | null, size: Size): PlainData {
    // While it goes on: a container is finished only after all that is in it was made.
    if (++this.#values > this.#limit) throw this.#tooMany()
    if (value === null || typeof value !== 'object') {
      size.add(0, counted(lengthOf(value)))
      return value
    }
    if (name !== null) this.#path.push(name)
    const { plain, height, writtenOut } = this.#convert(value)
    if (name !== null) this.#path.pop()
    size.add(height, writtenOut)
    return plain
  }

  #pathName(): string {
    this.#letters += this.#path.reduce<number>((sum, part) => sum + String(part).length + 1, 0)
    if (this.#letters > MAX_LETTERS) {
      throw this.#broken(`the names of its tensors have more than ${MAX_LETTERS} characters in all`)
    }
    return this.#path.join('.')
  }

  #tooMany(): BeitError {
    return this.#broken(`its values repeat each other to more than ${this.#limit} when written out`)
  }

  #tooDeep(): BeitError {
    return this.#broken(`its values are nested more than ${MAX_DEPTH} deep`)
  }

  #broken(why: string): BeitError {
    return new BeitError('ERR_FORMAT', `${this.#name}: ${why}`)
  }
}

/** Adds up the parts of a container. */
class Size {
  #height = 0
  #writtenOut = 1

  add(height: number, writtenOut: number): void {
    this.#height = Math.max(this.#height, height + 1)
    this.#writtenOut += writtenOut
  }

  of(plain: PlainData): Converted {
    return { plain, height: this.#height, writtenOut: this.#writtenOut }
  }
}

function makeRecord(tensor: PickleTensor, name: string): TensorRecord | UnreadableTensor {
  const { dtype, shape, view, requiresGrad, unreadable } = tensor
  if (unreadable !== null || view === null) {
    return new UnreadableTensor(name, dtype, shape, unreadable ?? 'it has no storage')
  }
  return new TensorRecord({
    name,
    dtype: dtype as DType,
    shape,
    strides: view.strides,
    storage: view.storage.record,
    storageOffset: view.offset,
    requiresGrad,
  })
}

function countColliding(dict: PickleDict): number {
  let count = 0
  for (const [key] of dict.entries()) if (canCollide(key)) count++
  return count
}

function storageRecord({ record, element, count }: PickleStorage): PlainRecord {
  const plain = new PlainRecord('torch.storage')
  plain.args = [element.name, record.key, count]
  return plain
}

function reference(global: PickleGlobal): PlainData {
  if (global.module === 'torch' && TORCH_DTYPES.has(global.name)) return global.path
  return new PlainRecord(global.path)
}

const leaf = (plain: PlainData, length = 0): Converted => ({
  plain,
  height: 0,
  writtenOut: counted(length),
})
/** What a value counts that is `length` characters or bytes long. */
const counted = (length: number) => 1 + Math.floor(length / LENGTH_OF_ONE)
/** Of an integer its hexadecimal digits, which are made fast; numbers and constants are short. */
const lengthOf = (value: null | boolean | number | bigint | string) =>
  typeof value === 'string' ? value.length : typeof value === 'bigint' ? value.toString(16).length : 0
const emptyObject = () => Object.create(null) as PlainObject
