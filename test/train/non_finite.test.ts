/** A step whose loss or gradient is not finite changes nothing and says so. */
import { equal, is } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { Tensor } from '../../lib/tensor.js'
import type { MicroBatch } from '../../lib/train/trainer.js'
import { suite } from '../support/suite.js'
import { changed, goldenRun, SETTINGS, snapshot } from './golden_training.js'

const test = suite('non-finite steps')

for (const fused of [true, false]) {
  test(`NaN pixels: weights, moments and step count stay (${fused ? 'fused' : 'plain'})`, () =>
    scope(async () => {
      const { model, batches, trainer: create } = await goldenRun('mim_shared_rel_pos')
      const [batch, next] = batches as [MicroBatch, MicroBatch]
      const trainer = await create({ fused })
      await trainer.step([batch], SETTINGS)
      const weights = await snapshot(await model.stateDict())
      const state = await snapshot(await trainer.state())

      const result = await trainer.step([batch, await withPixel(batch, Number.NaN)], SETTINGS)
      is(result.finite, false)
      is(Number.isNaN(result.loss), true)
      equal(changed(weights, await snapshot(await model.stateDict())), [])
      // The generator goes on: the same step is not drawn again.
      equal(changed(state, await snapshot(await trainer.state())), ['generator'])

      const { finite } = await trainer.step([next], SETTINGS)
      is(finite, true)
      const moved = changed(weights, await snapshot(await model.stateDict()))
      equal(
        moved.filter((name) => name.endsWith('relative_position_index')),
        [],
      )
      is(moved.length, weights.size - 1)
      const step = (await trainer.state()).get('step') as Tensor
      equal([...((await step.toTypedArray()) as BigInt64Array)], [2n])
    }))
}

test('a finite loss with an infinite gradient is skipped too', () =>
  scope(async () => {
    const { model, batches, trainer: create } = await goldenRun('mim_shared_rel_pos')
    const trainer = await create()
    // Logits of 1e24 have a finite loss, and a gradient whose square is not a float32.
    const head = (await model.stateDict()).get('lm_head.weight') as Tensor
    const large = (await head.toFloat32()).map((weight) => weight * 1e26)
    await model.loadStateDict(new Map([['lm_head.weight', Tensor.from(large, head.shape)]]), {
      strict: false,
    })
    const weights = await snapshot(await model.stateDict())
    const result = await trainer.step([batches[0] as MicroBatch], SETTINGS)
    is(Number.isFinite(result.loss), true)
    is(result.finite, false)
    equal(changed(weights, await snapshot(await model.stateDict())), [])
  }))

test('an evaluation of NaN pixels says so', () =>
  scope(async () => {
    const { batches, trainer } = await goldenRun('mim_shared_rel_pos')
    const broken = await withPixel(batches[0] as MicroBatch, Number.POSITIVE_INFINITY)
    is((await (await trainer()).evaluate(broken)).finite, false)
  }))

test.run()

/** The batch with one pixel of its first image replaced. */
async function withPixel(batch: MicroBatch, value: number): Promise<MicroBatch> {
  const pixels = await batch.pixels.toFloat32()
  pixels[0] = value
  return { ...batch, pixels: Tensor.from(pixels, batch.pixels.shape) }
}
