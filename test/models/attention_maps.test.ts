/** Attention maps against the formula of the original, computed here in float64 from the golden weights. */
import { equal, ok } from 'uvu/assert'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { integers, named } from '../support/tensors.js'
import { GOLDEN_CONFIGS, type GoldenName, goldenBeit } from './golden_beit.js'

const test = suite('attention maps')
const TOLERANCE = 1e-5

type State = Map<string, Tensor>
const numbers = async (state: State, name: string) => Float64Array.from(await named(state, name).toFloat32())

/** One token through a LayerNorm. */
function layerNorm(x: Float64Array, weight: Float64Array, bias: Float64Array): Float64Array {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-6)) * at(weight, i) + at(bias, i))
}

const at = (values: ArrayLike<number>, i: number) => values[i] as number

/** The index and table of the position bias of a block, whether it is the block's own or one for all. */
async function biasOf(state: State, block: number) {
  const own = `blocks.${block}.attn.relative_position_`
  const prefix = state.has(`${own}bias_table`) ? own : 'rel_pos_bias.relative_position_'
  const table = await numbers(state, `${prefix}bias_table`)
  const index = await integers(named(state, `${prefix}index`))
  return (head: number, heads: number, place: number) => at(table, Number(index[place]) * heads + head)
}

/** Softmax of the scores of one image, [head][query][key], from its stream (N + 1, D) before the block. */
async function expectedMaps(state: State, block: number, stream: Float64Array[], heads: number) {
  const name = `blocks.${block}`
  const [weight, bias] = [
    await numbers(state, `${name}.norm1.weight`),
    await numbers(state, `${name}.norm1.bias`),
  ]
  const [qkv, qBias] = [
    await numbers(state, `${name}.attn.qkv.weight`),
    await numbers(state, `${name}.attn.q_bias`),
  ]
  const position = await biasOf(state, block)
  const width = qBias.length
  const x = stream.map((token) => layerNorm(token, weight, bias))
  const project = (token: Float64Array, from: number) =>
    Float64Array.from({ length: width }, (_, out) =>
      token.reduce((sum, value, i) => sum + value * at(qkv, (from + out) * width + i), 0),
    )
  const queries = x.map((token) => project(token, 0).map((value, i) => value + at(qBias, i)))
  const keys = x.map((token) => project(token, width))
  const each = width / heads
  return Array.from({ length: heads }, (_, head) =>
    queries.map((query, q) => {
      const scores = keys.map((key, k) => {
        let sum = 0
        for (let i = head * each; i < (head + 1) * each; i++) sum += at(query, i) * at(key, i)
        return sum / Math.sqrt(each) + position(head, heads, q * keys.length + k)
      })
      const largest = Math.max(...scores)
      const powers = scores.map((score) => Math.exp(score - largest))
      const total = powers.reduce((sum, power) => sum + power, 0)
      return powers.map((power) => power / total)
    }),
  )
}

/** What the first block gets of one image: class token and embedded patches (N + 1, D), masked, with positions. */
async function embedded(state: State, pixels: Tensor, mask: Tensor, image: number) {
  const [kernel, bias] = [
    await numbers(state, 'patch_embed.proj.weight'),
    await numbers(state, 'patch_embed.proj.bias'),
  ]
  const patch = named(state, 'patch_embed.proj.weight').shape[2] as number
  const [, channels, height, width] = pixels.shape as [number, number, number, number]
  const [values, hidden] = [await pixels.toFloat32(), await integers(mask)]
  const [rows, columns] = [height / patch, width / patch]
  const maskToken = await numbers(state, 'mask_token')
  const place = (channel: number, y: number, x: number) =>
    ((image * channels + channel) * height + y) * width + x
  const patches = Array.from({ length: rows * columns }, (_, n) => {
    if (Number(hidden[image * rows * columns + n]) === 1) return maskToken
    const [top, left] = [Math.floor(n / columns) * patch, (n % columns) * patch]
    return bias.map((start, out) => {
      let sum = start
      for (let c = 0; c < channels; c++)
        for (let y = 0; y < patch; y++)
          for (let x = 0; x < patch; x++)
            sum +=
              at(kernel, ((out * channels + c) * patch + y) * patch + x) *
              at(values, place(c, top + y, left + x))
      return sum
    })
  })
  const stream = [await numbers(state, 'cls_token'), ...patches]
  if (!state.has('pos_embed')) return stream
  const positions = await numbers(state, 'pos_embed')
  return stream.map((token, n) => token.map((value, i) => value + at(positions, n * token.length + i)))
}

