/** What verifyCheckpoint counts and finds, container by container. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match } from 'uvu/assert'
import { countNonFinite } from '../../lib/checkpoint/finite.js'
import { verifyCheckpoint } from '../../lib/checkpoint/verify_checkpoint.js'
import { Tensor } from '../../lib/tensor.js'
import {
  entry,
  legacy,
  safetensors,
  sizes,
  storage,
  tensor,
  torchMembers,
} from '../support/checkpoint_builder.js'
import { dictOf, global, number, pickle, proto, unicode } from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { zip } from '../support/zip_builder.js'

const test = suite('verifyCheckpoint')

function file(name: string, content: Uint8Array): string {
  const path = join(temporary(), name)
  writeFileSync(path, content)
  return path
}

const state = pickle(
  proto(2),
  dictOf({ model: dictOf({ weight: tensor() }), other: tensor({ shape: sizes(2) }) }),
)

test('counts tensors beside the weights, storages once, and what has a checksum', async () => {
  const path = file('a.pth', zip(torchMembers(state)))
  equal(await verifyCheckpoint(path), {
    path,
    problems: [],
    container: 'zip',
    tensors: 2,
    bytes: 16,
    // data.pkl, byteorder, data/0, version
    checksums: 4,
  })
  equal((await verifyCheckpoint(file('b.pth', legacy(state)))).checksums, 0)
  const header = { weight: entry('F32', [4], 0, 16) }
  const { container, tensors, bytes } = await verifyCheckpoint(
    file('c.safetensors', safetensors(header, new Uint8Array(16))),
  )
  equal([container, tensors, bytes], ['safetensors', 1, 16])
})

test('finds damage in a storage that no tensor lies in', async () => {
  const stray = new Uint8Array(3 << 20).fill(7)
  const members = torchMembers(state, { 0: new Uint8Array(16), 1: stray })
  const bytes = zip(members)
  const path = file('a.pth', bytes)
  equal((await verifyCheckpoint(path)).problems, [])
  const at = bytes.indexOf(Buffer.from([7, 7, 7, 7])) + (2 << 20)
  bytes[at] = 8
  const { problems } = await verifyCheckpoint(file('b.pth', bytes))
  is(problems.length, 1)
  match(problems[0] as string, /zip entry "archive\/data\/1": it is damaged: its CRC32 is/)
})

test('a weight of a dtype that is not read is a problem; the others are read', async () => {
  const complex = tensor({
    storage: storage({ class: global('torch', 'ComplexFloatStorage'), key: unicode('1'), count: number(1) }),
    shape: sizes(1),
  })
  const pickled = pickle(proto(2), dictOf({ a: tensor(), b: complex }))
  const members = torchMembers(pickled, { 0: new Uint8Array(16), 1: new Uint8Array(8) })
  const { problems, tensors } = await verifyCheckpoint(file('a.pth', zip(members)))
  is(tensors, 1)
  is(problems.length, 1)
  match(problems[0] as string, /tensor 'b' cannot be read: .*complex64/)
})

test('numbers that are none are counted in every dtype', async () => {
  const numbers = [Number.NaN, Infinity, -Infinity, 0, -1.5, 6e4]
  for (const dtype of ['float32', 'float64', 'float16', 'bfloat16'] as const) {
    using floats = Tensor.from(numbers)
    using tensor = await floats.to({ dtype })
    equal(await countNonFinite(tensor), { nan: 1, infinite: 2 }, dtype)
  }
  // The bits of a NaN in int32.
  using integers = Tensor.from(new Int32Array([0x7fc00000]), [1])
  equal(await countNonFinite(integers), { nan: 0, infinite: 0 })
})

test.run()
