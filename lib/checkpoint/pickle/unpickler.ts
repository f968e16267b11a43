/**
 * A symbolic unpickler: the stack machine of pickle, protocols 0 to 5 (CPython's Lib/pickle.py), that makes
 * data and nothing else. Classes and functions stay names; a call is looked up in a table of functions that
 * make data, and becomes an inert record when it is not there. There is no way from here to code.
 */
import { CONTAINERS } from './containers.js'
import { LITERALS } from './literals.js'
import { OBJECTS } from './objects.js'
import { Op } from './opcodes.js'
import { type Operation, StackMachine, type UnpickleOptions } from './stack_machine.js'
import type { PickleValue } from './values.js'

const MAX_PROTOCOL = 5

const STACK_AND_MEMO: readonly (readonly [opcode: number, operation: Operation])[] = [
  [Op.MARK, (machine) => machine.mark()],
  [Op.POP, (machine) => machine.popValueOrMark()],
  [Op.POP_MARK, (machine) => void machine.popMark()],
  [Op.DUP, (machine) => machine.push(machine.top())],
  [Op.GET, (machine) => machine.recall(Number(machine.reader.decimal()))],
  [Op.BINGET, (machine) => machine.recall(machine.reader.uint8())],
  [Op.LONG_BINGET, (machine) => machine.recall(machine.reader.uint32())],
  [Op.PUT, (machine) => machine.remember(Number(machine.reader.decimal()))],
  [Op.BINPUT, (machine) => machine.remember(machine.reader.uint8())],
  [Op.LONG_BINPUT, (machine) => machine.remember(machine.reader.uint32())],
  [Op.MEMOIZE, (machine) => machine.remember(machine.memoSize)],
  [Op.FRAME, frame],
]

const OPERATIONS: (Operation | undefined)[] = new Array(256)
for (const [opcode, operation] of [...STACK_AND_MEMO, ...LITERALS, ...CONTAINERS, ...OBJECTS]) {
  OPERATIONS[opcode] = operation
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
  const machine: StackMachine = new StackMachine(bytes, options)
  const { reader } = machine
  let opcode = reader.uint8()
  if (opcode === Op.PROTO) {
    const protocol = reader.uint8()
    if (protocol > MAX_PROTOCOL) machine.fail(`it has protocol ${protocol}; 0 to ${MAX_PROTOCOL} are known`)
    opcode = reader.uint8()
  }
  for (; opcode !== Op.STOP; opcode = reader.uint8()) {
    const operation = OPERATIONS[opcode]
    if (operation === undefined) machine.fail(`0x${opcode.toString(16)} is not an opcode that may stand here`)
    operation(machine)
  }
  return { value: machine.result(), length: reader.position }
}

/** Frames only tell how much to read at once. */
function frame(machine: StackMachine): void {
  const { reader, options } = machine
  const length = reader.length64()
  if (reader.position + length > options.fileSize) {
    machine.fail(`a frame of ${length} bytes reaches past the end`)
  }
}
