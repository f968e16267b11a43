/** Round trips, the format as others read and write it, and every way in which a file can be wrong. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { openCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { readSafetensors, readSafetensorsHeader, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { fixture } from '../support/golden.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('safetensors')

async function everyDtype(): Promise<Map<string, Tensor>> {
  const numbers = Tensor.from([
    [0, 1.5, -2],
    [3, 4, 1e4],
  ])
  const tensors = new Map<string, Tensor>([
    ['bool', Tensor.from([true, false, true], undefined, { dtype: 'bool' })],
    ['int64', Tensor.from([2 ** 40, -1], undefined, { dtype: 'int64' })],
    ['scalar', Tensor.from(7)],
    ['empty', Tensor.from(new Float32Array(0), [2, 0, 3])],
    ['0', Tensor.from([1, 2, 3])],
    ['__proto__', Tensor.from([4])],
    ['naïve "name"\n', Tensor.from([5])],
  ])
  for (const dtype of [
    'float64',
    'float32',
    'float16',
    'bfloat16',
    'int32',
    'int16',
    'int8',
    'uint8',
  ] as const) {
    tensors.set(dtype, await numbers.to({ dtype }))
  }
  return tensors
}

test('tensors of every dtype, odd names, scalars and empty tensors come back', async () => {
  const path = join(temporary(), 'all.safetensors')
  const tensors = await everyDtype()
  await writeSafetensors(path, tensors, { writer: 'ünit test', empty: '' })
  const read = await readSafetensors(path)
  equal(read.metadata, { writer: 'ünit test', empty: '' })
  equal([...read.tensors.keys()].sort(), [...tensors.keys()].sort())
  for (const [name, tensor] of tensors) {
    const back = read.tensors.get(name) as Tensor
    equal([back.dtype, back.shape], [tensor.dtype, tensor.shape], name)
    equal(await back.toTypedArray(), await tensor.toTypedArray(), name)
  }
})

test('the first tensor lies at a multiple of 8 and every one at a multiple of its element', async () => {
  const path = join(temporary(), 'all.safetensors')
  await writeSafetensors(path, await everyDtype())
  const { tensors } = await readSafetensorsHeader(path)
  is((tensors[0]?.offset as number) % 8, 0)
  for (const { name, offset, bytes, shape } of tensors) {
    const elements = shape.reduce((product, n) => product * n, 1)
    if (elements > 0) is(offset % (bytes / elements), 0, name)
  }
})

test('no tensors and no metadata are a file, too', async () => {
  const path = join(temporary(), 'none.safetensors')
  await writeSafetensors(path, new Map())
  const { tensors, metadata } = await readSafetensors(path)
  equal([tensors.size, metadata], [0, {}])
})

test('bad input writes nothing', async () => {
  const folder = temporary()
  const write = (tensors: unknown, metadata: unknown = {}) =>
    writeSafetensors(join(folder, 'x'), tensors as Map<string, Tensor>, metadata as Record<string, string>)
  await rejects(write({ a: Tensor.from([1]) }), 'ERR_INVALID_ARGUMENT', /tensors must be a Map/)
  await rejects(write(new Map([['a', [1]]])), 'ERR_INVALID_ARGUMENT', /'a' must be a Tensor/)
  await rejects(write(new Map([['__metadata__', Tensor.from([1])]])), 'ERR_INVALID_ARGUMENT', /__metadata__/)
  await rejects(
    write(new Map(), { epoch: 3 }),
    'ERR_INVALID_ARGUMENT',
    /metadata 'epoch' must be a string, got 3/,
  )
  equal(readdirSync(folder), [])
})

test.skipIf(
  pythonLacks('safetensors', 'numpy'),
  'the reference implementation reads what we write',
  async () => {
    const path = join(temporary(), 'ours.safetensors')
    await writeSafetensors(
      path,
      new Map([
        [
          'a.b',
          Tensor.from([
            [1, 2.5],
            [3, -4],
          ]),
        ],
      ]),
      { format: 'pt' },
    )
    const printed = python(
      'import sys; from safetensors.numpy import load_file; ' +
        'print({name: array.tolist() for name, array in load_file(sys.argv[1]).items()})',
      path,
    )
    is(printed.trim(), "{'a.b': [[1.0, 2.5], [3.0, -4.0]]}")
  },
)

const reference = fixture('mim_shared_rel_pos.safetensors')
test('a file of the reference implementation is read', async () => {
  const { tensors } = await readSafetensors(reference)
  equal(tensors.get('step0.mask')?.dtype, 'bool')
  const tokens = (await tensors.get('step0.tokens')?.toTypedArray()) as BigInt64Array
  ok(tokens.length === 64 && tokens.every((token) => token >= 0n && token < 256n))
})

/** A file of this header text and this many zero bytes. */
function file(header: string | Buffer, dataBytes: number, length?: bigint): Buffer {
  const text = Buffer.from(header as string)
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(length ?? BigInt(text.length))
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes)])
}
const entry = (dtype: unknown, shape: unknown, offsets: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets })
const one = `{"a":${entry('F32', [1], [0, 4])}}`

