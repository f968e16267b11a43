/** Tensors that reach out of their storage, and others that PyTorch's functions are called wrongly for. */
import { saved, sizes, storage, type TensorFields, tensor } from '../../support/checkpoint_builder.js'
import {
  type Bytes,
  binFloat,
  call,
  dictOf,
  emptyDict,
  global,
  listOf,
  newTrue,
  none,
  number,
  tupleOf,
  unicode,
} from '../../support/pickle_builder.js'
import { type Attack, beside, inert, refused } from './attack.js'

const weight = (forged: Partial<TensorFields>) => saved(dictOf({ w: tensor(forged) }))
const whole = /expected a whole number from 0 on/

const geometry: Attack[] = [
  refused(
    'more elements than the record',
    weight({ shape: sizes(5) }),
    /reaches to element 5, and there are 4/,
  ),
  refused(
    'a matrix past the record',
    weight({ shape: sizes(2, 3), strides: sizes(3, 1) }),
    /element 6, and there are 4/,
  ),
  refused(
    'strides past the record',
    weight({ shape: sizes(2, 2), strides: sizes(3, 1) }),
    /element 5, and there are 4/,
  ),
  refused('an offset past the record', weight({ offset: number(1) }), /element 5, and there are 4/),
  refused('a huge offset', weight({ offset: number(2n ** 62n) }), whole),
  refused('an offset that wraps at 2^64', weight({ offset: number(2n ** 64n) }), whole),
  refused('a negative offset', weight({ offset: number(-1) }), whole),
  refused('an offset of -2^63', weight({ offset: number(-(2n ** 63n)) }), whole),
  refused('half an offset', weight({ offset: binFloat(0.5) }), whole),
  refused('an offset that is NaN', weight({ offset: binFloat(Number.NaN) }), whole),
  refused('an offset that is a bool', weight({ offset: newTrue }), whole),
  refused('a negative size', weight({ shape: sizes(-4) }), whole),
  refused('two negative sizes', weight({ shape: sizes(-2, -2), strides: sizes(2, 1) }), whole),
  refused('a size as text', weight({ shape: tupleOf(unicode('4')) }), whole),
  refused('a size that is a tuple', weight({ shape: tupleOf(sizes(4)) }), whole),
  refused('a negative stride', weight({ strides: sizes(-1), offset: number(3) }), whole),
  refused('a stride of 2^63', weight({ strides: sizes(2n ** 63n) }), whole),
  refused(
    'strides whose sum overflows',
    weight({ shape: sizes(2, 2), strides: sizes(2n ** 52n, 2n ** 52n) }),
    /overflow|reaches/,
  ),
  refused(
    'strides whose product overflows',
    weight({ shape: sizes(4), strides: sizes(2n ** 52n) }),
    /strides that overflow/,
  ),
  refused(
    'sizes whose product is 2^64',
    weight({ shape: sizes(2n ** 32n, 2n ** 32n), strides: sizes(0, 0) }),
    /too large to address/,
  ),
  refused(
    'sizes whose product wraps to 4',
    weight({ shape: sizes(2n ** 33n + 1n, 2n ** 33n), strides: sizes(0, 0) }),
    /too large to address/,
  ),
  refused(
    'an empty tensor whose sizes overflow',
    weight({ shape: sizes(0, 2n ** 40n, 2n ** 40n), strides: sizes(0, 0, 0) }),
    /too large/,
  ),
  inert('an empty tensor past the record', weight({ shape: sizes(0), offset: number(5) }), {
    w: { tensor: 'w' },
  }),
  inert('an empty tensor at a huge offset', weight({ shape: sizes(0), offset: number(2n ** 50n) }), {
    w: { tensor: 'w' },
  }),
  refused(
    'a view that repeats one element a thousand times',
    weight({ shape: sizes(1000), strides: sizes(0) }),
    /an expanded view/,
  ),
  refused(
    'a view that repeats one element 2^50 times',
    weight({ shape: sizes(2n ** 50n), strides: sizes(0) }),
    /an expanded view/,
  ),
  refused(
    '65 dimensions',
    weight({ shape: sizes(...Array(65).fill(1)), strides: sizes(...Array(65).fill(1)) }),
    /65 dimensions/,
  ),
  refused('fewer strides than sizes', weight({ shape: sizes(2, 2), strides: sizes(1) }), /has 1 strides/),
  refused('sizes in a list', weight({ shape: listOf(number(4)) }), /shape of a tensor is a list/),
  refused('no sizes', weight({ shape: none }), /shape of a tensor is None/),
  refused('strides that are a string', weight({ strides: unicode('1') }), /strides of a tensor is a string/),
  refused(
    'requires_grad that is a number',
    weight({ requiresGrad: number(1) }),
    /requires_grad of a tensor is a number/,
  ),
]

