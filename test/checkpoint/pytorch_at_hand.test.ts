/** Files that the PyTorch of this machine writes, where there is one: every dtype and layout, bit for bit. */
import { join } from 'node:path'
import { equal } from 'uvu/assert'
import { readCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('files of the PyTorch at hand')

const WRITE = `
import json, pickle, sys, torch
folder = sys.argv[1]
torch.manual_seed(0)
state = {}
for dtype in 'float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool'.split():
    state[dtype] = (torch.randn(3, 4) * 50).to(getattr(torch, dtype))
base = torch.arange(120.).reshape(4, 5, 6)
state.update(scalar=torch.tensor(2.5), empty=torch.empty(0, 3), base=base, transposed=base.permute(2, 0, 1),
             sliced=base[1:3, ::2, 1:], row=base[2, 1], past_end=torch.empty(3, 0, 2)[1:],
             channels_last=torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
             parameter=torch.nn.Parameter(torch.ones(2, 2)))

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(3, 2), torch.nn.Linear(2, 1, bias=False)])
        self.register_buffer('kept', torch.arange(3))
        self.register_buffer('dropped', torch.ones(2), persistent=False)

def describe(tensors):
    def raw(t):
        flat = t.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
        return bytes(flat.view(torch.uint8).tolist())
    return {name: [str(t.dtype)[6:], list(t.shape), raw(t).hex()] for name, t in tensors.items()}

net = Net()
old = {'_use_new_zipfile_serialization': False}
files = {}
def save(name, value, tensors, **options):
    torch.save(value, folder + '/' + name, **options)
    files[name] = describe(tensors)

for protocol in (2, 3, 4, 5):
    save(f'zip{protocol}.pth', {'model': state, 'epoch': 3}, state, pickle_protocol=protocol)
    save(f'legacy{protocol}.pth', state, state, pickle_protocol=protocol, **old)
save('module.pth', net, net.state_dict())
save('module_legacy.pth', {'model': net}, net.state_dict(), **old)
for protocol in (3, 4, 5):
    with open(f'{folder}/bare{protocol}.pkl', 'wb') as file:
        pickle.dump(state, file, protocol=protocol)
    files[f'bare{protocol}.pkl'] = describe(state)
print(json.dumps(files))
`

test.skipIf(
  pythonLacks('torch', 'numpy'),
  'equal bits of every dtype and layout, in every container',
  async () => {
    const folder = temporary()
    const files = JSON.parse(python(WRITE, folder)) as Record<
      string,
      Record<string, [string, number[], string]>
    >
    equal(Object.keys(files).length, 13)
    for (const [name, expected] of Object.entries(files)) {
      const { tensors } = await readCheckpoint(join(folder, name))
      equal([...tensors.keys()], Object.keys(expected), name)
      for (const [key, tensor] of tensors) {
        const { buffer, byteOffset, byteLength } = await tensor.toTypedArray()
        const hex = Buffer.from(buffer, byteOffset, byteLength).toString('hex')
        equal([tensor.dtype, tensor.shape, hex], expected[key], `${name}: ${key}`)
      }
    }
  },
)

test.run()
