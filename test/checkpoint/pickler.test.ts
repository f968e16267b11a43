/** Pickles of protocol 2: the bytes that Python itself writes, and what Python reads. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { pickle } from '../../lib/checkpoint/pickle/pickler.js'
import {
  namespace,
  orderedDict,
  PythonFloat,
  PythonTuple,
  type PythonValue,
} from '../../lib/checkpoint/pickle/python_values.js'
import { rejects } from '../support/errors.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('pickler')

const text = (value: PythonValue) => Buffer.from(pickle(value)).toString('latin1')

test('the bytes are those of pickle.dumps(value, protocol=2)', () => {
  is(text([1, 'a', null]), '\x80\x02]q\0(K\x01X\x01\0\0\0aq\x01Ne.')
  is(text(new PythonTuple(true, 256, -1)), '\x80\x02\x88M\0\x01J\xff\xff\xff\xff\x87.')
  is(text(1.5), '\x80\x02G?\xf8\0\0\0\0\0\0.')
  is(text(2 ** 40), '\x80\x02\x8a\x06\0\0\0\0\0\x01.')
  is(text(-(2n ** 31n)), '\x80\x02\x8a\x04\0\0\0\x80.')
  is(text(orderedDict()), '\x80\x02ccollections\nOrderedDict\nq\0)Rq\x01.')
})

/** By the expression that Python must find equal. */
const VALUES: Record<string, PythonValue> = {
  None: null,
  '[True, False]': [true, false],
  '[0, 255, 256, 65535, 65536, -1, -2**31, 2**31, 2**53 - 1]': [
    0,
    255,
    256,
    65535,
    65536,
    -1,
    -(2 ** 31),
    2 ** 31,
    2 ** 53 - 1,
  ],
  '[2**63, -2**63, -2**63 - 1, 127, 128, -128, -129, 0, 3**2000]': [
    2n ** 63n,
    -(2n ** 63n),
    -(2n ** 63n) - 1n,
    127n,
    128n,
    -128n,
    -129n,
    0n,
    3n ** 2000n,
  ],
  '[0.1, 1e300, float("inf"), -0.0, 1.0]': [0.1, 1e300, Infinity, -0, new PythonFloat(1)],
  '["", "naïve", "\\U0001f600", "line\\nbreak", "__proto__"]': [
    '',
    'naïve',
    '😀',
    'line\nbreak',
    '__proto__',
  ],
  '(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)': new PythonTuple(
    new PythonTuple(),
    new PythonTuple(1),
    new PythonTuple(1, 2),
    new PythonTuple(1, 2, 3),
    new PythonTuple(1, 2, 3, 4),
  ),
  '{"a": {0: [], "b": {}}, "x": b"\\x00\\xff"}': {
    a: new Map<PythonValue, PythonValue>([
      [0, []],
      ['b', {}],
    ]),
    x: Uint8Array.of(0, 255),
  },
  'OrderedDict([("b", 1), ("a", OrderedDict())])': orderedDict(
    new Map<PythonValue, PythonValue>([
      ['b', 1],
      ['a', orderedDict()],
    ]),
  ),
  'Namespace(lr=0.001, opt_betas=[0.9, 0.999], resume=None)': namespace({
    lr: 0.001,
    opt_betas: [0.9, 0.999],
    resume: null,
  }),
  'list(map(str, range(2500)))': Array.from({ length: 2500 }, (_, i) => String(i)),
  '{i: i * i for i in range(2001)}': new Map(Array.from({ length: 2001 }, (_, i) => [i, i * i])),
}

test.skipIf(pythonLacks(), 'Python reads what was meant, types included', () => {
  const folder = temporary()
  const files = Object.entries(VALUES).map(([expression, value], i) => {
    const file = join(folder, `${i}.pkl`)
    writeFileSync(file, pickle(value))
    return [expression, file]
  })
  const output = python(
    `
import sys, pickle, json
from collections import OrderedDict
from argparse import Namespace
for expression, file in json.loads(sys.argv[1]):
    value, expected = pickle.load(open(file, 'rb')), eval(expression)
    # repr tells 1 from 1.0, -0.0 from 0.0, and an OrderedDict from a dict.
    if repr(value) != repr(expected): print(f'{expression}: {value!r}'[:300])
`,
    JSON.stringify(files),
  )
  is(output, '')
})

test.skipIf(pythonLacks(), 'what occurs twice is one object in Python', () => {
  const shared = { a: [1] }
  const file = join(temporary(), 'twice.pkl')
  writeFileSync(file, pickle({ first: shared, second: shared, other: { a: [1] } }))
  const code = `
import sys, pickle
d = pickle.load(open(sys.argv[1], 'rb'))
print(d['first'] is d['second'], d['first'] is d['other'], d['first'] == d['other'])`
  is(python(code, file).trim(), 'True False True')
})

test('what has no form in Python is refused with its place', async () => {
  const cycle: Record<string, PythonValue> = {}
  cycle.self = [cycle]
  let deep: PythonValue = 0
  for (let i = 0; i < 1000; i++) deep = [deep]
  const refused: [unknown, RegExp][] = [
    [{ a: [1, new Date()] }, /a Date at data\["a"\]\[1\] cannot be pickled/],
    [{ a: undefined }, /a undefined at data\["a"\]/],
    [[() => 0], /a function at data\[0\]/],
    [Float32Array.of(1), /a Float32Array cannot be pickled/],
    ['\ud800', /half a surrogate pair/],
    [cycle, /holds itself at data\["self"\]\[0\]/],
    [deep, /more than 250 levels deep/],
  ]
  for (const [value, message] of refused) {
    await rejects(() => pickle(value as PythonValue), 'ERR_INVALID_ARGUMENT', message)
  }
})

test('names of any kind keep their place in a Map', () => {
  const names = ['b', '__proto__', '1', 'constructor']
  const bytes = text(new Map(names.map((name) => [name, null])))
  equal(
    names.map((name) => bytes.indexOf(`\0\0\0${name}q`)).every((at, i, all) => at > (all[i - 1] ?? 0)),
    true,
  )
})

test.run()
