/**
 * The classes and functions of Python and numpy that make plain data, by the names that pickles call them.
 * Whatever is not here (or in torch/rebuild.ts) is never more than a record of its name and arguments.
 */
import { Cost } from './budget.js'
import { numpyScalar } from './numpy_scalar.js'
import type { Machine, PickleFunction } from './stack_machine.js'
import {
  kindOf,
  PickleDict,
  PickleGlobal,
  PickleObject,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from './values.js'

type Make = PickleFunction['make']

/** By 'module name'. */
export const PYTHON_FUNCTIONS: ReadonlyMap<string, PickleFunction> = new Map([
  ...classes(['collections'], {
    OrderedDict: makeDict,
    defaultdict: () => new PickleDict(),
    Counter: makeDict,
  }),
  ...classes(['builtins', '__builtin__'], {
    dict: makeDict,
    list: (args, machine) => [...items(args, machine)],
    tuple: (args, machine) => new PickleTuple([...items(args, machine)]),
    set: (args, machine) => makeSet(args, machine, false),
    frozenset: (args, machine) => makeSet(args, machine, true),
    bytes: makeBytes,
    bytearray: makeBytes,
  }),
  ...functions(['_codecs'], { encode }),
  ...functions(['copyreg', 'copy_reg'], { _reconstructor: reconstruct }),
  ...functions(['numpy.core.multiarray', 'numpy._core.multiarray'], { scalar: numpyScalar }),
])

/** Entries of functions of some modules. */
export function functions(modules: string[], makes: Record<string, Make>): [string, PickleFunction][] {
  return modules.flatMap((module) =>
    Object.entries(makes).map(([name, make]): [string, PickleFunction] => [`${module} ${name}`, { make }]),
  )
}

/** Entries of classes of some modules. */
export function classes(modules: string[], makes: Record<string, Make>): [string, PickleFunction][] {
  return functions(modules, makes).map(([name, { make }]) => [name, { make, isClass: true }])
}

/** dict(), dict(other), dict([[key, value], ...]) */
function makeDict([source = null, ...rest]: readonly PickleValue[], machine: Machine): PickleValue {
  if (rest.length > 0) machine.fail(`a dict is made of ${rest.length + 1} arguments`)
  const dict = new PickleDict()
  const pairs =
    source instanceof PickleDict ? source.entries() : items(source === null ? [] : [source], machine)
  if (source instanceof PickleDict) machine.budget.take(Cost.entry * source.size)
  for (const pair of pairs) {
    const [key, value, ...more] = pair instanceof PickleTuple ? pair.items : Array.isArray(pair) ? pair : []
    if (key === undefined || value === undefined || more.length > 0) {
      machine.fail(`a dict is made of ${kindOf(pair as PickleValue)}, expected pairs`)
    }
    machine.budget.take(Cost.entry)
    dict.set(machine.keys.of(key), key, value)
  }
  return dict
}

function makeSet(args: readonly PickleValue[], machine: Machine, frozen: boolean): PickleSet {
  const set = new PickleSet(frozen)
  for (const item of items(args, machine)) {
    machine.budget.take(Cost.entry)
    set.add(machine.keys.of(item), item)
  }
  return set
}

/** The items of the one argument, or none. Taken from the budget, since a list can be copied any often. */
function items([source, ...rest]: readonly PickleValue[], machine: Machine): Iterable<PickleValue> {
  if (source === undefined) return []
  const list = source instanceof PickleTuple ? source.items : source
  if (list instanceof PickleSet && rest.length === 0) {
    machine.budget.take(Cost.slot * list.size)
    return list.items()
  }
  if (!Array.isArray(list) || rest.length > 0) {
    return machine.fail(`a container is made of ${kindOf(source)}, expected one list`)
  }
  machine.budget.take(Cost.list + Cost.slot * list.length)
  return list as readonly PickleValue[]
}

/** bytes(), bytearray(b'...'), bytes('text', 'latin1') */
function makeBytes(args: readonly PickleValue[], machine: Machine): PickleValue {
  const [source] = args
  if (source === undefined) return new Uint8Array(0)
  if (source instanceof Uint8Array && args.length === 1) return source
  return encode(args, machine)
}

/** _codecs.encode(text, 'latin1'): how protocols before 3 write bytes. */
function encode([text, encoding, ...rest]: readonly PickleValue[], machine: Machine): PickleValue {
  const known = encoding === 'latin1' || encoding === 'latin-1'
  if (typeof text !== 'string' || !known || rest.length > 0) {
    return machine.fail(
      `_codecs.encode is called with ${kindOf(text)} and ${kindOf(encoding)}, expected latin1`,
    )
  }
  machine.budget.take(Cost.bytes + text.length)
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.toString('latin1') !== text)
    machine.fail('_codecs.encode is called with text that is not Latin-1')
  return bytes
}

/**
 * copyreg._reconstructor(class, base, state): how protocols before 2 make objects. Of a class that extends dict,
 * list or another type of Python's the state is what it holds as that type.
 */
function reconstruct([of, base, state = null]: readonly PickleValue[], machine: Machine): PickleValue {
  if (!(of instanceof PickleGlobal))
    return machine.fail(`_reconstructor is called with ${kindOf(of)} for a class`)
  if (!(base instanceof PickleGlobal))
    return machine.fail(`_reconstructor is called for ${of.path}, which extends ${kindOf(base)}`)
  machine.budget.take(Cost.object)
  const contained = state === null || state instanceof PickleDict || Array.isArray(state)
  const object = new PickleObject(of, contained ? [] : [state], false)
  if (state instanceof PickleDict) object.items = state
  if (Array.isArray(state)) object.list = state
  return object
}
