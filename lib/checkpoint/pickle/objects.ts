/** Opcodes of classes, functions and objects. None of them runs anything: a class is its name. */
import { Cost } from './budget.js'
import { Op } from './opcodes.js'
import type { Operation, StackMachine } from './stack_machine.js'
import {
  kindOf,
  PickleDict,
  PickleGlobal,
  PickleLeaf,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from './values.js'

const refuse =
  (why: string): Operation =>
  (machine) =>
    machine.fail(why)
const EXTENSION = refuse('it uses the extension registry (EXT), which is empty')
const BUFFER = refuse('it uses buffers outside of it (NEXT_BUFFER), and there are none')

export const OBJECTS: readonly (readonly [opcode: number, operation: Operation])[] = [
  [
    Op.GLOBAL,
    (machine) => {
      const global = globalOfLines(machine)
      machine.push(global, costOf(global))
    },
  ],
  [
    Op.STACK_GLOBAL,
    (machine) => {
      const [module, name] = machine.popSeveral(2)
      if (typeof module !== 'string' || typeof name !== 'string') {
        return machine.fail(`STACK_GLOBAL names a class by ${kindOf(module)} and ${kindOf(name)}`)
      }
      const global = new PickleGlobal(module, name)
      machine.push(global, costOf(global))
    },
  ],

  [
    Op.REDUCE,
    (machine) => {
      const [callable, args] = machine.popSeveral(2)
      machine.push(machine.call(globalOf(machine, callable, 'REDUCE'), itemsOf(machine, args, 'REDUCE')))
    },
  ],
  [
    Op.NEWOBJ,
    (machine) => {
      const [of, args] = machine.popSeveral(2)
      makeObject(machine, globalOf(machine, of, 'NEWOBJ'), itemsOf(machine, args, 'NEWOBJ'))
    },
  ],
  [
    Op.NEWOBJ_EX,
    (machine) => {
      const [of, args, named] = machine.popSeveral(3)
      if (!(named instanceof PickleDict))
        return machine.fail(`NEWOBJ_EX has ${kindOf(named)} for named arguments`)
      const all = [...itemsOf(machine, args, 'NEWOBJ_EX'), ...(named.size > 0 ? [named] : [])]
      machine.budget.take(Cost.slot * all.length)
      makeObject(machine, globalOf(machine, of, 'NEWOBJ_EX'), all)
    },
  ],
  [
    Op.OBJ,
    (machine) => {
      const [of, ...args] = machine.popMark()
      makeObject(machine, globalOf(machine, of, 'OBJ'), args)
    },
  ],
  [
    Op.INST,
    (machine) => {
      const global = globalOfLines(machine)
      machine.budget.take(costOf(global))
      makeObject(machine, global, machine.popMark())
    },
  ],
  [Op.BUILD, build],

  [
    Op.BINPERSID,
    (machine) => {
      const { persistent } = machine.options
      const id = machine.pop()
      if (persistent === undefined) {
        return machine.fail('it refers to something outside of it (BINPERSID), and there is nothing')
      }
      machine.push(persistent(id, machine))
    },
  ],
  [Op.PERSID, refuse('it refers to something outside of it in text (PERSID), which torch.save never does')],
  [Op.EXT1, EXTENSION],
  [Op.EXT2, EXTENSION],
  [Op.EXT4, EXTENSION],
  [Op.NEXT_BUFFER, BUFFER],
  [Op.READONLY_BUFFER, BUFFER],
]

function makeObject(machine: StackMachine, of: PickleGlobal, args: readonly PickleValue[]): void {
  if (machine.functionOf(of)?.isClass) machine.push(machine.call(of, args))
  else machine.push(new PickleObject(of, args, false), Cost.object)
}

/** Sets the state of an object. Nothing is called with it: no __setstate__, no attribute of a class. */
function build(machine: StackMachine): void {
  const state = machine.pop()
  const target = machine.top()
  if (target instanceof PickleDict) {
    target.attributes = state
  } else if (target instanceof PickleObject && target.state === undefined) {
    target.state = state
  } else if (!(target instanceof PickleLeaf && target.setState(state))) {
    const why = target instanceof PickleObject ? 'it was set before' : 'it has none'
    machine.fail(`BUILD sets the state of ${kindOf(target)}, and ${why}`)
  }
}

function globalOfLines({ reader }: StackMachine): PickleGlobal {
  const module = reader.textLine()
  return new PickleGlobal(module, reader.textLine())
}

const costOf = ({ module, name }: PickleGlobal) => Cost.tuple + 2 * (module.length + name.length)

function globalOf(machine: StackMachine, value: PickleValue | undefined, opcode: string): PickleGlobal {
  if (value instanceof PickleGlobal) return value
  return machine.fail(`${opcode} calls ${kindOf(value)}, expected the name of a class or function`)
}

function itemsOf(
  machine: StackMachine,
  value: PickleValue | undefined,
  opcode: string,
): readonly PickleValue[] {
  if (value instanceof PickleTuple) return value.items
  return machine.fail(`${opcode} has ${kindOf(value)} for arguments, expected a tuple`)
}