const HOSTILE: [string, Buffer, RegExp][] = [
  ['an empty file', Buffer.alloc(0), /has 0 bytes/],
  ['a file of 7 bytes', Buffer.alloc(7), /has 7 bytes/],
  ['a header longer than the file', file(one, 4, 1000n), /header length 1000 reaches past/],
  ['a header of 2^63 bytes', file(one, 4, 2n ** 63n), /header length 9223372036854775808 is over 100000000/],
  ['a header of 2^64 - 1 bytes', file(one, 4, 2n ** 64n - 1n), /is over/],
  ['no header at all', file('', 0), /does not start with '\{'/],
  ['a header that begins with a space', file(` ${one}`, 4), /does not start with '\{'/],
  ['a header that is an array', file('[]', 0), /does not start with '\{'/],
  ['a header cut short', file(one.slice(0, -1), 4), /not strict JSON/],
  ['bytes behind the JSON', file(`${one}x`, 4), /not strict JSON/],
  [
    'bytes that are not UTF-8',
    file(Buffer.concat([Buffer.from('{"'), Buffer.from([0xff]), Buffer.from(one.slice(3))]), 4),
    /not strict JSON/,
  ],
  [
    'a tensor twice',
    file(`{"a":${entry('F32', [1], [0, 4])},"a":${entry('F32', [1], [0, 4])}}`, 4),
    /"a" occurs twice/,
  ],
  [
    'a tensor twice in two spellings',
    file(`{"a":${entry('F32', [1], [0, 4])},"\\u0061":${entry('F32', [1], [0, 4])}}`, 4),
    /"a" occurs twice/,
  ],
  [
    'a field twice',
    file('{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', 4),
    /"dtype" occurs twice/,
  ],
  [
    'metadata that is no object',
    file('{"__metadata__":["x"]}', 0),
    /__metadata__ is not an object of strings/,
  ],
  ['metadata of numbers', file('{"__metadata__":{"x":1}}', 0), /__metadata__ is not an object of strings/],
  ['a tensor that is no object', file('{"a":5}', 0), /'a' is not described by an object/],
  [
    'an unknown dtype',
    file(`{"a":${entry('F99', [1], [0, 4])}}`, 4),
    /dtype "F99", which is none of the format/,
  ],
  [
    'a dtype that is a property of objects',
    file(`{"a":${entry('constructor', [1], [0, 4])}}`, 4),
    /dtype "constructor"/,
  ],
  ['no dtype', file(`{"a":${entry(undefined, [1], [0, 4])}}`, 4), /has dtype undefined/],
  ['a negative size', file(`{"a":${entry('F32', [-1], [0, 4])}}`, 4), /no valid shape: \[-1\]/],
  ['half a size', file(`{"a":${entry('F32', [0.5], [0, 4])}}`, 4), /no valid shape/],
  ['sizes as text', file(`{"a":${entry('F32', ['1'], [0, 4])}}`, 4), /no valid shape/],
  ['65 dimensions', file(`{"a":${entry('F32', Array(65).fill(1), [0, 4])}}`, 4), /no valid shape/],
  ['no shape', file(`{"a":${entry('F32', undefined, [0, 4])}}`, 4), /no valid shape/],
  [
    'sizes whose product overflows',
    file(`{"a":${entry('F32', [2 ** 32, 2 ** 32], [0, 0])}}`, 0),
    /too large to address/,
  ],
  [
    'an empty tensor whose strides overflow',
    file(`{"a":${entry('F32', [0, 2 ** 40, 2 ** 40], [0, 0])}}`, 0),
    /too large to address/,
  ],
  ['offsets that are no pair', file(`{"a":${entry('F32', [1], [0])}}`, 4), /no valid data_offsets/],
  ['offsets the wrong way round', file(`{"a":${entry('F32', [1], [4, 0])}}`, 4), /span -4/],
  ['a negative offset', file(`{"a":${entry('F32', [1], [-4, 0])}}`, 4), /no valid data_offsets/],
  [
    'a span that does not fit the shape',
    file(`{"a":${entry('F32', [2], [0, 4])}}`, 4),
    /needs 8 bytes .* span 4/,
  ],
  [
    'a tensor that reaches past the end',
    file(`{"a":${entry('F32', [2], [0, 8])}}`, 4),
    /tensors end at byte/,
  ],
  ['bytes behind the last tensor', file(one, 5), /tensors end at byte/],
  [
    'bytes before the first tensor',
    file(`{"a":${entry('F32', [1], [4, 8])}}`, 8),
    /'a' begins at byte .* a gap or an overlap/,
  ],
  [
    'a gap',
    file(`{"a":${entry('F32', [1], [0, 4])},"b":${entry('F32', [1], [8, 12])}}`, 12),
    /'b' begins .* gap/,
  ],
  [
    'an overlap',
    file(`{"a":${entry('F32', [2], [0, 8])},"b":${entry('F32', [1], [4, 8])}}`, 8),
    /'b' begins .* overlap/,
  ],
  [
    'two tensors in one place',
    file(`{"a":${entry('F32', [1], [0, 4])},"b":${entry('F32', [1], [0, 4])}}`, 4),
    /'b' begins .* overlap/,
  ],
]

