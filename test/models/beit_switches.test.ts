/** Every switch of the architecture does what its name says; properties that need no reference. */
import { equal, is, not, ok } from 'uvu/assert'
import type { BeitConfigInput } from '../../lib/models/beit_config.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { randomNumbers, relativeError } from '../support/tensors.js'

const test = suite('switches of BeitForMaskedImageModeling')
const SMALL = { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 3, vocabSize: 11 } as const

test('every combination of positions and LayerScale gives finite logits', async () => {
  const seen: string[] = []
  for (const absolutePositions of [false, true]) {
    for (const relativePositions of ['none', 'shared', 'per-block'] as const) {
      for (const layerScaleInit of [0, 0.1]) {
        const model = await randomised({ ...SMALL, absolutePositions, relativePositions, layerScaleInit })
        const logits = await model.forward(images(2, 32, 32), { mask: mask(2, 16, [1, 5, 20]) })
        equal(logits.shape, [3, 11])
        const values = await logits.toFloat32()
        ok(values.every(Number.isFinite))
        seen.push([...values].join())
      }
    }
  }
  is(new Set(seen).size, 12, 'each switch changes the result')
})

test('patches of 4, 8, 14 and 16 pixels, squares and rectangles', async () => {
  const sizes: [number, [number, number]][] = [
    [4, [32, 32]],
    [8, [24, 40]],
    [14, [28, 42]],
    [16, [48, 16]],
    [16, [16, 64]],
  ]
  for (const [patchSize, imageSize] of sizes) {
    const model = await randomised({ ...SMALL, patchSize, imageSize, absolutePositions: true })
    const patches = (imageSize[0] / patchSize) * (imageSize[1] / patchSize)
    is(model.patches, patches)
    equal((await model.forward(images(1, ...imageSize))).shape, [1, patches, 11])
    equal((await model.features(images(1, ...imageSize))).shape, [1, patches + 1, 24])
  }
})

test('mlpRatio sets the width of the MLP, rounded down', async () => {
  const model = await BeitForMaskedImageModeling.create({ ...SMALL, mlpRatio: 2.65 })
  const state = await model.stateDict()
  equal(state.get('blocks.0.mlp.fc1.weight')?.shape, [63, 24])
})

test('normEps reaches the layer norms', async () => {
  const exact = await randomised(SMALL)
  const blurred = await BeitForMaskedImageModeling.create({ ...SMALL, normEps: 0.5 })
  await blurred.loadStateDict(await exact.stateDict())
  const pixels = images(1, 32, 32)
  ok((await relativeError(await blurred.forward(pixels), await exact.forward(pixels))) > 0.01)
})

test('without positions patches are a set; with either kind their places matter', async () => {
  const pixels = images(1, 32, 32)
  const swapped = await swapHalves(pixels)
  const distance = async (config: BeitConfigInput) => {
    const model = await randomised({ ...SMALL, ...config })
    const features = await (await model.features(pixels)).toFloat32()
    const moved = await (await model.features(swapped)).toFloat32()
    // Class token, then rows of 4 patches: the upper 8 patches of one are the lower 8 of the other.
    const width = 24
    let worst = 0
    for (let token = 0; token < 17; token++) {
      const partner = token === 0 ? 0 : ((token - 1 + 8) % 16) + 1
      for (let i = 0; i < width; i++) {
        const a = features[token * width + i] as number
        worst = Math.max(worst, Math.abs(a - (moved[partner * width + i] as number)))
      }
    }
    return worst
  }
  ok((await distance({ relativePositions: 'none' })) < 1e-5)
  ok((await distance({ relativePositions: 'shared' })) > 1e-3)
  ok((await distance({ relativePositions: 'per-block' })) > 1e-3)
  ok((await distance({ relativePositions: 'none', absolutePositions: true })) > 1e-3)
})

