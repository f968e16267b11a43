/** Which weights are taken out of a pickled object, under which names, and what is told of it. */
import { equal, is } from 'uvu/assert'
import { memorySource } from '../../lib/checkpoint/byte_source.js'
import { collectState } from '../../lib/checkpoint/torch/collect_state.js'
import { readTorchZip } from '../../lib/checkpoint/torch/read_zip.js'
import { saved, sizes, tensor } from '../support/checkpoint_builder.js'
import { rejects } from '../support/errors.js'
import * as p from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'

const test = suite('collectState')

const collect = (value: p.Bytes, pick: string | null = null) => {
  const { picked, tensors, notes } = collectState(
    readTorchZip(memorySource(saved(value), 'a.pth')).root,
    'a.pth',
    pick,
  )
  return { picked, names: [...tensors.keys()], notes }
}
const t = tensor()
const state = p.dictOf({ w: t, b: t })

/** An object of a class, as a pickled module is one. */
const object = (name: string, attributes: Record<string, p.Bytes>) =>
  p.bytes(p.global('net', name), p.emptyTuple, p.newObj, p.dictOf(attributes), p.build)
const module = (
  name: string,
  parts: { parameters?: p.Bytes; buffers?: p.Bytes; modules?: p.Bytes },
  more = {},
) =>
  object(name, {
    training: p.newTrue,
    _parameters: parts.parameters ?? p.emptyDict,
    _buffers: parts.buffers ?? p.emptyDict,
    _modules: parts.modules ?? p.emptyDict,
    ...more,
  })

test('a state dict is taken as it is', () => {
  equal(collect(state), { picked: null, names: ['w', 'b'], notes: [] })
  equal(collect(p.dictOf({ w: t, epoch: p.number(1), none: p.none })), {
    picked: null,
    names: ['w'],
    notes: ['left out what is no tensor: epoch, none'],
  })
})

test('the likeliest key is picked, and told', () => {
  const keys = [
    ...['model', 'state_dict', 'model_state_dict', 'module', 'net', 'network'],
    ...['model_ema', 'model_ema_state_dict', 'state_dict_ema', 'ema', 'weights'],
  ]
  for (const key of keys) {
    const { picked, names, notes } = collect(p.dictOf({ epoch: p.number(1), [key]: state }))
    equal([picked, names], [key, ['w', 'b']])
    equal(notes, [`took the weights under '${key}'; beside them there are epoch`])
  }
  is(collect(p.dictOf({ model_ema: p.dictOf({ e: t }), model: state })).picked, 'model')
  // Not a state dict, and so not taken for one.
  is(collect(p.dictOf({ model: p.unicode('beit_base'), state_dict: state })).picked, 'state_dict')
  is(collect(p.dictOf({ weights: t, bias: t })).picked, null)
})

test('a tensor or two beside the weights make no state dict', () => {
  const optimizer = p.dictOf({
    state: p.bytes('}(', p.number(0), p.dictOf({ exp_avg: t, exp_avg_sq: t }), 'u'),
  })
  // As PyTorch's tutorial saves it.
  const tutorial = p.dictOf({
    epoch: p.number(5),
    model_state_dict: state,
    optimizer_state_dict: optimizer,
    loss: t,
  })
  equal(collect(tutorial).names, ['w', 'b'])
  const path = p.call('pathlib', 'PosixPath', p.unicode('/'), p.unicode('runs'))
  const own = p.dictOf({ generator: state, more: p.dictOf({ critic: state }), optimizer, rng: t, dir: path })
  const { picked, names, notes } = collect(own)
  equal([picked, names.slice(0, 4)], [null, ['generator.w', 'generator.b', 'more.critic.w', 'more.critic.b']])
  equal(notes, [
    'no state dict was found: took every tensor, by its place; ' +
      'to take those under one key, pick one of generator, more.critic',
  ])
  equal(collect(own, 'more.critic').names, ['w', 'b'])
  const net = module('Net', { parameters: state })
  equal(collect(p.dictOf({ trained: net, loss: t })).names, ['trained.w', 'trained.b', 'loss'])
  // Nor do some tensors further inside make a state dict none.
  equal(collect(p.dictOf({ w: t, b: t, extra: p.listOf(t) })).names, ['w', 'b'])
})

test('pick chooses another key, or one within', async () => {
  const value = p.dictOf({
    model: state,
    model_ema: p.dictOf({ e: t }),
    nets: p.dictOf({ teacher: p.dictOf({ x: t }) }),
  })
  equal(collect(value, 'model_ema').names, ['e'])
  equal(collect(value, 'nets.teacher').names, ['x'])
  equal(collect(value, 'nets').names, ['teacher.x'])
  const message = /pick: a\.pth has nothing under 'ema'; there are model, model_ema, nets/
  await rejects(async () => collect(value, 'ema'), 'ERR_INVALID_ARGUMENT', message)
  await rejects(async () => collect(p.none, 'ema'), 'ERR_INVALID_ARGUMENT', /it is None/)
})