const rebuilds: Attack[] = [
  refused(
    'a tensor on a string',
    weight({ storage: unicode('0') }),
    /rebuilt on a string, expected a storage/,
  ),
  refused(
    'a tensor on a tensor',
    weight({ storage: tensor() }),
    /rebuilt on a tensor or storage, expected a storage/,
  ),
  refused(
    'a tensor on a call',
    weight({ storage: call('torch', 'FloatStorage', number(4)) }),
    /rebuilt on an object of torch\.FloatStorage/,
  ),
  refused(
    'a tensor of three arguments',
    saved(call('torch._utils', '_rebuild_tensor_v2', storage(), number(0), sizes(4))),
    /rebuilt from 3 arguments/,
  ),
  refused(
    'a tensor of no arguments',
    saved(call('torch._utils', '_rebuild_tensor')),
    /rebuilt from 0 arguments/,
  ),
  refused(
    'a tensor of eight arguments',
    saved(
      call(
        'torch._utils',
        '_rebuild_tensor_v2',
        storage(),
        number(0),
        sizes(4),
        sizes(1),
        '\x89',
        none,
        none,
        none,
      ),
    ),
    /rebuilt from 8 arguments/,
  ),
  refused(
    'a tensor whose metadata are a list',
    saved(
      call('torch._utils', '_rebuild_tensor_v2', storage(), number(0), sizes(4), sizes(1), '\x89', none, ']'),
    ),
    /metadata of a tensor is a list/,
  ),
  refused(
    'a dtype that is a function',
    v3(global('os', 'system')),
    /dtype of a tensor is the name os\.system/,
  ),
  refused(
    'a dtype of torch by the prototype',
    v3(global('torch', 'constructor')),
    /dtype of a tensor is the name torch\.constructor/,
  ),
  refused('a dtype that is text', v3(unicode('float32')), /dtype of a tensor is a string/),
  refused(
    'a dtype too wide for the record',
    v3(global('torch', 'int64')),
    /reaches to element 4, and there are 2/,
  ),
  refused('complex elements', v3(global('torch', 'complex64'), 2), /complex64 elements are complex/),
  refused('elements of 8 bits', v3(global('torch', 'float8_e4m3fn')), /float8_e4m3fn elements need a scale/),
  refused(
    'a quantized tensor',
    saved(dictOf({ w: call('torch._utils', '_rebuild_qtensor', storage(), number(0)) })),
    /quantized/,
  ),
  refused(
    'a sparse tensor whose indices point anywhere',
    saved(dictOf({ w: call('torch._utils', '_rebuild_sparse_tensor', none, none) })),
    /sparse/,
  ),
  refused(
    'a parameter of a dict',
    saved(call('torch._utils', '_rebuild_parameter', emptyDict, newTrue, none)),
    /rebuilt from a dict/,
  ),
  refused('a parameter of nothing', saved(call('torch.nn.parameter', 'Parameter')), /rebuilt from nothing/),
  refused('a device that is a list', beside(call('torch', 'device', ']')), /torch\.device is made of a list/),
  refused(
    'a torch.Size of text',
    beside(call('torch', 'Size', unicode('4'))),
    /torch\.Size is made of a string/,
  ),
]

/** _rebuild_tensor_v3 on the bytes of the record. */
function v3(dtype: Bytes, count = 4): Buffer {
  const untyped = storage({ class: global('torch.storage', 'UntypedStorage'), count: number(16) })
  const args = [untyped, number(0), sizes(count), sizes(1), '\x89', none, dtype]
  return saved(dictOf({ w: call('torch._utils', '_rebuild_tensor_v3', ...args) }))
}

export const TENSORS: readonly Attack[] = [...geometry, ...rebuilds]