for (const name of Object.keys(GOLDEN_CONFIGS) as GoldenName[]) {
  test(`${name}: the first block's and the last one's, with a mask, as the formula has them`, async () => {
    const { model, tensors, state } = await goldenBeit(name)
    const [pixels, mask] = [named(tensors, 'step0.pixels'), named(tensors, 'step0.mask')]
    const { depth, heads, hiddenSize } = model.config
    const [before] = await model.features(pixels, { mask, blocks: [depth - 2] })
    const stream = await (before as Tensor).toFloat32()
    const tokens = model.patches + 1
    const beforeLast = (image: number) =>
      Array.from({ length: tokens }, (_, token) => {
        const from = (image * tokens + token) * hiddenSize
        return Float64Array.from(stream.subarray(from, from + hiddenSize))
      })
    for (const layer of [0, depth - 1]) {
      const maps = await model.attentionMaps(pixels, { mask, ...(layer === 0 && { layer }) })
      equal(maps.shape, [pixels.shape[0], heads, tokens, tokens])
      const values = await maps.toFloat32()
      for (const image of [0, (pixels.shape[0] as number) - 1]) {
        const own = layer === 0 ? await embedded(state, pixels, mask, image) : beforeLast(image)
        const expected = (await expectedMaps(state, layer, own, heads)).flat(2)
        const got = values.subarray(image * expected.length, (image + 1) * expected.length)
        const error = Math.max(...expected.map((value, i) => Math.abs(value - at(got, i))))
        ok(error <= TOLERANCE * Math.max(...expected), `block ${layer}, image ${image}: ${error}`)
      }
    }
  })

  test(`${name}: every block's rows are shares; a block and a mask make a difference`, async () => {
    const { model, tensors } = await goldenBeit(name)
    const [pixels, mask] = [named(tensors, 'step0.pixels'), named(tensors, 'step0.mask')]
    const first = await (await model.attentionMaps(pixels, { layer: 0 })).toFloat32()
    const tokens = model.patches + 1
    for (let row = 0; row < first.length; row += tokens) {
      const sum = first.subarray(row, row + tokens).reduce((total, value) => total + value, 0)
      ok(Math.abs(sum - 1) < 1e-5 && first[row] !== undefined, `row ${row / tokens}: ${sum}`)
    }
    const masked = await (await model.attentionMaps(pixels, { layer: 0, mask })).toFloat32()
    const second = await (await model.attentionMaps(pixels, { layer: 1 })).toFloat32()
    const apart = (other: Float32Array) =>
      Math.max(...first.map((value, i) => Math.abs(value - at(other, i))))
    ok(apart(masked) > 1e-3 && apart(second) > 1e-3)
  })
}

test('a classifier has them too; equal patches without positions get equal shares', async () => {
  const model = await BeitForImageClassification.create(
    { imageSize: 32, patchSize: 8, hiddenSize: 16, depth: 2, heads: 2, relativePositions: 'none' },
    { numClasses: 3, seed: 0 },
  )
  const pixels = Tensor.from(new Float32Array(3 * 32 * 32).fill(0.5), [1, 3, 32, 32])
  const maps = await model.attentionMaps(pixels)
  equal(maps.shape, [1, 2, 17, 17])
  const row = (await maps.toFloat32()).subarray(0, 17)
  const patches = row.subarray(1)
  ok(Math.max(...patches) - Math.min(...patches) < 1e-6)
})

test('a block that is not there is refused', async () => {
  const { model, tensors } = await goldenBeit('mim_abs_pos_rect')
  const pixels = named(tensors, 'step0.pixels')
  for (const layer of [-1, 2, 0.5, '1' as never])
    await rejects(
      model.attentionMaps(pixels, { layer }),
      'ERR_INVALID_ARGUMENT',
      /layer must be a block number from 0 to 1/,
    )
})

test.run()
