/** Small random changes of inputs: of bytes, of numbers and lengths, and of the words that each format is made of. */
import { sizes, storage, tensor } from '../checkpoint_builder.js'
import {
  binPersId,
  bytes,
  call,
  dictOf,
  global,
  listOf,
  number,
  tupleOf,
  unicode,
} from '../pickle_builder.js'
import type { Container, Input } from './inputs.js'
import type { Random } from './random.js'

/** Longer inputs are cut, since they would only make it slow. */
const MAX_LENGTH = 32_768

const OPCODES = [
  ...['(', '.', '0', '1', '2', 'N', 'R', 'a', 'b', 'd', 'e', 'l', 'o', 's', 't', 'u', '}', ']', ')', 'Q'],
  ...['\x81', '\x85', '\x86', '\x87', '\x88', '\x89', '\x8f', '\x90', '\x91', '\x92', '\x93', '\x94'],
  ...['q\x00', 'h\x00', 'q\x01', 'h\x01', 'K\x04', 'J\xff\xff\xff\xff', 'M\xff\xff', 'G\x7f\xf8\0\0\0\0\0\0'],
  ...[
    '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f',
    '\x8d\x02\0\0\0\0\0\0\0ab',
    '\x8e\x01\0\0\0\0\0\0\0x',
    'p3\n',
    'g3\n',
  ],
  ...[
    '\x95\x04\0\0\0\0\0\0\0',
    'I01\n',
    'I7\n',
    'L7L\n',
    'F1e5\n',
    "S'x'\n",
    'V\\u00e9\n',
    'U\x02\xff\xfe',
    'C\x01\0',
  ],
]

const PICKLED = [
  ...OPCODES.map((opcode) => bytes(opcode)),
  tensor(),
  storage(),
  bytes(
    tupleOf(unicode('storage'), global('torch', 'LongStorage'), unicode('1'), unicode('cpu'), number(2)),
    binPersId,
  ),
  tensor({ shape: sizes(2, 2), strides: sizes(1, 2) }),
  sizes(2 ** 31 - 1, 2n ** 62n),
  dictOf({ a: number(1) }),
  listOf(number(1), number(2)),
  global('os', 'system'),
  unicode('_parameters'),
  unicode('_modules'),
  call('collections', 'OrderedDict'),
  call('torch', 'device', unicode('cuda'), number(0)),
  call('numpy', 'dtype', unicode('f8')),
  global('numpy.core.multiarray', 'scalar'),
  global('numpy.core.multiarray', '_reconstruct'),
  global('torch._utils', '_rebuild_parameter'),
  global('torch._tensor', '_rebuild_from_type_v2'),
  global('torch.storage', '_load_from_bytes'),
  global('builtins', 'set'),
  global('argparse', 'Namespace'),
  global('pathlib', 'PosixPath'),
]

const JSON_WORDS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '0',
    '-1',
    '1e308',
    '9007199254740993',
    'null',
    'true',
    '[]',
    '{}',
  ],
  ...[
    '"dtype"',
    '"shape"',
    '"data_offsets"',
    '"__metadata__"',
    '"__proto__"',
    '"F32"',
    '"BOOL"',
    '"weight_map"',
  ],
  ...[
    '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}',
    '[0,4]',
    '[18446744073709551615]',
    '\\u0000',
    ' ',
  ],
].map((word) => Buffer.from(word))

const WORDS: Readonly<Record<Container, readonly Buffer[]>> = {
  zip: PICKLED,
  legacy: PICKLED,
  pickle: PICKLED,
  safetensors: JSON_WORDS,
  index: JSON_WORDS,
  whole: [...PICKLED, ...JSON_WORDS, bytes('PK\x01\x02'), bytes('PK\x03\x04'), bytes('PK\x05\x06')],
}

const INTERESTING = [
  0,
  1,
  2,
  4,
  8,
  16,
  127,
  128,
  255,
  256,
  32767,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
]

/** `input` after one to a few changes; `other` may lend a part. */
export function mutate(input: Input, other: Input, random: Random): Input {
  let content: Buffer = Buffer.from(input.content)
  for (let changes = random.chance(0.5) ? 1 : 1 + random.below(4); changes > 0; changes--) {
    content = change(content, input.container, other, random)
  }
  return { container: containerOf(input.container, random), content: content.subarray(0, MAX_LENGTH) }
}

/** Pickles now and then change their container. */
function containerOf(container: Container, random: Random): Container {
  const isPickle = container === 'zip' || container === 'legacy' || container === 'pickle'
  return isPickle && random.chance(0.05) ? random.pick(['zip', 'legacy', 'pickle'] as const) : container
}

function change(content: Buffer, container: Container, other: Input, random: Random): Buffer {
  const at = random.below(content.length + 1)
  const length = 1 + random.below(random.chance(0.8) ? 8 : 200)
  switch (random.below(10)) {
    case 0:
      return overwritten(content, at, Buffer.from([(content[at] ?? 0) ^ (1 << random.below(8))]))
    case 1:
      return overwritten(content, at, Buffer.from([random.below(256)]))
    case 2:
      return overwritten(content, at, numberBytes(random))
    case 3:
      return spliced(content, at, 0, random.pick(WORDS[container]))
    case 4:
      return spliced(content, at, length, random.pick(WORDS[container]))
    case 5:
      return spliced(content, at, length, Buffer.alloc(0))
    case 6: // a part again
      return spliced(content, random.below(content.length + 1), 0, content.subarray(at, at + length))
    case 7: {
      const from = random.below(other.content.length + 1)
      return spliced(
        content,
        at,
        random.chance(0.5) ? length : 0,
        other.content.subarray(from, from + 4 * length),
      )
    }
    case 8:
      return changedDigit(content, at, random)
    default:
      return random.chance(0.1)
        ? content.subarray(0, at)
        : overwritten(content, at, random.pick(WORDS[container]))
  }
}

function overwritten(content: Buffer, at: number, part: Uint8Array): Buffer {
  const changed = Buffer.from(content)
  changed.set(part.subarray(0, Math.max(content.length - at, 0)), at)
  return changed
}

const spliced = (content: Buffer, at: number, remove: number, insert: Uint8Array) =>
  Buffer.concat([content.subarray(0, at), insert, content.subarray(at + remove)])

/** A number that is often a limit, in 1, 2, 4 or 8 bytes. */
function numberBytes(random: Random): Buffer {
  const buffer = Buffer.alloc(8)
  const value = BigInt(random.pick(INTERESTING)) * (random.chance(0.2) ? -1n : 1n)
  buffer.writeBigInt64LE(value)
  return buffer.subarray(0, random.pick([1, 2, 4, 8]))
}

/** The next decimal digit from `at` on, if there is one, becomes another. */
function changedDigit(content: Buffer, at: number, random: Random): Buffer {
  const place = content.subarray(at).findIndex((byte) => byte >= 0x30 && byte <= 0x39)
  return place < 0 ? content : overwritten(content, at + place, Buffer.from([0x30 + random.below(10)]))
}