test('a pickled module is walked in the order of its state dict', () => {
  const inner = module('Linear', { parameters: p.dictOf({ weight: t, bias: p.none }) })
  const norm = module(
    'Norm',
    { parameters: p.dictOf({ weight: t }), buffers: p.dictOf({ mean: t, tmp: t }) },
    { _non_persistent_buffers_set: p.call('builtins', 'set', p.listOf(p.unicode('tmp'))) },
  )
  const net = module('Net', {
    parameters: p.dictOf({ token: t }),
    modules: p.dictOf({
      norm,
      layers: module('Sequential', { modules: p.dictOf({ 0: inner }) }),
      act: p.none,
    }),
  })
  const names = ['token', 'norm.weight', 'norm.mean', 'layers.0.weight']
  const note = 'took the parameters and buffers of a pickled net.Net; its code is not run'
  equal(collect(net), { picked: null, names, notes: [note] })
  equal(collect(p.dictOf({ model: net })).names, names)
})

test('without a state dict every tensor is taken by its place', () => {
  const note = 'no state dict was found: took every tensor, by its place'
  equal(collect(p.listOf(t, p.dictOf({ x: p.tupleOf(t, p.none) }))), {
    picked: null,
    names: ['0', '1.x.0'],
    notes: [note],
  })
  equal(collect(t), { picked: null, names: ['tensor'], notes: [note] })
  equal(collect(p.number(5)), { picked: null, names: [], notes: ['it holds no tensor'] })
})

test('weights that an unknown function makes are refused', async () => {
  const made = p.call('os', 'system', p.unicode('id'))
  const message = /the weight 'w' is an object of os\.system, expected a tensor that torch itself rebuilds/
  await rejects(async () => collect(p.dictOf({ w: made, b: t })), 'ERR_FORMAT', message)
  await rejects(
    async () => collect(module('Net', { parameters: p.dictOf({ w: made }) })),
    'ERR_FORMAT',
    message,
  )
})

test('what is plain beside weights is left out, whatever makes it', () => {
  const plain = {
    dir: p.call('pathlib', 'PosixPath', p.unicode('/')),
    at: p.call('datetime', 'datetime', p.binBytes('\x07\xe8\x01\x01\0\0\0\0\0\0')),
  }
  equal(collect(p.dictOf({ w: t, ...plain })), {
    picked: null,
    names: ['w'],
    notes: ['left out what is no tensor: dir, at'],
  })
})

test('where no tensor is, what there is is named', () => {
  const array = p.bytes(
    p.call('numpy.core.multiarray', '_reconstruct', p.global('numpy', 'ndarray'), sizes(0), p.binBytes('b')),
    p.tupleOf(
      ...[p.number(1), sizes(2), p.call('numpy', 'dtype', p.unicode('f4')), p.newFalse],
      p.binBytes('01234567'),
    ),
    p.build,
  )
  const other = p.call('jax', 'Array', p.none)
  equal(collect(p.dictOf({ model: p.dictOf({ w: array, b: array, c: other }), epoch: p.number(1) })).notes, [
    "it holds no tensor; under 'model' are objects of jax.Array, numpy.ndarray",
  ])
  equal(collect(p.listOf(other)).notes, ['it holds no tensor; in it are objects of jax.Array'])
})

test('shared parts and modules inside themselves end', async () => {
  // [l, l] forty times over: 2^40 names for one tensor, none for no tensor.
  const doubled = (first: p.Bytes) =>
    p.bytes(
      p.listOf(first),
      ...Array.from({ length: 40 }, (_, i) =>
        p.bytes(p.binPut(i), p.pop, p.listOf(p.binGet(i), p.binGet(i))),
      ),
    )
  await rejects(async () => collect(doubled(t)), 'ERR_FORMAT', /more than 200000 names/)
  equal(collect(doubled(p.none)).names, [])
  const self = p.bytes(p.emptyList, p.binPut(0), p.binGet(0), p.append)
  equal(collect(self).names, [])
  const loop = p.bytes(
    p.global('net', 'Net'),
    p.emptyTuple,
    p.newObj,
    p.binPut(0),
    p.dictOf({ _parameters: p.dictOf({ w: t }), _modules: p.dictOf({ self: p.binGet(0) }) }),
    p.build,
  )
  await rejects(async () => collect(loop), 'ERR_FORMAT', /nested more than 200 deep/)
})

test.run()
