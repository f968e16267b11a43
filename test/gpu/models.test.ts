/** Models and tokenizers on a GPU against the outputs of the original, which were made on a CPU. */
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { GOLDEN_CONFIGS, type GoldenName, goldenBeit } from '../models/golden_beit.js'
import { fixture } from '../support/golden.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { integers, named, randomNumbers, relativeError, tensorsOf, under } from '../support/tensors.js'

const test = suite('models on a GPU')
const onGpu = { device: 'cuda' } as const
/** Sums are made in another order there. */
const TOLERANCE = 1e-4

for (const name of Object.keys(GOLDEN_CONFIGS) as GoldenName[]) {
  test.skipIf(noGpu, `${name}: logits and features`, () =>
    scope(async () => {
      const { model, tensors } = await goldenBeit(name)
      const moved = await model.to(onGpu)
      is(moved.device, 'cuda:0')
      const pixels = await named(tensors, 'step0.pixels').to(onGpu)
      const mask = await named(tensors, 'step0.mask').to(onGpu)
      const outputs: Record<string, Tensor> = {
        logits: await moved.forward(pixels, { mask }),
        all_logits: await moved.forward(pixels, { mask, allTokens: true }),
        features: await moved.features(pixels, { mask }),
      }
      for (const [output, tensor] of Object.entries(outputs)) {
        is(tensor.device, 'cuda:0')
        const error = await relativeError(tensor, named(tensors, `step0.${output}`))
        ok(error <= TOLERANCE, `${output}: relative error ${error}`)
      }
    }),
  )

  test.skipIf(noGpu, `${name}: to the GPU and back, the same bits`, () =>
    scope(async () => {
      const { model } = await goldenBeit(name)
      const back = await (await model.to(onGpu)).to({ device: 'cpu' })
      const state = await back.stateDict()
      for (const [key, tensor] of await model.stateDict()) {
        equal(await named(state, key).toTypedArray(), await tensor.toTypedArray(), key)
      }
    }),
  )
}

test.skipIf(noGpu, 'a classifier at another size: the logits of the CPU', () =>
  scope(async () => {
    const { model } = await goldenBeit('mim_shared_rel_pos')
    const path = join(temporary(), 'model.safetensors')
    await model.save(path)
    const options = { numClasses: 7, imageSize: [96, 80], seed: 1 } as const
    const moved = await BeitForImageClassification.load(path, { ...options, ...onGpu })
    const classifier = await BeitForImageClassification.load(path, options)
    const pixels = Tensor.from(randomNumbers(2 * 3 * 96 * 80), [2, 3, 96, 80])
    const onDevice = await pixels.to(onGpu)
    const pairs = [
      [await moved.forward(onDevice), await classifier.forward(pixels)],
      [await moved.features(onDevice), await classifier.features(pixels)],
    ] as const
    for (const [actual, expected] of pairs) {
      is(actual.device, 'cuda:0')
      ok((await relativeError(actual, expected)) <= TOLERANCE)
    }
  }),
)

const conv = fixture('conv_dvae.safetensors')
test.skipIf(noGpu, 'ConvDiscreteVae: logits and the same tokens', () =>
  scope(async () => {
    const tensors = await tensorsOf(conv)
    const tokenizer = await ConvDiscreteVae.create({
      ...{ imageSize: 32, vocabSize: 64, codebookDim: 32, layers: 3, hiddenSize: 16 },
      ...onGpu,
    })
    await tokenizer.loadStateDict(under('state.', tensors))
    const normalised = named(tensors, 'pixels')
    const unit = (await normalised.toFloat32()).map((x) => Math.min(1, Math.max(0, 0.5 * x + 0.5)))
    const pixels = Tensor.from(unit, normalised.shape, onGpu)
    ok((await relativeError(await tokenizer.logits(pixels), named(tensors, 'logits'))) <= TOLERANCE)
    equal(await integers(await tokenizer.encode(pixels)), await integers(named(tensors, 'tokens')))
  }),
)

test.run()