for (const [what, bytes, message] of HOSTILE) {
  test(`refuses ${what}`, async () => {
    const path = join(temporary(), 'hostile.safetensors')
    writeFileSync(path, bytes)
    await rejects(readSafetensors(path), 'ERR_FORMAT', message)
  })
}

test('the hostile files are one step from a good one', async () => {
  const path = join(temporary(), 'good.safetensors')
  for (const [header, bytes] of [
    [one, 4],
    [`{"a":${entry('F32', [0, 7], [0, 0])},"b":${entry('F32', [1], [0, 4])}}`, 4],
    [`{"b":${entry('F32', [1], [4, 8])},"a":${entry('F32', [1], [0, 4])}}  `, 8],
    ['{}', 0],
  ] as const) {
    writeFileSync(path, file(header, bytes))
    await readSafetensors(path)
  }
})

test('every byte of a small file changed: the same tensors, other values, or ERR_FORMAT', async () => {
  const path = join(temporary(), 'mutated.safetensors')
  await writeSafetensors(
    path,
    new Map([
      ['ab', Tensor.from([1, 2])],
      ['c', Tensor.from([3], undefined, { dtype: 'int64' })],
    ]),
    { m: 'n' },
  )
  const good = readFileSync(path)
  let refused = 0
  for (let i = 0; i < good.length; i++) {
    for (const value of [0, 0x7b, 0xff, (good[i] as number) ^ 1]) {
      const bytes = Buffer.from(good)
      bytes[i] = value
      writeFileSync(path, bytes)
      try {
        for (const tensor of (await readSafetensors(path)).tensors.values()) tensor.dispose()
      } catch (error) {
        is((error as { code: string }).code, 'ERR_FORMAT', `byte ${i} = ${value}: ${error}`)
        refused++
      }
    }
  }
  ok(refused > good.length, `${refused} of ${4 * good.length} were refused`)
})

