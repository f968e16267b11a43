/** Pickles that run something when Python's own unpickler reads them. Here nothing of them is more than a name. */
import { legacy, tensor } from '../../support/checkpoint_builder.js'
import {
  binGet,
  binPut,
  binString,
  bytes,
  call,
  dictOf,
  dup,
  emptyDict,
  emptyTuple,
  ext1,
  ext2,
  ext4,
  global,
  inst,
  listOf,
  mark,
  newObj,
  newObjEx,
  none,
  number,
  obj,
  pickle,
  pop,
  proto,
  reduce,
  shortUnicode,
  stackGlobal,
  tuple1,
  tupleOf,
  unicode,
} from '../../support/pickle_builder.js'
import type { Portable } from '../../support/portable.js'
import { type Attack, beside, besides, inert, refused } from './attack.js'

export const COMMAND = 'touch beit-attack-ran'
export const command = unicode(COMMAND)
export const system = global('os', 'system')

/** What has been used to run code from pickles, or to get past scanners that look for it. */
const CALLABLES = [
  ...['os system', 'posix system', 'nt system', 'os popen', 'os execv', 'pty spawn', 'commands getoutput'],
  ...['subprocess Popen', 'subprocess check_output', 'subprocess getoutput', 'socket create_connection'],
  ...['builtins eval', 'builtins exec', 'builtins compile', 'builtins __import__', 'builtins open'],
  ...['builtins getattr', 'builtins globals', '__builtin__ eval', '__builtin__ execfile', '__main__ run'],
  ...['importlib import_module', 'runpy run_path', 'runpy _run_code', 'code InteractiveInterpreter'],
  ...['pip main', 'pip._internal main', 'ensurepip bootstrap', 'venv create', 'webbrowser open'],
  ...['operator attrgetter', 'operator methodcaller', 'functools partial', 'functools reduce'],
  ...['pickle loads', '_pickle loads', 'marshal loads', 'shelve open', 'dill loads', 'joblib load'],
  ...['types FunctionType', 'types CodeType', 'ctypes CDLL', 'shutil rmtree', 'urllib.request urlopen'],
  ...[
    'timeit timeit',
    'cProfile run',
    'pdb run',
    'doctest debug_script',
    'asyncio.unix_events _UnixSubprocess',
  ],
  ...['numpy load', 'numpy.testing._private.utils runstring', 'numpy.f2py.crackfortran getlincoef'],
  ...[
    'torch load',
    'torch.hub load',
    'torch.jit load',
    'torch.ops load_library',
    'torch.storage _load_from_bytes',
  ],
  ...[
    'torch._utils _import_dotted_name',
    'torch.utils._config_module load_config',
    'torch._dynamo.guards eval',
  ],
  ...['torch.fx.experimental.symbolic_shapes eval', 'torch._inductor.codecache compile_file', 'bdb Bdb.run'],
]

export const record = (of: string, fields: Record<string, Portable> = {}): Portable => ({
  record: { class: of, ...fields },
})

const calls: Attack[] = CALLABLES.map((path) => {
  const [module, name] = path.split(' ') as [string, string]
  return inert(
    `${module}.${name} by REDUCE`,
    beside(call(module, name, command)),
    besides(record(`${module}.${name}`, { args: [COMMAND] })),
  )
})

const ran = besides(record('os.system', { args: [COMMAND] }))

const opcodes: Attack[] = [
  inert('os.system by STACK_GLOBAL', beside(stackCall('os', 'system')), ran),
  inert('os.system by INST', beside(bytes(mark, command, inst('os', 'system'))), ran),
  inert('os.system by OBJ', beside(bytes(mark, system, command, obj)), ran),
  inert('os.system by NEWOBJ', beside(bytes(system, tupleOf(command), newObj)), ran),
  inert('os.system by NEWOBJ_EX', beside(bytes(system, tupleOf(command), emptyDict, newObjEx)), ran),
  inert(
    'os.system by NEWOBJ_EX with keywords',
    beside(bytes(system, emptyTuple, dictOf({ command }), newObjEx)),
    besides(record('os.system', { args: [{ command: COMMAND }] })),
  ),
  inert(
    'os.system by the memo',
    beside(bytes(system, binPut(9), pop, binGet(9), tupleOf(command), reduce)),
    ran,
  ),
  inert(
    'os.system twice by DUP',
    beside(bytes(system, dup, tupleOf(command), reduce, tuple1, reduce)),
    besides(record('os.system', { args: [record('os.system', { args: [COMMAND] })] })),
  ),
  inert(
    'a call whose result is thrown away',
    beside(bytes(call('os', 'system', command), pop, none)),
    besides(null),
  ),
  inert(
    'os.system in a legacy file',
    legacy(pickle(proto(2), dictOf({ a: call('os', 'system', command) })), []),
    {
      a: record('os.system', { args: [COMMAND] }),
    },
  ),
  inert('os.system in a bare pickle', pickle(proto(2), call('os', 'system', command)), {
    record: { class: 'os.system', args: [COMMAND] },
  }),
  inert('os.system in a bare pickle of protocol 0', pickle('cos\nsystem\n(Vx\n', 'tR'), {
    record: { class: 'os.system', args: ['x'] },
  }),
  inert(
    'posix.system of Python 2 strings',
    beside(bytes(global('posix', 'system'), tupleOf(binString(COMMAND)), reduce)),
    besides(record('posix.system', { args: [COMMAND] })),
  ),
  refused('EXT1', beside(bytes(ext1(1), tupleOf(command), reduce)), /extension registry/),
  refused('EXT2', beside(bytes(ext2(256), tupleOf(command), reduce)), /extension registry/),
  refused('EXT4', beside(bytes(ext4(70_000), tupleOf(command), reduce)), /extension registry/),
]

