import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { scope } from '../../lib/dispose.js'
import type { FeatureSettings } from '../../lib/native.js'
import { Tensor } from '../../lib/tensor.js'
import { probeModel } from '../evaluate/probe_images.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { randomNumbers, relativeError } from '../support/tensors.js'

const test = suite('frozen features')

const SETTINGS: FeatureSettings = {
  blocks: [2, 0],
  pooling: 'concat',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  precision: 'fp32',
}

const bytes = () => Uint8Array.from(randomNumbers(2 * 3 * 16 * 16), (x) => Math.floor(256 * x))

/** By definition, in the order [class token, mean of patches]: (2, blocks, 2D) of the model's own features. */
async function pooledByHand(model: Awaited<ReturnType<typeof probeModel>>, pixels: Tensor): Promise<Tensor> {
  const streams = await model.features(pixels, { blocks: SETTINGS.blocks })
  const width = model.config.hiddenSize
  const pooled: number[] = []
  const values = await Promise.all(streams.map((stream) => stream.toFloat32()))
  for (let image = 0; image < 2; image++) {
    for (const value of values) {
      const at = (token: number, d: number) => value[(image * 5 + token) * width + d] as number
      for (let d = 0; d < width; d++) pooled.push(at(0, d))
      for (let d = 0; d < width; d++) pooled.push((at(1, d) + at(2, d) + at(3, d) + at(4, d)) / 4)
    }
  }
  return Tensor.from(Float32Array.from(pooled), [2, SETTINGS.blocks.length, 2 * width])
}

test('are the pooled features of the model, of uint8 pixels after normalisation', async () => {
  await scope(async () => {
    const model = await probeModel()
    const raw = bytes()
    const normalised = Float32Array.from(raw, (x, i) => {
      const channel = Math.floor(i / 256) % 3
      return (x / 255 - (SETTINGS.mean[channel] as number)) / (SETTINGS.std[channel] as number)
    })
    const floats = Tensor.from(normalised, [2, 3, 16, 16])
    const expected = await pooledByHand(model, floats)
    const pooled = async (pixels: Tensor, change: Partial<FeatureSettings> = {}) =>
      new Tensor(await native().beitPooledFeatures(model.handle, pixels.handle, { ...SETTINGS, ...change }))
    const pixels = Tensor.from(raw, [2, 3, 16, 16])
    const both = await pooled(pixels)
    assert.ok((await relativeError(both, expected)) < 1e-6)
    assert.ok((await relativeError(await pooled(floats), expected)) < 1e-6)
    const half = await relativeError(await pooled(pixels, { precision: 'bf16' }), expected)
    assert.ok(half > 1e-6 && half < 0.03, String(half))

    // Class token and mean are the two halves.
    const [all, cls, mean] = await Promise.all([
      both.toFloat32(),
      (await pooled(pixels, { pooling: 'cls' })).toFloat32(),
      (await pooled(pixels, { pooling: 'mean' })).toFloat32(),
    ])
    for (let row = 0; row < 4; row++) {
      assert.equal(all.slice(row * 32, row * 32 + 16), cls.slice(row * 16, (row + 1) * 16))
      assert.equal(all.slice(row * 32 + 16, row * 32 + 32), mean.slice(row * 16, (row + 1) * 16))
    }
    await rejects(pooled(pixels, { blocks: [3] }), 'ERR_INVALID_ARGUMENT', /0 to 2, got 3/)
    await rejects(pooled(Tensor.from(raw, [2, 3, 32, 8])), 'ERR_SHAPE_MISMATCH', /\(B, 3, 16, 16\)/)
  })
})

test('a bank in a file is memory like any other, and its file has no name', async () => {
  const folder = temporary()
  await scope(async () => {
    const rows = Tensor.from(randomNumbers(2 * 3 * 4), [2, 3, 4])
    const contents = []
    for (const path of [null, join(folder, 'bank')]) {
      const bank = new Tensor(await native().featureBank(5, 3, 4, path))
      assert.equal(bank.shape, [5, 3, 4])
      await native().featureBankWrite(bank.handle, 2, rows.handle)
      contents.push(await bank.toFloat32())
    }
    const expected = new Float32Array(60)
    expected.set(await rows.toFloat32(), 24)
    assert.equal(contents, [expected, expected])
  })
  assert.equal(readdirSync(folder), [])
  // What is there already is not touched.
  writeFileSync(join(folder, 'mine'), 'precious')
  await rejects(
    native().featureBank(5, 3, 4, join(folder, 'mine')),
    'ERR_IO',
    /cannot open .*mine: File exists/,
  )
  await rejects(native().featureBank(5, 3, 4, join(folder, 'no', 'bank')), 'ERR_IO', /cannot open/)
})

test('rows, layers and columns that a bank does not have are refused', () =>
  scope(async () => {
    const bank = new Tensor(await native().featureBank(4, 2, 3, null))
    const write = async (start: number, features: Tensor) =>
      native().featureBankWrite(bank.handle, start, features.handle)
    const row = Tensor.from(Float32Array.of(3, 0, 4, 0, 5, 12), [1, 2, 3])
    await write(3, row)
    await rejects(write(-1, row), 'ERR_INVALID_ARGUMENT', /start: expected/)
    await rejects(write(4, row), 'ERR_SHAPE_MISMATCH', /features: expected \(B, L, F\) within/)
    // Not broadcast.
    const narrow = Tensor.from(new Float32Array(2), [1, 2, 1])
    await rejects(write(0, narrow), 'ERR_SHAPE_MISMATCH', /features: expected/)
    await rejects(write(0, Tensor.from(new Float32Array(3))), 'ERR_SHAPE_MISMATCH', /features: expected/)

    const layer = async (layer: number, rows: number, columns: number[]) =>
      new Tensor(
        await native().featureLayer(bank.handle, layer, rows, columns as [number, number], 'cpu'),
      ).toFloat32()
    const last = (await layer(1, 4, [1, 3])).subarray(6)
    assert.ok(Math.abs((last[0] as number) - 5 / 13) < 1e-7 && Math.abs((last[1] as number) - 12 / 13) < 1e-7)
    for (const [number, rows, columns] of [
      [2, 4, [0, 3]],
      [-1, 4, [0, 3]],
      [0, 5, [0, 3]],
      [0, -1, [0, 3]],
      [0, 4, [0]],
      [0, 4, [2, 1]],
      [0, 4, [-1, 3]],
      [0, 4, [0, 4]],
    ] as const) {
      await rejects(layer(number, rows, [...columns]), 'ERR_INVALID_ARGUMENT', /expected/)
    }
  }))

test('a bank that its disk has no room for leaves no file, however often it is asked for', async () => {
  const folder = temporary()
  // 4 PiB: more than one file may have.
  for (let i = 0; i < 2; i++) {
    const asked = native().featureBank(2 ** 50, 1, 1, join(folder, 'bank'))
    await rejects(asked, 'ERR_IO', /cannot make room in .*bank: /)
    assert.equal(readdirSync(folder), [])
  }
  await rejects(native().featureBank(2 ** 50, 2 ** 20, 2, null), 'ERR_INVALID_ARGUMENT', /than a machine can/)
  for (const rows of [0, -1, 1.5]) {
    const asked = async () => native().featureBank(rows, 3, 4, join(folder, 'bank'))
    await rejects(asked, 'ERR_INVALID_ARGUMENT', /rows: expected/)
  }
})

test.run()
