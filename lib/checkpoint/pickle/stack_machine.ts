/** What the operations of a pickle work on: bytes to read, a stack with marks, a memo. */
import { Budget, Cost } from './budget.js'
import { KeyTable } from './keys.js'
import { PickleReader } from './pickle_reader.js'
import { type PickleGlobal, PickleObject, type PickleValue } from './values.js'

/** What a function of the table may use. */
export interface Machine {
  readonly budget: Budget
  readonly keys: KeyTable
  /** @throws BeitError ERR_FORMAT with the place in the pickle */
  fail(why: string): never
  call(callable: PickleGlobal, args: readonly PickleValue[]): PickleValue
  /** Where in the pickle `bytes` stand as they are; null when they were decoded from something else. */
  positionOf(bytes: Uint8Array): number | null
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
  /** Of the pickle that this one is inside of; without it, one in proportion to the file. */
  budget?: Budget
}

/** The machine of one pickle. Everything that makes a value takes its cost from the budget. */
export class StackMachine implements Machine {
  readonly budget: Budget
  readonly keys: KeyTable
  readonly reader: PickleReader
  readonly options: UnpickleOptions
  readonly #stack: PickleValue[] = []
  /** The stack grows by copies, and is then as large as it ever was. */
  #highest = 0
  /** Heights of the stack. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, PickleValue>()

  constructor(bytes: Uint8Array, options: UnpickleOptions) {
    this.reader = new PickleReader(bytes, options.name)
    this.options = options
    const refuse = (why: string) => this.fail(why)
    this.budget = options.budget ?? new Budget(options.fileSize, refuse)
    this.keys = new KeyTable(this.budget, refuse)
  }

  fail(why: string): never {
    return this.reader.fail(why)
  }

  /** Of a function of the table its data, of any other callable an inert record. */
  call(callable: PickleGlobal, args: readonly PickleValue[]): PickleValue {
    const known = this.functionOf(callable)
    if (known !== undefined) return known.make(args, this)
    this.budget.take(Cost.object)
    return new PickleObject(callable, args, true)
  }

  positionOf(bytes: Uint8Array): number | null {
    const whole = this.reader.bytes
    const position = bytes.byteOffset - whole.byteOffset
    const inside = bytes.buffer === whole.buffer && position >= 0 && position + bytes.length <= whole.length
    return inside ? position : null
  }

  functionOf({ key }: PickleGlobal): PickleFunction | undefined {
    return this.options.functions.get(key)
  }

  /** @param cost of the value itself, beside its place on the stack */
  push(value: PickleValue, cost = 0): void {
    this.budget.take(Cost.slot + cost)
    this.#stack.push(value)
    if (this.#stack.length > this.#highest) {
      this.budget.take(Cost.slot)
      this.#highest = this.#stack.length
    }
  }

  pop(): PickleValue {
    if (this.#stack.length <= this.#floor) this.fail('it takes a value from an empty stack')
    return this.#stack.pop() as PickleValue
  }

  /** The last `count` values, in the order in which they were pushed. */
  popSeveral(count: number): PickleValue[] {
    if (this.#stack.length - count < this.#floor) {
      this.fail(`it takes ${count} values from a stack of ${this.#stack.length - this.#floor}`)
    }
    return this.#stack.splice(this.#stack.length - count, count)
  }

  top(): PickleValue {
    if (this.#stack.length <= this.#floor) this.fail('it uses the top of an empty stack')
    return this.#stack.at(-1) as PickleValue
  }

  mark(): void {
    this.budget.take(2 * Cost.slot)
    this.#marks.push(this.#stack.length)
  }

  /** What was pushed since the last mark, which is taken away. */
  popMark(): PickleValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined) return this.fail('it goes back to a mark, and there is none')
    return this.#stack.splice(mark)
  }

  /** POP takes a value, or a mark that nothing was pushed after. */
  popValueOrMark(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop()
    else this.pop()
  }

  get memoSize(): number {
    return this.#memo.size
  }

  recall(index: number): void {
    const value = this.#memo.get(index)
    if (value === undefined) this.fail(`it uses memo ${index}, which was not set`)
    this.push(value)
  }

  /**
   * Picklers count their memos, so an index is never above the bytes that came before it. Others are refused:
   * chosen freely, indices can be made to collide in a hash table.
   */
  remember(index: number): void {
    if (index < 0 || index > this.reader.position)
      this.fail(`it sets memo ${index}, which no pickler counts to`)
    if (!this.#memo.has(index)) this.budget.take(Cost.memo)
    this.#memo.set(index, this.top())
  }

  /** The one value that is left at the end. */
  result(): PickleValue {
    if (this.#stack.length !== 1 || this.#marks.length !== 0) {
      this.fail(`it stops with ${this.#stack.length} values on the stack and ${this.#marks.length} marks`)
    }
    return this.pop()
  }

  /** Values below the last mark are out of reach. */
  get #floor(): number {
    return this.#marks.at(-1) ?? 0
  }
}

/** What an opcode does. */
export type Operation = (machine: StackMachine) => void
