/** Wrong arguments are named before any native work. */
import { inspect } from 'node:util'
import { is, match, ok } from 'uvu/assert'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { SMALL } from '../support/small_beit.js'
import { suite } from '../support/suite.js'

const test = suite('arguments of BeitForMaskedImageModeling')
const pixels = (...shape: number[]) => Tensor.from(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)
const bools = (...shape: number[]) =>
  Tensor.from(new Uint8Array(shape.reduce((a, b) => a * b, 1)), shape, { dtype: 'bool' })

test('pixels and masks of other ranks, shapes and dtypes', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  const whole = pixels(2, 3, 32, 48)
  await rejects(
    model.forward(pixels(3, 32, 48)),
    'ERR_SHAPE_MISMATCH',
    /pixels must be \[B, 3, 32, 48\], got \[3, 32, 48\]/,
  )
  await rejects(model.forward(pixels(2, 3, 48, 32)), 'ERR_SHAPE_MISMATCH', /got \[2, 3, 48, 32\]/)
  await rejects(model.forward(pixels(0, 3, 32, 48)), 'ERR_SHAPE_MISMATCH', /not empty/)
  await rejects(
    model.features(Tensor.from(new Uint8Array(3 * 32 * 48), [1, 3, 32, 48])),
    'ERR_INVALID_ARGUMENT',
    /pixels must be float32 .* got uint8; convert it with \.to/,
  )
  await rejects(
    model.forward(whole, { mask: bools(2, 2, 3) }),
    'ERR_SHAPE_MISMATCH',
    /mask must be \[2, 6\].* got \[2, 2, 3\]/,
  )
  await rejects(
    model.forward(whole, { mask: bools(1, 6) }),
    'ERR_SHAPE_MISMATCH',
    /must be \[2, 6\].*got \[1, 6\]/,
  )
  await rejects(
    model.forward(whole, { mask: Tensor.from(new Uint8Array(12), [2, 6]) }),
    'ERR_INVALID_ARGUMENT',
    /mask must be bool, got uint8/,
  )
  await rejects(
    model.forward(new Float32Array(4) as unknown as Tensor),
    'ERR_INVALID_ARGUMENT',
    /pixels must be a Tensor .* got a Float32Array/,
  )
})

test('misspelt options are refused, not passed over; so is a file without a name', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  const image = pixels(1, 3, 32, 48)
  const refused = (call: () => Promise<unknown>, message: RegExp) =>
    rejects(call, 'ERR_INVALID_ARGUMENT', message)
  const wrong = (options: object) => options as Record<string, never>
  await refused(
    () => model.forward(image, wrong({ alltokens: true })),
    /forward .*did you mean 'allTokens'\?/,
  )
  await refused(() => model.features(image, wrong({ block: [0] })), /features .*did you mean 'blocks'\?/)
  await refused(() => model.attentionMaps(image, wrong({ layers: 1 })), /did you mean 'layer'\?/)
  await refused(
    async () => model.loadStateDict(await model.stateDict(), wrong({ strickt: false })),
    /'strict'/,
  )
  await refused(() => model.save('model.safetensors', wrong({ name: 'timm' })), /save has no option 'name'/)
  await refused(() => model.save(undefined as never), /^path must be the path of a file, got undefined/)
  await refused(
    () => model.forward(image, null as never),
    /^the options of forward must be an object, got null/,
  )
})

test('logits of masked patches need a mask', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  await rejects(
    model.forward(pixels(1, 3, 32, 48), { allTokens: false }),
    'ERR_INVALID_ARGUMENT',
    /needs a mask/,
  )
})

test('blocks are numbers of blocks that are there', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  for (const blocks of [[2], [-1], [0.5], []]) {
    await rejects(
      model.features(pixels(1, 3, 32, 48), { blocks }),
      'ERR_INVALID_ARGUMENT',
      /block numbers from 0 to 1/,
    )
  }
})

test('options of create', async () => {
  const create = (options: object) => BeitForMaskedImageModeling.create(SMALL, options)
  await rejects(create({ seed: -1 }), 'ERR_INVALID_ARGUMENT', /seed must be an integer from 0 .*, got -1/)
  await rejects(create({ dtype: 'int64' }), 'ERR_INVALID_ARGUMENT', /dtype must be one of float32/)
  await rejects(create({ device: 'gpu' }), 'ERR_INVALID_ARGUMENT', /'cpu', 'cuda' or 'cuda:N'/)
  await rejects(create({ device: 'cuda:99' }), 'ERR_DEVICE', /'cuda:99' /)
  await rejects(create({ depht: 3 }), 'ERR_INVALID_ARGUMENT', /no option 'depht'; did you mean 'depth'/)
})

test('use after dispose', async () => {
  const model = await BeitForMaskedImageModeling.create(SMALL)
  model.dispose()
  model.dispose()
  await rejects(
    model.forward(pixels(1, 3, 32, 48)),
    'ERR_DISPOSED',
    /BeitForMaskedImageModeling was disposed/,
  )
  await rejects(model.stateDict(), 'ERR_DISPOSED', /disposed/)
  match(inspect(model), /disposed/)
})

test('a model shows its architecture, and its summary adds up', async () => {
  using model = await BeitForMaskedImageModeling.create(SMALL)
  is(
    inspect(model).split('\n')[0],
    'BeitForMaskedImageModeling(image 32x48, patch 16, grid 2x3, ' +
      'hidden 24, depth 2, heads 3, vocab 10, float32, cpu)',
  )
  const summary = await model.summary()
  const counts = [...summary.matchAll(/^(\S+) +(?:\[.*?\]|\d+ tensors) +([\d,]+)/gm)].map(
    ([, part, count]) => ({
      part,
      count: Number(count?.replaceAll(',', '')),
    }),
  )
  ok(counts.some(({ part }) => part === 'blocks.1'))
  const total = counts.pop()
  is(total?.part, 'total')
  is(total?.count, await model.parameterCount())
  is(
    counts.reduce((sum, { count }) => sum + count, 0),
    await model.parameterCount(),
  )
})

test.run()