test('bytes of a bool other than 0 are read as true', async () => {
  const path = join(temporary(), 'bool.safetensors')
  const bytes = file(`{"a":${entry('BOOL', [3], [0, 3])}}`, 3)
  bytes.set([0, 2, 255], bytes.length - 3)
  writeFileSync(path, bytes)
  const { tensors } = await readSafetensors(path)
  equal(await tensors.get('a')?.toTypedArray(), new Uint8Array([0, 1, 1]))
})

test('a string of megabytes in the metadata is read, and a name twice behind it found', async () => {
  const path = join(temporary(), 'long.safetensors')
  const long = '\\"x'.repeat(8_000_000)
  writeFileSync(path, file(`{"__metadata__":{"long":"${long}"},"a":${entry('F32', [1], [0, 4])}}`, 4))
  is((await readSafetensorsHeader(path)).metadata.long?.length, 16_000_000)
  writeFileSync(path, file(`{"__metadata__":{"long":"${long}","lon\\u0067":""}}`, 0))
  await rejects(readSafetensorsHeader(path), 'ERR_FORMAT', /"long" occurs twice/)
})

test('tensors of dtypes that are not read here are listed beside the others', async () => {
  const path = join(temporary(), 'quantized.safetensors')
  const packed = `"q":${entry('F4', [3, 2], [4, 7])},"u":${entry('U32', [2], [7, 15])}`
  writeFileSync(path, file(`{"a":${entry('F32', [1], [0, 4])},${packed}}`, 15))
  const opened = await openCheckpoint(path)
  equal([...opened.tensors.keys()], ['a'])
  equal(
    [...opened.unreadable.values()].map(({ name, dtype, shape }) => [name, dtype, shape]),
    [
      ['q', 'float4_e2m1', [3, 2]],
      ['u', 'uint32', [2]],
    ],
  )
  const [a] = await opened.read([...opened.tensors.values()])
  equal(await a?.toTypedArray(), new Float32Array(1))
  await rejects(readSafetensors(path), 'ERR_FORMAT', /'q'.*no float4_e2m1/)
  writeFileSync(path, file(`{"q":${entry('F4', [3], [0, 2])}}`, 2))
  await rejects(openCheckpoint(path), 'ERR_FORMAT', /needs 1\.5 bytes/)
})

test('whatever the length of its header, a file is told as safetensors', async () => {
  const path = join(temporary(), 'model')
  // Lengths whose bytes are those that other formats begin with: {", {}, \n{", }q, ]., a space and {".
  for (const length of [0x227b, 0x7d7b, 0x227b0a, 0x71_7d, 0x2e5d, 0x227b20]) {
    writeFileSync(path, file(one.padEnd(length), 4))
    const { container, tensors } = await openCheckpoint(path)
    equal([container, [...tensors.keys()]], ['safetensors', ['a']], length.toString(16))
  }
})

test('a file that is cut off or replaced while it is read is ERR_FORMAT', async () => {
  const path = join(temporary(), 'changing.safetensors')
  for (const change of [() => truncateSync(path, 100), () => writeFileSync(path, file(one, 4))]) {
    await writeSafetensors(path, new Map([['a', Tensor.from([1, 2, 3])]]))
    // The header is read at once, the tensors when the engine is free.
    const read = readSafetensors(path)
    change()
    await rejects(read, 'ERR_FORMAT', /it has changed since it was opened/)
  }
})

test('a file that cannot be opened or written is ERR_IO', async () => {
  const folder = temporary()
  await rejects(readSafetensors(join(folder, 'absent')), 'ERR_IO', /cannot open .*absent/)
  await rejects(readSafetensors(folder), 'ERR_IO', /cannot read/)
  await rejects(writeSafetensors(join(folder, 'no', 'x'), new Map()), 'ERR_IO', /no/)
})

test.run()
