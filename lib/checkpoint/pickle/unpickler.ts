/**
 * A symbolic unpickler: the stack machine of pickle, protocols 0 to 5 (CPython's Lib/pickle.py), that makes
 * data and nothing else. Classes and functions stay names; a call is looked up in a table of functions that
 * make data, and becomes an inert record when it is not there. There is no way from here to code.
 */
import { Budget, Cost } from './budget.js'
import { KeyTable } from './keys.js'
import { Op } from './opcodes.js'
import { PickleReader } from './pickle_reader.js'
import { pythonString, rawUnicodeEscape } from './text.js'
import {
  kindOf,
  PickleDict,
  PickleGlobal,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from './values.js'

/** What a function of the table may use. */
export interface Machine {
  readonly budget: Budget
  readonly keys: KeyTable
  /** @throws BeitError ERR_FORMAT with the place in the pickle */
  fail(why: string): never
  call(callable: PickleGlobal, args: readonly PickleValue[]): PickleValue
}

/** What stands in for a function or class of Python: it makes data of its arguments. */
export interface PickleFunction {
  make(args: readonly PickleValue[], machine: Machine): PickleValue
  /** A class, whose objects are also made by __new__ (NEWOBJ). */
  isClass?: boolean
}

/** By 'module name', with one space. */
export type PickleFunctions = ReadonlyMap<string, PickleFunction>

export interface UnpickleOptions {
  /** What messages call the bytes: path of a file, name of an entry. */
  name: string
  /** Bytes of the file that the pickle is in: values may take memory in proportion to it. */
  fileSize: number
  functions: PickleFunctions
  /** Looks up what the pickle refers to outside of it (BINPERSID); without it such references are errors. */
  persistent?: (id: PickleValue, machine: Machine) => PickleValue
}

/**
 * The value of the pickle at the start of `bytes`, and how many bytes it takes.
 *
 * @throws BeitError ERR_FORMAT that says which rule was broken near which byte; PickleEnded when `bytes` end
 * before the pickle.
 */
export function unpickle(
  bytes: Uint8Array,
  options: UnpickleOptions,
): { value: PickleValue; length: number } {
  return new Unpickler(bytes, options).run()
}

class Unpickler implements Machine {
  readonly budget: Budget
  readonly keys: KeyTable
  readonly #reader: PickleReader
  readonly #options: UnpickleOptions
  readonly #stack: PickleValue[] = []
  /** Heights of the stack. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue>()

  constructor(bytes: Uint8Array, options: UnpickleOptions) {
    this.#reader = new PickleReader(bytes, options.name)
    this.#options = options
    const refuse = (why: string) => this.fail(why)
    this.budget = new Budget(options.fileSize, refuse)
    this.keys = new KeyTable(refuse)
  }

  run(): { value: PickleValue; length: number } {
    let opcode = this.#reader.uint8()
    if (opcode === Op.PROTO) {
      const protocol = this.#reader.uint8()
      if (protocol > 5) this.fail(`it has protocol ${protocol}; 0 to 5 are known`)
      opcode = this.#reader.uint8()
    }
    for (; opcode !== Op.STOP; opcode = this.#reader.uint8()) this.#step(opcode)
    if (this.#stack.length !== 1 || this.#marks.length !== 0) {
      this.fail(`it stops with ${this.#stack.length} values on the stack and ${this.#marks.length} marks`)
    }
    return { value: this.#pop(), length: this.#reader.position }
  }

  fail(why: string): never {
    return this.#reader.fail(why)
  }

  call(callable: PickleGlobal, args: readonly PickleValue[]): PickleValue {
    const known = this.#options.functions.get(`${callable.module} ${callable.name}`)
    if (known !== undefined) return known.make(args, this)
    this.budget.take(Cost.object)
    return new PickleObject(callable, args, true)
  }

  #step(opcode: number): void {
    const reader = this.#reader
    switch (opcode) {
      case Op.FRAME:
        this.#frame()
        return
      case Op.MARK:
        this.budget.take(Cost.slot)
        this.#marks.push(this.#stack.length)
        return
      case Op.POP:
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop()
        else this.#pop()
        return
      case Op.POP_MARK:
        this.#popMark()
        return
      case Op.DUP:
        this.#push(this.#top())
        return

      case Op.NONE:
        this.#push(null)
        return
      case Op.NEWTRUE:
        this.#push(true)
        return
      case Op.NEWFALSE:
        this.#push(false)
        return
      case Op.BININT:
        this.#push(reader.int32())
        return
      case Op.BININT1:
        this.#push(reader.uint8())
        return
      case Op.BININT2:
        this.#push(reader.uint16())
        return
      case Op.LONG1:
        this.#push(reader.integer(reader.uint8()), Cost.number)
        return
      case Op.LONG4:
        this.#push(reader.integer(this.#signed(reader.int32())), Cost.number)
        return
      case Op.INT:
        this.#push(this.#int(), Cost.number)
        return
      case Op.LONG:
        this.#push(reader.parseDecimal(reader.asciiLine().replace(/L$/, '')), Cost.number)
        return
      case Op.BINFLOAT:
        this.#push(reader.float64(), Cost.number)
        return
      case Op.FLOAT:
        this.#push(this.#float(), Cost.number)
        return

      case Op.BINUNICODE:
        this.#string(reader.text(reader.uint32()))
        return
      case Op.SHORT_BINUNICODE:
        this.#string(reader.text(reader.uint8()))
        return
      case Op.BINUNICODE8:
        this.#string(reader.text(reader.length64()))
        return
      case Op.UNICODE:
        this.#string(rawUnicodeEscape(reader.line(), reader))
        return
      case Op.STRING:
        this.#string(pythonString(reader.asciiLine(), reader))
        return
      case Op.BINSTRING:
        this.#oldString(reader.take(this.#signed(reader.int32())))
        return
      case Op.SHORT_BINSTRING:
        this.#oldString(reader.take(reader.uint8()))
        return
      case Op.BINBYTES:
        this.#push(reader.take(reader.uint32()), Cost.object)
        return
      case Op.SHORT_BINBYTES:
        this.#push(reader.take(reader.uint8()), Cost.object)
        return
      case Op.BINBYTES8:
      case Op.BYTEARRAY8:
        this.#push(reader.take(reader.length64()), Cost.object)
        return

      case Op.EMPTY_LIST:
        this.#push([], Cost.list)
        return
      case Op.EMPTY_TUPLE:
        this.#push(new PickleTuple([]), Cost.tuple)
        return
      case Op.EMPTY_DICT:
        this.#push(new PickleDict(), Cost.dict)
        return
      case Op.EMPTY_SET:
        this.#push(new PickleSet(false), Cost.dict)
        return
      case Op.LIST:
        this.#push(this.#popMark(), Cost.list)
        return
      case Op.TUPLE:
        this.#push(new PickleTuple(this.#popMark()), Cost.tuple)
        return
      case Op.TUPLE1:
      case Op.TUPLE2:
      case Op.TUPLE3:
        this.#push(new PickleTuple(this.#popSeveral(opcode - Op.TUPLE1 + 1)), Cost.tuple)
        return
      case Op.DICT: {
        const items = this.#popMark()
        const dict = new PickleDict()
        this.#setItems(dict, items)
        this.#push(dict, Cost.dict)
        return
      }
      case Op.FROZENSET: {
        const items = this.#popMark()
        const set = new PickleSet(true)
        this.#addItems(set, items)
        this.#push(set, Cost.dict)
        return
      }

      case Op.APPEND: {
        const item = this.#pop()
        this.#append(this.#top(), [item])
        return
      }
      case Op.APPENDS: {
        const items = this.#popMark()
        this.#append(this.#top(), items)
        return
      }
      case Op.SETITEM: {
        const items = this.#popSeveral(2)
        this.#setItems(this.#top(), items)
        return
      }
      case Op.SETITEMS: {
        const items = this.#popMark()
        this.#setItems(this.#top(), items)
        return
      }
      case Op.ADDITEMS: {
        const items = this.#popMark()
        this.#addItems(this.#top(), items)
        return
      }

      case Op.GET:
        this.#get(Number(reader.decimal()))
        return
      case Op.BINGET:
        this.#get(reader.uint8())
        return
      case Op.LONG_BINGET:
        this.#get(reader.uint32())
        return
      case Op.PUT:
        this.#put(Number(reader.decimal()))
        return
      case Op.BINPUT:
        this.#put(reader.uint8())
        return
      case Op.LONG_BINPUT:
        this.#put(reader.uint32())
        return
      case Op.MEMOIZE:
        this.#put(this.#memo.size)
        return

      case Op.GLOBAL: {
        const module = reader.decode(reader.line())
        this.#global(module, reader.decode(reader.line()))
        return
      }
      case Op.STACK_GLOBAL: {
        const [module, name] = this.#popSeveral(2)
        if (typeof module !== 'string' || typeof name !== 'string') {
          this.fail(`STACK_GLOBAL names a class by ${kindOf(module)} and ${kindOf(name)}`)
        }
        this.#global(module, name)
        return
      }
      case Op.REDUCE: {
        const [callable, args] = this.#popSeveral(2)
        this.#push(this.call(this.#class(callable, 'REDUCE'), this.#args(args, 'REDUCE')))
        return
      }
      case Op.NEWOBJ: {
        const [of, args] = this.#popSeveral(2)
        this.#new(this.#class(of, 'NEWOBJ'), this.#args(args, 'NEWOBJ'))
        return
      }
      case Op.NEWOBJ_EX: {
        const [of, args, named] = this.#popSeveral(3)
        if (!(named instanceof PickleDict)) this.fail(`NEWOBJ_EX has ${kindOf(named)} for a dict`)
        const all = [...this.#args(args, 'NEWOBJ_EX'), ...(named.size > 0 ? [named] : [])]
        this.budget.take(Cost.slot * all.length)
        this.#new(this.#class(of, 'NEWOBJ_EX'), all)
        return
      }
      case Op.OBJ: {
        const [of, ...args] = this.#popMark()
        this.#new(this.#class(of, 'OBJ'), args)
        return
      }
      case Op.INST: {
        const module = reader.decode(reader.line())
        const of = new PickleGlobal(module, reader.decode(reader.line()))
        this.#new(of, this.#popMark())
        return
      }
      case Op.BUILD:
        this.#build()
        return
      case Op.BINPERSID:
        this.#persistent()
        return
      default:
        this.#refuseOpcode(opcode)
    }
  }

  #push(value: PickleValue, cost = 0): void {
    this.budget.take(Cost.slot + cost)
    this.#stack.push(value)
  }

  #string(text: string): void {
    this.#push(text, Cost.string + 2 * text.length)
  }

  /** A str of Python 2: text where it is UTF-8, else bytes. */
  #oldString(bytes: Uint8Array): void {
    try {
      this.#string(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    } catch {
      this.#push(bytes, Cost.object)
    }
  }

  #pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('it takes a value from an empty stack')
    return this.#stack.pop() as PickleValue
  }

  #popSeveral(count: number): PickleValue[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) {
      this.fail(`it takes ${count} values from a stack of fewer`)
    }
    return this.#stack.splice(this.#stack.length - count, count)
  }

  /** What was pushed since the last mark. */
  #popMark(): PickleValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined) return this.fail('it goes back to a mark, and there is none')
    return this.#stack.splice(mark)
  }

  #top(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('it uses the top of an empty stack')
    return this.#stack.at(-1) as PickleValue
  }

  #get(index: number): void {
    const value = this.#memo.get(index)
    if (value === undefined) this.fail(`it uses memo ${index}, which was not set`)
    this.#push(value)
  }

  #put(index: number): void {
    if (!this.#memo.has(index)) this.budget.take(Cost.entry / 2)
    this.#memo.set(index, this.#top())
  }

  #global(module: string, name: string): void {
    this.#push(new PickleGlobal(module, name), Cost.tuple)
  }

  #class(value: PickleValue | undefined, opcode: string): PickleGlobal {
    if (value instanceof PickleGlobal) return value
    return this.fail(`${opcode} calls ${kindOf(value)}, expected the name of a class or function`)
  }

  #args(value: PickleValue | undefined, opcode: string): readonly PickleValue[] {
    if (value instanceof PickleTuple) return value.items
    return this.fail(`${opcode} has ${kindOf(value)} for arguments, expected a tuple`)
  }

  #new(of: PickleGlobal, args: readonly PickleValue[]): void {
    const isClass = this.#options.functions.get(`${of.module} ${of.name}`)?.isClass === true
    if (isClass) this.#push(this.call(of, args))
    else this.#push(new PickleObject(of, args, false), Cost.object)
  }

  #append(target: PickleValue, items: PickleValue[]): void {
    this.budget.take(Cost.slot * items.length)
    if (target instanceof PickleObject) target.list ??= []
    const list = target instanceof PickleObject ? target.list : target
    if (!Array.isArray(list)) this.fail(`it appends to ${kindOf(target)}, expected a list`)
    for (const item of items) list.push(item)
  }

  #setItems(target: PickleValue, items: PickleValue[]): void {
    if (items.length % 2 !== 0) this.fail('it sets items by an odd number of keys and values')
    this.budget.take((Cost.entry / 2) * items.length)
    if (target instanceof PickleObject) target.items ??= new PickleDict()
    const dict = target instanceof PickleObject ? target.items : target
    if (!(dict instanceof PickleDict)) this.fail(`it sets items of ${kindOf(target)}, expected a dict`)
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i] as PickleValue
      dict.set(this.keys.of(key), key, items[i + 1] as PickleValue)
    }
  }

  #addItems(target: PickleValue, items: PickleValue[]): void {
    this.budget.take(Cost.entry * items.length)
    if (!(target instanceof PickleSet)) this.fail(`it adds items to ${kindOf(target)}, expected a set`)
    for (const item of items) target.add(this.keys.of(item), item)
  }

  #build(): void {
    const state = this.#pop()
    const target = this.#top()
    if (target instanceof PickleDict) {
      target.attributes = state
      return
    }
    if (!(target instanceof PickleObject)) {
      this.fail(`BUILD sets the state of ${kindOf(target)}, which has none`)
    }
    if (target.state !== undefined) this.fail(`BUILD sets the state of ${kindOf(target)} twice`)
    target.state = state
  }

  #persistent(): void {
    const id = this.#pop()
    if (this.#options.persistent === undefined) {
      this.fail('it refers to something outside of it (BINPERSID), and there is nothing')
    }
    this.#push(this.#options.persistent(id, this))
  }

  #frame(): void {
    const length = this.#reader.length64()
    const end = this.#reader.position + length
    if (end > this.#options.fileSize) this.fail(`a frame of ${length} bytes reaches past the end`)
  }

  #int(): PickleValue {
    const text = this.#reader.asciiLine()
    if (text === '00' || text === '01') return text === '01'
    return this.#reader.parseDecimal(text)
  }

  #float(): number {
    const text = this.#reader.asciiLine()
    const special = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }
    if (Object.hasOwn(special, text)) return special[text as keyof typeof special]
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || text.length > 1000) {
      this.fail(`${JSON.stringify(text.slice(0, 32))} is not a number`)
    }
    return Number(text)
  }

  #signed(length: number): number {
    if (length < 0) this.fail(`a length of ${length} bytes`)
    return length
  }

  #refuseOpcode(opcode: number): never {
    const hex = `0x${opcode.toString(16).padStart(2, '0')}`
    switch (opcode) {
      case Op.PROTO:
        return this.fail('PROTO may only come first')
      case Op.EXT1:
      case Op.EXT2:
      case Op.EXT4:
        return this.fail('it uses the extension registry (EXT), which is empty')
      case Op.NEXT_BUFFER:
      case Op.READONLY_BUFFER:
        return this.fail('it uses buffers outside of it (NEXT_BUFFER), and there are none')
      case Op.PERSID:
        return this.fail('it refers to something outside of it in text (PERSID), which torch.save never does')
      default:
        return this.fail(`${hex} is not an opcode`)
    }
  }
}
