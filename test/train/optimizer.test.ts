/** AdamW, its two groups, clipping and accumulation. */
import { equal, is, not } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { MicroBatch } from '../../lib/train/trainer.js'
import { suite } from '../support/suite.js'
import {
  allNear,
  changed,
  type GoldenRun,
  goldenRun,
  manifest,
  NAMES,
  near,
  OPTIONS,
  relativeDifference,
  SETTINGS,
  snapshot,
} from './golden_training.js'

const test = suite('optimizer')

for (const name of NAMES) {
  test(`${name}: what decays is what the original lets decay`, () =>
    scope(async () => {
      const weights = async (weightDecay: number) => {
        const { model, batches, trainer } = await goldenRun(name)
        await (await trainer()).step([first(batches)], { learningRate: 1e-3, weightDecay })
        return snapshot(await model.stateDict())
      }
      const [without, with_] = [await weights(0), await weights(100)]
      const decayed = changed(without, with_)
      const noDecay: string[] = manifest(name).optimizer.no_decay
      // A parameter that is still zero does not show its decay, and buffers have none.
      const zeros = [...without.keys()].filter((key) => /relative_position_(bias_table|index)/.test(key))
      const expected = [...without.keys()].filter((key) => !noDecay.includes(key) && !zeros.includes(key))
      equal(decayed.filter((key) => !zeros.includes(key)).sort(), expected.sort())
      is(decayed.includes('mask_token'), true)
    }))
}

test('the fused update equals the plain one over three steps', () =>
  scope(async () => {
    const [fused, plain] = [await trained(true), await trained(false)]
    await allNear(fused.weights, plain.weights, 1e-6)
    await allNear(fused.state, plain.state, 1e-6)
  }))

test('the first step is AdamW, computed by hand from its gradient', () =>
  scope(async () => {
    const { model, batches, trainer: create } = await goldenRun('mim_shared_rel_pos')
    const name = 'blocks.1.mlp.fc1.weight'
    const weight = (await model.stateDict()).get(name) as Tensor
    const before = await weight.toFloat32()
    const trainer = await create()
    await trainer.step([first(batches)], { learningRate: 1e-2, weightDecay: 0.5 })
    const gradient = await ((await trainer.gradients()).get(name) as Tensor).toFloat32()
    // At step 1 the bias-corrected moments are the gradient and its square.
    const expected = before.map((w, i) => {
      const g = gradient[i] as number
      return w * (1 - 1e-2 * 0.5) - (1e-2 * g) / (Math.abs(g) + 1e-8)
    })
    near(relativeDifference(await weight.toFloat32(), expected) + 1, 1, 1e-6, name)
  }))

test('clipping scales the gradient to the largest norm, and reports the norm before', () =>
  scope(async () => {
    const { batches, trainer } = await goldenRun('mim_shared_rel_pos')
    const clipped = await trainer({ clipGradient: 0.5 })
    const { gradientNorm } = await clipped.step([first(batches)], { learningRate: 0, weightDecay: 0 })
    near(gradientNorm, manifest('mim_shared_rel_pos').grad_norm_before_clip[0], 1e-4, 'norm before clipping')
    near(
      await norm(await clipped.gradients()),
      (0.5 * gradientNorm) / (gradientNorm + 1e-6),
      1e-5,
      'norm after clipping',
    )

    const free = await trainer({ clipGradient: null })
    await free.step([first(batches)], { learningRate: 0, weightDecay: 0 })
    near(await norm(await free.gradients()), gradientNorm, 1e-5, 'norm without clipping')
  }))

test('the norm of long gradients is summed to the last digits', () =>
  scope(async () => {
    // The head has 393,216 numbers: several of the pieces that are summed one by one.
    const config = { imageSize: 32, patchSize: 16, hiddenSize: 48, depth: 1, heads: 3, vocabSize: 8192 }
    const model = await BeitForMaskedImageModeling.create(config, { seed: 0 })
    const trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer({
      ...OPTIONS,
      clipGradient: null,
    })
    const pixels = Tensor.from(
      Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i)),
      [2, 3, 32, 32],
    )
    const mask = Tensor.from(new Uint8Array(8).fill(1), [2, 4], { dtype: 'bool' })
    const tokens = Tensor.from(BigInt64Array.from([5n, 81n, 4096n, 8191n, 0n, 1n, 2n, 3n]), [2, 4])
    const { gradientNorm } = await trainer.step([{ pixels, mask, tokens }], {
      learningRate: 0,
      weightDecay: 0,
    })
    near(gradientNorm, await norm(await trainer.gradients()), 1e-6, 'norm')
  }))

test('micro-batches: loss and gradient are the means of theirs, counts the sums', () =>
  scope(async () => {
    const { batches, trainer: create } = await goldenRun('mim_shared_rel_pos')
    const still = { learningRate: 0, weightDecay: 0 }
    const trainer = await create({ clipGradient: null })
    const [a, b] = batches as [MicroBatch, MicroBatch]
    const alone = [await trainer.step([a], still)]
    const gradientA = await numbers(await trainer.gradients())
    alone.push(await trainer.step([b], still))
    const gradientB = await numbers(await trainer.gradients())
    const both = await trainer.step([a, b], still)
    const gradient = await numbers(await trainer.gradients())

    const [resultA, resultB] = alone as [typeof both, typeof both]
    near(both.loss, (resultA.loss + resultB.loss) / 2, 1e-6, 'loss')
    is(both.masked, resultA.masked + resultB.masked)
    is(both.correct, resultA.correct + resultB.correct)
    const sum = (counts: BigInt64Array) => Number(counts.reduce((total, count) => total + count, 0n))
    is(sum(both.tokenCounts), both.masked)
    const mean = gradientA.map((value, i) => (value + (gradientB[i] as number)) / 2)
    near(relativeDifference(gradient, mean) + 1, 1, 1e-5, 'gradient')
    not.equal(resultA.loss, resultB.loss)
  }))

test.run()

const first = (batches: MicroBatch[]) => batches[0] as MicroBatch

async function trained(
  fused: boolean,
): Promise<{ weights: Map<string, Tensor>; state: Map<string, Tensor> }> {
  const { model, batches, trainer: create }: GoldenRun = await goldenRun('mim_shared_rel_pos')
  const trainer = await create({ fused })
  for (const batch of batches) await trainer.step([batch], SETTINGS)
  const state = await trainer.state()
  state.delete('generator')
  return { weights: await model.stateDict(), state }
}

async function numbers(tensors: Map<string, Tensor>): Promise<Float32Array> {
  const parts = await Promise.all([...tensors.values()].map((tensor) => tensor.toFloat32()))
  return Float32Array.from(parts.flatMap((part) => [...part]))
}

async function norm(tensors: Map<string, Tensor>): Promise<number> {
  return Math.sqrt((await numbers(tensors)).reduce((sum, value) => sum + value ** 2, 0))
}
