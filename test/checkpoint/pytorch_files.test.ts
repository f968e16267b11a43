/** Files that PyTorch wrote, in all containers, against the same tensors as safetensors. */
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { openCheckpoint, readCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { type PlainObject, TensorRecord } from '../../lib/checkpoint/records.js'
import type { Tensor } from '../../lib/tensor.js'
import { fixture } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { tensorsOf } from '../support/tensors.js'

const test = suite('files of torch.save')

const FILES = [
  ['pth_zip.pth', 'zip', 'model'],
  ['pth_zip_protocol4.pth', 'zip', 'model'],
  ['pth_legacy.pth', 'legacy', 'model'],
  ['pth_state_dict.pth', 'zip', null],
] as const

for (const [name, container, picked] of FILES) {
  test(`${name}: every tensor bit for bit`, async () => {
    const expected = await tensorsOf(fixture('pth_expected.safetensors'))
    const checkpoint = await readCheckpoint(fixture(name))
    equal([checkpoint.format, checkpoint.container, checkpoint.picked], ['pytorch', container, picked])
    equal([...checkpoint.tensors.keys()].sort(), [...expected.keys()].sort())
    for (const [key, tensor] of expected) {
      const own = checkpoint.tensors.get(key)
      equal([own?.dtype, own?.shape], [tensor.dtype, tensor.shape], key)
      equal(await own?.toTypedArray(), await tensor.toTypedArray(), key)
    }
  })
}

for (const name of ['pth_zip.pth', 'pth_zip_protocol4.pth', 'pth_legacy.pth']) {
  test(`${name}: everything that is no tensor as plain data`, async () => {
    const file = await openCheckpoint(fixture(name))
    equal(file.notes, [
      "took the weights under 'model'; beside them there are optimizer, epoch, scaler, args",
    ])
    const data = file.data as PlainObject
    is(data.epoch, 7)
    equal({ ...(data.scaler as PlainObject) }, { scale: 65536, growth_factor: 2 })
    equal(
      { ...(data.args as PlainObject) },
      {
        model: 'beit_base_patch16_224_8k_vocab',
        lr: 0.0015,
        output_dir: 'runs/x',
        betas: [0.9, 0.999],
        resume: null,
        n: 0.5,
      },
    )
    const { state, param_groups: groups } = data.optimizer as PlainObject
    ok(state instanceof Map)
    equal([...state.keys()], [0, 1, 2, 3])
    const moment = (state.get(0) as PlainObject).exp_avg
    ok(moment instanceof TensorRecord)
    equal([moment.name, moment.dtype, moment.shape], ['optimizer.state.0.exp_avg', 'float32', [8, 4]])
    const [tensor] = await file.read([moment])
    const elements = await (tensor as Tensor).toFloat32()
    ok(Math.abs((elements[0] as number) - 0.0114) < 5e-5) // as PyTorch prints it
    const [group] = groups as PlainObject[]
    equal([group?.lr, group?.betas, group?.params, group?.fused], [0.001, [0.9, 0.999], [0, 1, 2, 3], null])
  })
}

test('what shares a storage in the file shares memory', async () => {
  const { tensors } = await readCheckpoint(fixture('pth_zip.pth'))
  const names = ['shared_a', 'shared_b', 'transposed', 'sliced', 'f32']
  const handles = names.map((name) => tensors.get(name)?.handle as never)
  const layouts = await native().tensorLayouts(handles)
  equal(
    layouts.map(({ storage }) => storage),
    [0, 0, 0, 0, 4],
  )
  equal(
    layouts.map(({ strides }) => strides),
    [[6, 1], [1], [1, 6], [6, 2], [5, 1]],
  )
})

test('the same record twice gives two tensors; one tensor needs only its storage', async () => {
  const file = await openCheckpoint(fixture('pth_zip.pth'))
  const record = file.tensors.get('sliced') as TensorRecord
  const [first, second] = await file.read([record, record])
  equal(await first?.toTypedArray(), new Float32Array([6, 8, 10, 12, 14, 16]))
  first?.dispose()
  equal(await second?.toTypedArray(), new Float32Array([6, 8, 10, 12, 14, 16]))
})

test('parameters remember that they are', async () => {
  const file = await openCheckpoint(fixture('pth_zip.pth'))
  equal(
    [...file.tensors].filter(([, record]) => record.requiresGrad).map(([name]) => name),
    ['param'],
  )
})

test.run()