function stackCall(module: string, name: string): Buffer {
  return bytes(shortUnicode(module), shortUnicode(name), stackGlobal, tupleOf(command), reduce)
}

const chains: Attack[] = [
  refused(
    'a call of what getattr gives',
    beside(bytes(call('builtins', 'getattr', system, unicode('__call__')), tupleOf(command), reduce)),
    /REDUCE calls an object of builtins\.getattr, expected the name/,
  ),
  refused(
    'a call of what functools.partial gives',
    beside(bytes(call('functools', 'partial', system, command), emptyTuple, reduce)),
    /REDUCE calls an object of functools\.partial/,
  ),
  refused(
    'a call of what operator.attrgetter gives',
    beside(bytes(call('operator', 'attrgetter', unicode('system')), tupleOf(global('os', 'path')), reduce)),
    /REDUCE calls an object of operator\.attrgetter/,
  ),
  refused(
    'NEWOBJ of an object',
    beside(bytes(call('builtins', 'type', command), emptyTuple, newObj)),
    /NEWOBJ calls an object of builtins\.type/,
  ),
  refused('OBJ of a string', beside(bytes(mark, command, obj)), /OBJ calls a string/),
  refused('OBJ of nothing', beside(bytes(mark, obj)), /OBJ calls nothing/),
  refused('REDUCE of a string', beside(bytes(command, emptyTuple, reduce)), /REDUCE calls a string/),
  refused(
    'REDUCE of a tensor',
    beside(bytes(tensor(), emptyTuple, reduce)),
    /REDUCE calls a tensor or storage/,
  ),
  refused(
    'REDUCE with a list',
    beside(bytes(system, listOf(command), reduce)),
    /REDUCE has a list for arguments/,
  ),
  refused(
    'NEWOBJ_EX with a list of keywords',
    beside(bytes(system, emptyTuple, ']', newObjEx)),
    /NEWOBJ_EX has a list/,
  ),
  refused(
    'STACK_GLOBAL of bytes',
    beside(bytes('C\x02os', shortUnicode('system'), stackGlobal)),
    /STACK_GLOBAL names a class by bytes and a string/,
  ),
  refused(
    'STACK_GLOBAL of what a call gives',
    beside(bytes(call('builtins', 'chr', number(111)), shortUnicode('system'), stackGlobal)),
    /STACK_GLOBAL names a class by an object of builtins\.chr/,
  ),
  inert(
    'a dotted name by STACK_GLOBAL',
    beside(stackCall('torch._utils', '_rebuild_tensor_v2.__globals__.__getitem__')),
    besides(record('torch._utils._rebuild_tensor_v2.__globals__.__getitem__', { args: [COMMAND] })),
  ),
  inert(
    'a name with line breaks',
    beside(stackCall('os\n', 'sys\ntem')),
    besides(record('os\n.sys\ntem', { args: [COMMAND] })),
  ),
  inert('an empty name', beside(global('', '')), besides(record('.'))),
  inert(
    'a name of another alphabet that looks the same',
    beside(bytes(global(Buffer.from('tоrch._utils'), '_rebuild_tensor_v2'), emptyTuple, reduce)),
    besides(record('tоrch._utils._rebuild_tensor_v2')),
  ),
  refused('a name that is not UTF-8', beside(global('os\xff', 'system')), /not UTF-8/),
]

export const CODE_EXECUTION: readonly Attack[] = [...calls, ...opcodes, ...chains]
