/** Opcodes that push a constant: None, bool, int, float, str and bytes. */
import { isUtf8 } from 'node:buffer'
import { Cost } from './budget.js'
import { Op } from './opcodes.js'
import type { Operation, StackMachine } from './stack_machine.js'
import { pythonString, rawUnicodeEscape } from './text.js'
import type { PickleValue } from './values.js'

type Reader = StackMachine['reader']

const number =
  (read: (reader: Reader) => PickleValue): Operation =>
  (machine) =>
    machine.push(read(machine.reader), Cost.number)

const text =
  (read: (reader: Reader) => string): Operation =>
  (machine) => {
    const string = read(machine.reader)
    machine.push(string, Cost.string + 2 * string.length)
  }

/** A view of the pickle, not a copy. */
const bytes =
  (length: (reader: Reader) => number): Operation =>
  (machine) =>
    machine.push(machine.reader.take(length(machine.reader)), Cost.bytes)

/** A str of Python 2: text where it is UTF-8, else bytes. */
const oldString =
  (length: (reader: Reader) => number): Operation =>
  (machine) => {
    const raw = machine.reader.take(length(machine.reader))
    if (isUtf8(raw)) machine.push(Buffer.from(raw).toString(), Cost.string + 2 * raw.length)
    else machine.push(raw, Cost.bytes)
  }

export const LITERALS: readonly (readonly [opcode: number, operation: Operation])[] = [
  [Op.NONE, (machine) => machine.push(null)],
  [Op.NEWTRUE, (machine) => machine.push(true)],
  [Op.NEWFALSE, (machine) => machine.push(false)],

  [Op.BININT, (machine) => machine.push(machine.reader.int32())],
  [Op.BININT1, (machine) => machine.push(machine.reader.uint8())],
  [Op.BININT2, (machine) => machine.push(machine.reader.uint16())],
  [Op.LONG1, number((reader) => reader.integer(reader.uint8()))],
  [Op.LONG4, number((reader) => reader.integer(reader.length32()))],
  [Op.INT, number(intOrBool)],
  [Op.LONG, number((reader) => reader.parseDecimal(reader.asciiLine().replace(/L$/, '')))],
  [Op.BINFLOAT, number((reader) => reader.float64())],
  [Op.FLOAT, number(decimalFloat)],

  [Op.BINUNICODE, text((reader) => reader.text(reader.uint32()))],
  [Op.SHORT_BINUNICODE, text((reader) => reader.text(reader.uint8()))],
  [Op.BINUNICODE8, text((reader) => reader.text(reader.length64()))],
  [Op.UNICODE, text((reader) => rawUnicodeEscape(reader.line(), reader))],
  [Op.STRING, text((reader) => pythonString(reader.asciiLine(), reader))],
  [Op.BINSTRING, oldString((reader) => reader.length32())],
  [Op.SHORT_BINSTRING, oldString((reader) => reader.uint8())],

  [Op.BINBYTES, bytes((reader) => reader.uint32())],
  [Op.SHORT_BINBYTES, bytes((reader) => reader.uint8())],
  [Op.BINBYTES8, bytes((reader) => reader.length64())],
  [Op.BYTEARRAY8, bytes((reader) => reader.length64())],
]

/** INT of protocol 0 writes bools as 00 and 01. */
function intOrBool(reader: Reader): PickleValue {
  const line = reader.asciiLine()
  if (line === '00' || line === '01') return line === '01'
  return reader.parseDecimal(line)
}

const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])

/** FLOAT of protocol 0: repr(float). */
function decimalFloat(reader: Reader): number {
  const line = reader.asciiLine()
  const special = SPECIAL.get(line)
  if (special !== undefined) return special
  if (line.length > 1000 || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(line)) {
    reader.fail(`${JSON.stringify(line.slice(0, 32))} is not a number`)
  }
  return Number(line)
}
