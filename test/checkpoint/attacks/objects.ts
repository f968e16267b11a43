/** Objects whose state or type would run something in Python, weights that are calls, names of JavaScript's own. */
import { legacy, saved, storage, tensor } from '../../support/checkpoint_builder.js'
import {
  append,
  build,
  bytes,
  call,
  dictOf,
  emptyDict,
  emptyTuple,
  global,
  newObj,
  newTrue,
  none,
  number,
  pickle,
  proto,
  reduce,
  setItem,
  tupleOf,
  unicode,
} from '../../support/pickle_builder.js'
import { type Attack, beside, besides, inert, refused } from './attack.js'
import { COMMAND, command, record, system } from './code_execution.js'

const states: Attack[] = [
  inert(
    'a state with __setstate__ and __reduce__',
    beside(
      bytes(call('a', 'B'), dictOf({ __setstate__: system, __reduce__: system, __class__: system }), build),
    ),
    besides(
      record('a.B', {
        state: {
          __setstate__: record('os.system'),
          __reduce__: record('os.system'),
          __class__: record('os.system'),
        },
      }),
    ),
  ),
  refused(
    'BUILD of a function',
    beside(bytes(system, dictOf({ a: none }), build)),
    /state of the name os\.system/,
  ),
  refused(
    'BUILD of a tensor',
    beside(bytes(tensor(), dictOf({ a: none }), build)),
    /state of a tensor or storage/,
  ),
  refused(
    'BUILD of a storage',
    beside(bytes(storage(), dictOf({ a: none }), build)),
    /state of a tensor or storage/,
  ),
  refused('BUILD of a list', beside(bytes(']', dictOf({ a: none }), build)), /state of a list/),
  refused('BUILD of a string', beside(bytes(command, dictOf({ a: none }), build)), /state of a string/),
  refused(
    'BUILD twice',
    beside(bytes(call('a', 'B'), none, build, none, build)),
    /object of a\.B, and it was set before/,
  ),
  inert(
    'attributes of a dict',
    beside(bytes(call('collections', 'OrderedDict'), dictOf({ __class__: system }), build)),
    besides({}),
  ),
  inert(
    '_reconstructor of a function',
    beside(call('copyreg', '_reconstructor', system, global('builtins', 'object'), none)),
    besides(record('os.system')),
  ),
  inert(
    '_reconstructor of an extended class',
    beside(call('copyreg', '_reconstructor', system, global('builtins', 'str'), command)),
    besides(record('os.system', { args: [COMMAND] })),
  ),
  refused(
    '_reconstructor of a class that extends no class',
    beside(call('copyreg', '_reconstructor', system, command, command)),
    /_reconstructor is called for os\.system, which extends a string/,
  ),
  inert(
    'a state of a Variable on a tensor',
    beside(bytes(tensor(), tupleOf(newTrue, newTrue, dictOf({ hook: system })), build)),
    besides({ tensor: 'other' }),
  ),
  refused(
    '_reconstructor of no class',
    beside(call('copy_reg', '_reconstructor', command, global('builtins', 'object'), none)),
    /_reconstructor is called with a string for a class/,
  ),
  inert('a factory of a defaultdict', beside(call('collections', 'defaultdict', system)), besides({})),
  inert(
    'an object that extends a dict',
    beside(bytes(call('transformers', 'Config'), command, call('os', 'system', command), setItem)),
    besides(
      record('transformers.Config', { items: { [COMMAND]: record('os.system', { args: [COMMAND] }) } }),
    ),
  ),
  inert(
    'an object that extends a list',
    beside(bytes(call('a', 'List'), system, append)),
    besides(record('a.List', { list: [record('os.system')] })),
  ),
]

