/** The forward pass against outputs of the original release. */
import { equal, is, ok } from 'uvu/assert'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { integers, named, relativeError } from '../support/tensors.js'
import { GOLDEN_CONFIGS, type GoldenName, goldenBeit } from './golden_beit.js'

const test = suite('BeitForMaskedImageModeling against the original')
const TOLERANCE = 1e-5

for (const name of Object.keys(GOLDEN_CONFIGS) as GoldenName[]) {
  test(`${name}: logits, all logits and features`, async () => {
    const { model, tensors } = await goldenBeit(name)
    const pixels = named(tensors, 'step0.pixels')
    const mask = named(tensors, 'step0.mask')
    const outputs = {
      logits: await model.forward(pixels, { mask }),
      all_logits: await model.forward(pixels, { mask, allTokens: true }),
      features: await model.features(pixels, { mask }),
    }
    for (const [output, tensor] of Object.entries(outputs)) {
      const error = await relativeError(tensor, named(tensors, `step0.${output}`))
      ok(error <= TOLERANCE, `${output}: relative error ${error}`)
    }
  })

  test(`${name}: the relative position index is the original's`, async () => {
    const { state } = await goldenBeit(name)
    const fresh = await (await BeitForMaskedImageModeling.create(GOLDEN_CONFIGS[name])).stateDict()
    const indices = [...state.keys()].filter((key) => key.endsWith('relative_position_index'))
    ok(indices.length > 0)
    for (const key of indices) equal(await integers(named(fresh, key)), await integers(named(state, key)))
  })

  test(`${name}: the last block's stream, normalised, is the features`, async () => {
    const { model, tensors, state } = await goldenBeit(name)
    const options = { mask: named(tensors, 'step0.mask') }
    const last = model.config.depth - 1
    const streams = await model.features(named(tensors, 'step0.pixels'), { ...options, blocks: [last, 0] })
    is(streams.length, 2)
    const normalised = await layerNorm(
      streams[0] as Tensor,
      await named(state, 'norm.weight').toFloat32(),
      await named(state, 'norm.bias').toFloat32(),
    )
    ok((await relativeError(normalised, named(tensors, 'step0.features'))) <= TOLERANCE)
    ok(
      (await relativeError(streams[1] as Tensor, streams[0] as Tensor)) > 0.01,
      'the blocks in the order asked for',
    )
  })

  test(`${name}: the comparison would see a change of a thousandth in one weight matrix`, async () => {
    const { model, tensors, state } = await goldenBeit(name)
    const weight = named(state, 'blocks.1.mlp.fc1.weight')
    const changed = (await weight.toFloat32()).map((x) => x * 1.001)
    const altered = new Map(state).set('blocks.1.mlp.fc1.weight', Tensor.from(changed, weight.shape))
    await model.loadStateDict(altered)
    const logits = await model.forward(named(tensors, 'step0.pixels'), {
      mask: named(tensors, 'step0.mask'),
    })
    ok((await relativeError(logits, named(tensors, 'step0.logits'))) > TOLERANCE)
  })
}

test.run()

/** Over the last dimension, in double precision: apart from the library's own. */
async function layerNorm(x: Tensor, weight: Float32Array, bias: Float32Array): Promise<Tensor> {
  const values = await x.toFloat32()
  const width = weight.length
  const result = new Float32Array(values.length)
  for (let row = 0; row < values.length; row += width) {
    const slice = values.subarray(row, row + width)
    const mean = slice.reduce((sum, v) => sum + v, 0) / width
    const variance = slice.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width
    for (let i = 0; i < width; i++) {
      result[row + i] =
        (((slice[i] as number) - mean) / Math.sqrt(variance + 1e-6)) * (weight[i] as number) +
        (bias[i] as number)
    }
  }
  return Tensor.from(result, x.shape)
}
