/** Parameters of a module without initial values: zeros, though nothing has written them. */
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { scope } from '../../lib/dispose.js'
import { resolveBeitConfig } from '../../lib/models/beit_config.js'
import type { DType, TensorHandle } from '../../lib/native.js'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'

const test = suite('fresh zeros')

/** Matrices of 16 and 4 MiB, vectors of bytes. */
const CONFIG = {
  ...resolveBeitConfig({
    imageSize: 16,
    hiddenSize: 1024,
    heads: 16,
    depth: 1,
    vocabSize: 8,
    layerScaleInit: 1,
  }),
}

async function make(seed: number | null, dtype: DType = 'float32') {
  const options = { device: 'cpu', dtype, seed }
  return native().moduleCreate('beit_for_masked_image_modeling', CONFIG, options)
}

for (const dtype of ['float32', 'bfloat16', 'float64'] as const) {
  test(`${dtype}: zeros in memory that held other values before`, () =>
    scope(async () => {
      // What the allocator gives again: of a module of the same sizes.
      for (let i = 0; i < 2; i++) native().dispose(await make(1, dtype))
      const module = await make(null, dtype)
      const { names, tensors, isBuffer } = await native().moduleState(module)
      let largest = 0
      for (const [i, handle] of tensors.entries()) {
        const tensor = new Tensor(handle as TensorHandle)
        if (isBuffer[i]) continue
        const bytes = Buffer.from(await native().tensorRead(tensor.handle))
        largest = Math.max(largest, bytes.length)
        ok(
          bytes.every((byte) => byte === 0),
          names[i],
        )
      }
      ok(largest >= 8 * 1024 ** 2)
      native().dispose(module)
    }))
}

test('a copy of such a module, and one that was loaded into, are the memory of their own', () =>
  scope(async () => {
    const [module, seeded] = [await make(null), await make(3)]
    const state = await native().moduleState(seeded)
    await native().moduleLoad(module, state.names, state.tensors)
    native().dispose(seeded)
    const copy = await native().moduleTo(module, 'cpu', 'float32')
    native().dispose(module)
    const copied = await native().moduleState(copy)
    equal(copied.names, state.names)
    for (const [i, name] of state.names.entries()) {
      const [expected, actual] = [state.tensors[i], copied.tensors[i]].map(
        (handle) => new Tensor(handle as TensorHandle),
      )
      const [one, other] = await Promise.all(
        [expected, actual].map((tensor) => (tensor as Tensor).toTypedArray()),
      )
      is(
        Buffer.compare(Buffer.from(one?.buffer as ArrayBuffer), Buffer.from(other?.buffer as ArrayBuffer)),
        0,
        name,
      )
    }
    native().dispose(copy)
  }))

test.run()