const weights: Attack[] = [
  refused(
    'a weight that a call gives',
    saved(dictOf({ w: tensor(), evil: call('builtins', 'eval', command) })),
    /weight 'evil' is an object of builtins\.eval, expected a tensor that torch itself rebuilds/,
  ),
  refused(
    'a parameter that a call gives',
    saved(
      dictOf({ w: call('torch._utils', '_rebuild_parameter', call('os', 'system', command), newTrue, none) }),
    ),
    /rebuilt from an object of os\.system, expected a tensor/,
  ),
  refused(
    'a tensor of a type whose function is another',
    saved(
      call(
        'torch._tensor',
        '_rebuild_from_type_v2',
        system,
        global('torch', 'Tensor'),
        tupleOf(command),
        none,
      ),
    ),
    /rebuilt from an object of os\.system/,
  ),
  refused(
    'a tensor of a type whose function is a string',
    saved(
      call('torch._tensor', '_rebuild_from_type_v2', command, global('torch', 'Tensor'), emptyTuple, none),
    ),
    /rebuilt by a string, the name torch\.Tensor, a tuple/,
  ),
  inert(
    'a tensor of a type of any name',
    saved(
      dictOf({
        w: call(
          'torch._tensor',
          '_rebuild_from_type_v2',
          global('torch._utils', '_rebuild_tensor_v2'),
          system,
          tupleOf(storage(), number(0), tupleOf(number(4)), tupleOf(number(1)), '\x89', none),
          dictOf({ __setstate__: system }),
        ),
      }),
    ),
    { w: { tensor: 'w' } },
  ),
  inert('hooks of a tensor', saved(dictOf({ w: tensor({ hooks: call('os', 'system', command) }) })), {
    w: { tensor: 'w' },
  }),
  refused(
    'a module whose parameter is a call',
    saved(
      bytes(call('a', 'Net'), dictOf({ _parameters: dictOf({ w: call('os', 'system', command) }) }), build),
    ),
    /weight 'w' is an object of os\.system/,
  ),
  inert(
    'a module with a forward of its own',
    saved(bytes(call('a', 'Net'), dictOf({ _parameters: dictOf({ w: tensor() }), forward: system }), build)),
    record('a.Net', { state: { _parameters: { w: { tensor: 'w' } }, forward: record('os.system') } }),
  ),
  inert(
    'the source of a module, in a persistent id',
    legacy(
      pickle(
        proto(2),
        tupleOf(unicode('module'), global('a', 'Net'), unicode('a.py'), unicode('import os; os.system("x")')),
        'Q',
        emptyTuple,
        reduce,
      ),
      [],
    ),
    record('a.Net'),
  ),
]

/** Names that mean something to JavaScript are names like others. */
const prototypes: Attack[] = [
  inert(
    'keys of the prototype',
    beside(dictOf({ constructor: none, toString: none, hasOwnProperty: none, valueOf: system })),
    besides({ constructor: null, toString: null, hasOwnProperty: null, valueOf: record('os.system') }),
  ),
  inert(
    '__proto__ as a key',
    beside(bytes(emptyDict, unicode('__proto__'), dictOf({ polluted: newTrue }), setItem)),
    besides(JSON.parse('{"__proto__": {"polluted": true}}')),
  ),
  inert(
    '__proto__ in a state',
    beside(
      bytes(call('a', 'B'), emptyDict, unicode('__proto__'), dictOf({ polluted: newTrue }), setItem, build),
    ),
    besides(record('a.B', { state: JSON.parse('{"__proto__": {"polluted": true}}') })),
  ),
  inert(
    'an argparse.Namespace with __proto__',
    beside(
      bytes(
        global('argparse', 'Namespace'),
        emptyTuple,
        newObj,
        ...[emptyDict, unicode('__proto__'), dictOf({ polluted: newTrue }), setItem, build],
      ),
    ),
    besides(JSON.parse('{"__proto__": {"polluted": true}}')),
  ),
  inert(
    'a class __proto__.constructor',
    beside(call('__proto__', 'constructor')),
    besides(record('__proto__.constructor')),
  ),
  inert(
    'a class constructor.prototype',
    beside(global('constructor', 'prototype')),
    besides(record('constructor.prototype')),
  ),
]

export const OBJECTS: readonly Attack[] = [...states, ...weights, ...prototypes]