test('a masked patch is not seen; one that is not masked is', async () => {
  const model = await randomised({ ...SMALL, absolutePositions: true })
  const pixels = images(1, 32, 32)
  const values = await pixels.toFloat32()
  // Patch 5 lies in rows 8-15 and columns 8-15.
  for (let y = 8; y < 16; y++) values.fill(3, y * 32 + 8, y * 32 + 16)
  const changed = Tensor.from(values, [1, 3, 32, 32])
  const features = async (image: Tensor, masked: number[]) =>
    (await model.features(image, { mask: mask(1, 16, masked) })).toFloat32()
  equal(await features(changed, [5]), await features(pixels, [5]))
  not.equal(await features(changed, [6]), await features(pixels, [6]))
})

test('logits of the masked patches are those rows of all logits, in row-major order', async () => {
  const model = await randomised(SMALL)
  const pixels = images(2, 32, 32)
  const masked = [15, 3, 16, 30]
  const all = await (await model.forward(pixels, { mask: mask(2, 16, masked), allTokens: true })).toFloat32()
  const rows = [...masked].sort((a, b) => a - b).flatMap((row) => [...all.subarray(row * 11, row * 11 + 11)])
  const logits = await model.forward(pixels, { mask: mask(2, 16, masked) })
  const error = await relativeError(logits, Tensor.from(Float32Array.from(rows), [4, 11]))
  ok(error < 1e-6, `${error}`)
  const none = await model.forward(pixels, { mask: mask(2, 16, []) })
  equal(none.shape, [0, 11])
})

test('without a mask nothing is masked, and all logits are the default', async () => {
  const model = await randomised(SMALL)
  const pixels = images(2, 32, 32)
  const plain = await model.forward(pixels)
  equal(plain.shape, [2, 16, 11])
  const empty = await model.forward(pixels, { mask: mask(2, 16, []), allTokens: true })
  equal(await plain.toFloat32(), await empty.toFloat32())
})

test('drop path does nothing outside training', async () => {
  const model = await randomised(SMALL)
  const dropping = await BeitForMaskedImageModeling.create({ ...SMALL, dropPath: 0.9 })
  await dropping.loadStateDict(await model.stateDict())
  const pixels = images(2, 32, 32)
  equal(await (await dropping.forward(pixels)).toFloat32(), await (await model.forward(pixels)).toFloat32())
})

test('images of a batch do not see each other', async () => {
  const model = await randomised(SMALL)
  const pixels = images(2, 32, 32)
  const first = Tensor.from((await pixels.toFloat32()).slice(0, 3 * 32 * 32), [1, 3, 32, 32])
  const both = await (await model.forward(pixels)).toFloat32()
  const alone = await model.forward(first)
  const error = await relativeError(alone, Tensor.from(both.slice(0, alone.size), alone.shape))
  ok(error < 1e-6, `${error}`)
})

test.run()

/**
 * A model all of whose parameters are random: position tables, gammas and biases would else hide behind 0 and
 * 1.
 */
async function randomised(config: BeitConfigInput): Promise<BeitForMaskedImageModeling> {
  const model = await BeitForMaskedImageModeling.create(config)
  const state = await model.stateDict()
  let seed = 1
  for (const [name, tensor] of state) {
    if (tensor.dtype !== 'float32') state.delete(name)
    else
      state.set(
        name,
        Tensor.from(
          randomNumbers(tensor.size, seed++).map((x) => x - 0.4),
          tensor.shape,
        ),
      )
  }
  await model.loadStateDict(state)
  return model
}

function images(batch: number, height: number, width: number): Tensor {
  const values = randomNumbers(batch * 3 * height * width, 99).map((x) => 2 * x - 1)
  return Tensor.from(values, [batch, 3, height, width])
}

/** True at `masked`, counted through the whole batch. */
function mask(batch: number, patches: number, masked: readonly number[]): Tensor {
  const values = new Uint8Array(batch * patches)
  for (const i of masked) values[i] = 1
  return Tensor.from(values, [batch, patches], { dtype: 'bool' })
}

/** The upper and the lower half of an image change places. */
async function swapHalves(pixels: Tensor): Promise<Tensor> {
  const values = await pixels.toFloat32()
  const plane = 32 * 32
  return Tensor.from(
    values.map((_, i) => values[Math.floor(i / plane) * plane + ((i + plane / 2) % plane)] as number),
    pixels.shape,
  )
}
