/** Opcodes of lists, tuples, dicts and sets: making them, and adding to those that Python can add to. */
import { Cost } from './budget.js'
import { Op } from './opcodes.js'
import type { Operation, StackMachine } from './stack_machine.js'
import { kindOf, PickleDict, PickleObject, PickleSet, PickleTuple, type PickleValue } from './values.js'

const smallTuple =
  (size: number): Operation =>
  (machine) =>
    machine.push(new PickleTuple(machine.popSeveral(size)), Cost.tuple)

export const CONTAINERS: readonly (readonly [opcode: number, operation: Operation])[] = [
  [Op.EMPTY_LIST, (machine) => machine.push([], Cost.list)],
  [Op.LIST, (machine) => machine.push(machine.popMark(), Cost.list)],
  [Op.APPEND, (machine) => append(machine, [machine.pop()])],
  [Op.APPENDS, (machine) => append(machine, machine.popMark())],

  [Op.EMPTY_TUPLE, (machine) => machine.push(new PickleTuple([]), Cost.tuple)],
  [Op.TUPLE, (machine) => machine.push(new PickleTuple(machine.popMark()), Cost.tuple)],
  [Op.TUPLE1, smallTuple(1)],
  [Op.TUPLE2, smallTuple(2)],
  [Op.TUPLE3, smallTuple(3)],

  [Op.EMPTY_DICT, (machine) => machine.push(new PickleDict(), Cost.dict)],
  [
    Op.DICT,
    (machine) => {
      const items = machine.popMark()
      machine.push(new PickleDict(), Cost.dict)
      setItems(machine, items)
    },
  ],
  [Op.SETITEM, (machine) => setItems(machine, machine.popSeveral(2))],
  [Op.SETITEMS, (machine) => setItems(machine, machine.popMark())],

  [Op.EMPTY_SET, (machine) => machine.push(new PickleSet(false), Cost.dict)],
  [
    Op.FROZENSET,
    (machine) => {
      const items = machine.popMark()
      const set = new PickleSet(true)
      machine.push(set, Cost.dict)
      addItems(machine, set, items)
    },
  ],
  [
    Op.ADDITEMS,
    (machine) => {
      const items = machine.popMark()
      const set = machine.top()
      if (set instanceof PickleSet && !set.frozen) addItems(machine, set, items)
      else machine.fail(`it adds items to ${kindOf(set)}, expected a set`)
    },
  ],
]

/** To a list, or to an object whose class may extend list. */
function append(machine: StackMachine, items: readonly PickleValue[]): void {
  machine.budget.take(Cost.slot * items.length)
  const target = machine.top()
  if (target instanceof PickleObject) target.list ??= []
  const list = target instanceof PickleObject ? target.list : target
  if (!Array.isArray(list)) machine.fail(`it appends to ${kindOf(target)}, expected a list`)
  if (list.length === 0) machine.budget.take(Cost.list)
  for (const item of items) list.push(item)
}

/** Of a dict, or of an object whose class may extend dict. `items` are keys and values by turns. */
function setItems(machine: StackMachine, items: readonly PickleValue[]): void {
  if (items.length % 2 !== 0) machine.fail('it sets items by an odd number of keys and values')
  machine.budget.take((Cost.entry / 2) * items.length)
  const target = machine.top()
  if (target instanceof PickleObject) target.items ??= new PickleDict()
  const dict = target instanceof PickleObject ? target.items : target
  if (!(dict instanceof PickleDict)) machine.fail(`it sets items of ${kindOf(target)}, expected a dict`)
  if (dict.size === 0) machine.budget.take(Cost.dict)
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i] as PickleValue
    dict.set(machine.keys.of(key), key, items[i + 1] as PickleValue)
  }
}

function addItems(machine: StackMachine, set: PickleSet, items: readonly PickleValue[]): void {
  machine.budget.take(Cost.entry * items.length + (set.size === 0 ? Cost.dict : 0))
  for (const item of items) set.add(machine.keys.of(item), item)
}
