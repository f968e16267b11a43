/** A step of fine-tuning against the original PyTorch code: same batch, same weights, same numbers. */
import { equal, is, not, ok } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import type { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import type { Tensor } from '../../lib/tensor.js'
import type { TrainerOptions } from '../../lib/train/trainer.js'
import { fixture, golden, missing } from '../support/golden.js'
import { suite } from '../support/suite.js'
import { under } from '../support/tensors.js'
import { goldenClassifier } from './golden_classifier.js'
import { allNear, manifest, near, SETTINGS } from './golden_training.js'

const test = suite('classification parity')

for (const name of ['cls_mean_pool', 'cls_token_pool'] as const) {
  const path = golden(`${name}.safetensors`)
  test.skipIf(missing(path), `${name}: loss and gradients equal the original's`, () =>
    scope(async () => {
      const { model, batch, tensors, trainer: create } = await goldenClassifier(name, path as string)
      const trainer = await create({ labelSmoothing: 0.1 })
      const result = await trainer.step([batch], SETTINGS)
      near(result.loss, manifest(name).loss_label_smoothing_0_1, 1e-5, 'loss')
      const gradients = under('grad.', tensors)
      ok(gradients.size > 0)
      await allNear(await trainer.gradients(), gradients, 1e-4)

      const logits = await (tensors.get('logits') as Tensor).toFloat32()
      const labels = (await (tensors.get('labels') as Tensor).toTypedArray()) as BigInt64Array
      const likeliest = [...labels].map((_, row) => {
        const scores = logits.subarray(row * model.config.numClasses, (row + 1) * model.config.numClasses)
        return scores.indexOf(Math.max(...scores))
      })
      is(result.correct, likeliest.filter((id, row) => BigInt(id) === labels[row]).length)
      is(result.images, labels.length)
      equal([result.masked, result.tokenCounts.length], [0, 0])
    }),
  )
}

test('bf16 stays near fp32, and leaves weights and gradients in float32', () =>
  scope(async () => {
    const run = async (precision: TrainerOptions['precision']) => {
      const {
        model,
        batch,
        trainer: create,
      } = await goldenClassifier('cls_mean_pool', fixture('cls_mean_pool.safetensors'))
      const trainer = await create({ labelSmoothing: 0.1 }, { precision })
      const result = await trainer.step([batch], SETTINGS)
      const gradients = await trainer.gradients()
      for (const tensor of [...gradients.values(), ...(await parameters(model))]) is(tensor.dtype, 'float32')
      return { ...result, gradients }
    }
    const [exact, rounded] = [await run('fp32'), await run('bf16')]
    near(rounded.loss, exact.loss, 2e-3, 'loss')
    near(rounded.gradientNorm, exact.gradientNorm, 2e-2, 'gradient norm')
    await allNear(rounded.gradients, exact.gradients, 3e-2)
    not.equal(rounded.loss, exact.loss)
  }))

test.run()

async function parameters(model: BeitForImageClassification): Promise<Tensor[]> {
  return [...(await model.stateDict())].flatMap(([name, tensor]) => (name.endsWith('_index') ? [] : [tensor]))
}
