/** What writeCheckpoint writes, as PyTorch reads it: every dtype and layout, and the golden model's outputs. */
import { readFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { namespace } from '../../lib/checkpoint/pickle/python_values.js'
import { openCheckpoint, readCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import type { TensorRecord } from '../../lib/checkpoint/records.js'
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import { writeCheckpoint } from '../../lib/checkpoint/write_checkpoint.js'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { GOLDEN_CONFIGS, type GoldenName, goldenBeit } from '../models/golden_beit.js'
import { rejects } from '../support/errors.js'
import { fixture } from '../support/golden.js'
import { packageRoot } from '../support/paths.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named, relativeError } from '../support/tensors.js'
import { everyLayout } from './every_layout.js'

// PyTorch takes seconds to start.
const test = suite('writeCheckpoint', { timeout: 180_000 })
const noTorch = pythonLacks('torch')

/** Loads a file and prints of each tensor of its state dict: dtype, shape, strides, storage, bytes as hex. */
const DESCRIBE = `
import sys, json, torch
state = torch.load(sys.argv[1], weights_only=True)
state = state.get('model', state)
storages = {}
def describe(t):
    storage = storages.setdefault(t.untyped_storage()._cdata, len(storages))
    data = t.contiguous().flatten().view(torch.uint8) if t.numel() else t.new_empty(0, dtype=torch.uint8)
    return [str(t.dtype)[6:], list(t.shape), list(t.stride()), storage, bytes(data.tolist()).hex()]
print(json.dumps([[name, describe(t)] for name, t in state.items()]))`

type Described = [dtype: string, shape: number[], strides: number[], storage: number, hex: string]
const describe = (path: string) => new Map(JSON.parse(python(DESCRIBE, path)) as [string, Described][])

test('every dtype and layout comes back with equal bits, shared storage shared', () =>
  scope(async () => {
    const path = join(temporary(), 'all.pth')
    const tensors = await everyLayout()
    await writeCheckpoint(path, tensors, { data: { again: tensors.get('matrix') as Tensor } })
    const { tensors: read } = await readCheckpoint(path)
    equal([...read.keys()], [...tensors.keys()])
    for (const [name, tensor] of tensors) {
      const back = named(read, name)
      equal([back.dtype, back.shape], [tensor.dtype, tensor.shape], name)
      equal(await back.toTypedArray(), await tensor.toTypedArray(), name)
    }
    const storages = (await native().tensorLayouts([...read.values()].map(({ handle }) => handle))).map(
      ({ storage }) => storage,
    )
    is(storages[[...read.keys()].indexOf('tied')], [...read.keys()].indexOf('matrix'))
    is(new Set(storages).size, tensors.size - 1)
    const file = await openCheckpoint(path)
    const { again } = file.data as unknown as { again: TensorRecord }
    is(again.storage, file.tensors.get('matrix')?.storage)
  }))

for (const name of ['pth_zip.pth', 'pth_legacy.pth']) {
  test(`${name}: views written again keep values, strides and what they share`, () =>
    scope(async () => {
      const folder = temporary()
      const original = await readCheckpoint(fixture(name))
      const path = join(folder, 'again.pth')
      await writeCheckpoint(path, original.tensors)
      const again = await readCheckpoint(path)
      equal([...again.tensors.keys()], [...original.tensors.keys()])
      for (const [name, tensor] of original.tensors) {
        equal(await named(again.tensors, name).toTypedArray(), await tensor.toTypedArray(), name)
      }
      const layouts = ({ tensors }: typeof again) =>
        native().tensorLayouts([...tensors.values()].map(({ handle }) => handle))
      const [before, after] = [await layouts(original), await layouts(again)]
      for (const [i, { storage, strides, dense }] of before.entries()) {
        const shared = before.filter((other) => other.storage === storage).length > 1
        if (shared || dense) equal(after[i]?.strides, strides)
        is(after[i]?.storage, storage)
      }
    }))
}

test.skipIf(noTorch, 'PyTorch reads equal bits of every dtype and layout', () =>
  scope(async () => {
    const path = join(temporary(), 'all.pth')
    const tensors = await everyLayout()
    await writeCheckpoint(path, tensors)
    const read = describe(path)
    equal([...read.keys()], [...tensors.keys()])
    for (const [name, tensor] of tensors) {
      const [dtype, shape, , , hex] = read.get(name) as Described
      is(dtype, tensor.dtype, name)
      equal(shape, tensor.shape, name)
      is(hex, Buffer.from((await tensor.toTypedArray()).buffer).toString('hex'), name)
    }
    const storage = (name: string) => read.get(name)?.[3]
    is(storage('tied'), storage('matrix'))
    equal(new Set([...read.values()].map(([, , , index]) => index)).size, tensors.size - 1)
  }),
)

test.skipIf(noTorch, 'plain data and tensors anywhere in it are there as Python has them', () =>
  scope(async () => {
    const path = join(temporary(), 'data.pth')
    const matrix = Tensor.from([[1, 2]])
    await writeCheckpoint(path, new Map([['w', matrix]]), {
      metadata: { kind: 'test' },
      data: { epoch: 19, lr: 0.5, best: null, state: new Map([[0, { step: Tensor.from(3), same: matrix }]]) },
    })
    const code = `
import sys, torch
d = torch.load(sys.argv[1], weights_only=True)
print(list(d), type(d['model']).__name__, d['metadata'], d['epoch'], d['lr'], d['best'], d['state'][0]['step'].item(),
      d['state'][0]['same'].data_ptr() == d['model']['w'].data_ptr())`
    is(
      python(code, path).trim(),
      "['model', 'metadata', 'epoch', 'lr', 'best', 'state'] OrderedDict {'kind': 'test'} 19 0.5 None 3.0 True",
    )
  }),
)

test.skipIf(noTorch, 'argparse.Namespace comes back as one', () =>
  scope(async () => {
    const path = join(temporary(), 'args.pth')
    await writeCheckpoint(path, new Map([['w', Tensor.from(1)]]), {
      data: { args: namespace({ model: 'beit_base', epochs: 800 }) },
    })
    const code = `
import sys, torch
print(torch.load(sys.argv[1], weights_only=False)['args'])`
    is(python(code, path).trim(), "Namespace(model='beit_base', epochs=800)")
  }),
)

for (const name of Object.keys(GOLDEN_CONFIGS) as GoldenName[]) {
  test.skipIf(noTorch, `${name}: the model that save() wrote gives the golden logits in PyTorch`, () =>
    scope(async () => {
      const folder = temporary()
      const [checkpoint, inputs, output] = ['model.pth', 'inputs.pth', 'output.pth'].map((file) =>
        join(folder, file),
      ) as [string, string, string]
      const { model, tensors } = await goldenBeit(name)
      await model.save(checkpoint)
      await writeCheckpoint(
        inputs,
        new Map(['pixels', 'mask'].map((input) => [input, named(tensors, `step0.${input}`)])),
      )
      const program = readFileSync(join(packageRoot, 'test/checkpoint/programs/beit_forward.py'), 'utf8')
      python(program, checkpoint, inputs, output)
      const [, , , , hex] = describe(output).get('logits') as Described
      const expected = named(tensors, 'step0.logits')
      const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
      const logits = Tensor.from(new Float32Array(bytes.buffer), expected.shape)
      const error = await relativeError(logits, expected)
      ok(error <= 1e-5, `relative error ${error}`)
    }),
  )
}

test('only the memory that is used is written, and a storage once', () =>
  scope(async () => {
    const folder = temporary()
    const tensor = Tensor.from(new Float32Array(100_000))
    const size = async (name: string, tensors: Map<string, Tensor>) => {
      await writeCheckpoint(join(folder, name), tensors)
      return (await fs.stat(join(folder, name))).size
    }
    const once = await size('once.pth', new Map([['a', tensor]]))
    const twice = await size(
      'twice.pth',
      new Map([
        ['a', tensor],
        ['b', tensor],
      ]),
    )
    ok(once > 400_000 && once < 402_000, String(once))
    ok(twice >= once && twice < once + 200, String(twice))
  }))

test('the extension decides the format, and another name needs one', () =>
  scope(async () => {
    const folder = temporary()
    const tensors = new Map([['a', Tensor.from([1, 2])]])
    for (const name of ['a.pth', 'a.PT', 'pytorch_model.bin']) {
      await writeCheckpoint(join(folder, name), tensors)
      is(readFileSync(join(folder, name)).toString('latin1', 0, 2), 'PK', name)
    }
    await writeCheckpoint(join(folder, 'a.safetensors'), tensors, { metadata: { a: 'b' } })
    equal((await readSafetensors(join(folder, 'a.safetensors'))).metadata, { a: 'b' })
    await writeCheckpoint(join(folder, 'other'), tensors, { format: 'safetensors' })
    equal([...(await readSafetensors(join(folder, 'other'))).tensors.keys()], ['a'])

    const refused = (name: string, options: object, message: RegExp) =>
      rejects(writeCheckpoint(join(folder, name), tensors, options), 'ERR_INVALID_ARGUMENT', message)
    await refused('a.npz', {}, /its extension tells no format: use \.safetensors, \.pth, \.pt, \.bin/)
    await refused('a.pth', { format: 'zip' }, /format must be 'safetensors' or 'pth', got "zip"/)
    await refused('a.safetensors', { data: { epoch: 1 } }, /leave out data, or write a \.pth file/)
    await refused('b.pth', { data: { when: new Date(0) } }, /a Date at data\["when"\] cannot be pickled/)
    equal((await fs.readdir(folder)).sort(), ['a.PT', 'a.pth', 'a.safetensors', 'other', 'pytorch_model.bin'])
  }))

test('a file that cannot be written leaves the one that was there, and nothing else', () =>
  scope(async () => {
    const folder = temporary()
    const path = join(folder, 'a.pth')
    const tensors = new Map([['a', Tensor.from([1, 2])]])
    await fs.writeFile(path, 'old')
    await fs.mkdir(join(folder, 'b.pth', 'occupied'), { recursive: true })
    await rejects(writeCheckpoint(join(folder, 'b.pth'), tensors), 'ERR_IO', /cannot write .*b\.pth/)
    equal((await fs.readdir(folder)).sort(), ['a.pth', 'b.pth'])
    await rejects(writeCheckpoint(join(folder, 'no', 'a.pth'), tensors), 'ERR_IO', /ENOENT|No such file/)
    is(await fs.readFile(path, 'utf8'), 'old')
    await writeCheckpoint(path, tensors)
    is((await fs.readFile(path)).toString('latin1', 0, 2), 'PK')
  }))

test('the state dict of a saved model has the order of the original', () =>
  scope(async () => {
    const path = join(temporary(), 'model.pth')
    const model = await BeitForMaskedImageModeling.create(GOLDEN_CONFIGS.mim_shared_rel_pos, { seed: 0 })
    await model.save(path)
    const file = readFileSync(path).toString('latin1')
    const names = [...(await model.stateDict()).keys()]
    const places = names.map((name) => file.search(new RegExp(`\0${name.replaceAll('.', '\\.')}[qr]`)))
    ok(places.every((place, i) => place > (places[i - 1] ?? 0)))
    ok(file.includes('"layerScaleInit":0.1'))
  }))

test.run()
