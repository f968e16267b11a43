/** The moving average of the weights that a step keeps (EMA). */
import { equal, is, ok } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import type { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { ImageClassification } from '../../lib/objectives/image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'
import { changed, OPTIONS, SETTINGS, snapshot } from './golden_training.js'
import { microClassifier } from './micro_finetune.js'

const test = suite('weight average')
const DECAY = 0.7

test('after each step: its decay of itself, the rest of the new weights; buffers stay', () =>
  scope(async () => {
    const { model, average, trainer } = await averaged()
    let expected = await parameters(model)
    for (let step = 0; step < 3; step++) {
      await trainer.step([batch(step)], SETTINGS)
      const now = await parameters(model)
      expected = expected.map((value, i) => DECAY * value + (1 - DECAY) * (now[i] as number))
      const found = await parameters(average)
      const error = Math.max(...found.map((value, i) => Math.abs(value - (expected[i] as number))))
      // A few float32 roundings of values near 1; a step moves them by about 1e-3.
      ok(error < 5e-7, `step ${step}: ${error}`)
      ok(found.some((value, i) => value !== now[i]))
    }
    const [own, other] = [await snapshot(await model.stateDict()), await snapshot(await average.stateDict())]
    const same = [...own.keys()].filter((name) => name.endsWith('_index'))
    equal(
      same.filter((name) => changed(own, other).includes(name)),
      [],
    )
    is(same.length, 2)
  }))

test('a step that is skipped leaves it bit for bit', () =>
  scope(async () => {
    const { average, trainer } = await averaged()
    await trainer.step([batch(0)], SETTINGS)
    const before = await snapshot(await average.stateDict())
    const pixels = Tensor.from(new Float32Array(2 * 3 * 32 * 32).fill(Number.NaN), [2, 3, 32, 32])
    is((await trainer.step([{ ...batch(0), pixels }], SETTINGS)).finite, false)
    equal(changed(before, await snapshot(await average.stateDict())), [])
  }))

test('anything but a copy of the model is refused', () =>
  scope(async () => {
    const model = await microClassifier()
    const refused = (other: BeitForImageClassification, message: RegExp, decay = DECAY) =>
      rejects(
        new ImageClassification({ model, ema: { model: other, decay } }).createTrainer(OPTIONS),
        'ERR_INVALID_ARGUMENT',
        message,
      )
    await refused(model, /expected a copy of the model that is trained, got the model itself/)
    await refused(await microClassifier({ numClasses: 4 }), /\[3, 24\].* as head\.weight, got .*\[4, 24\]/)
    await refused(await microClassifier({ depth: 1 }), /got \d+ tensors instead of \d+/)
    await refused(await model.to({ dtype: 'bfloat16' }), /got .*BFloat16/i)
    await refused(await model.to({}), /ema\.decay: expected/, 1.5)
  }))

test.run()

async function averaged() {
  const model = await microClassifier({ seed: 2 })
  const average = await model.to({})
  const objective = new ImageClassification({ model, ema: { model: average, decay: DECAY } })
  return { model, average, trainer: await objective.createTrainer(OPTIONS) }
}

const batch = (seed: number) => ({
  pixels: Tensor.from(randomNumbers(2 * 3 * 32 * 32, seed + 1), [2, 3, 32, 32]),
  targets: Tensor.from(BigInt64Array.from([1n, 2n]), [2]),
})

/** All numbers that are trained, one after the other. */
async function parameters(model: BeitForImageClassification): Promise<number[]> {
  const state = [...(await model.stateDict())].filter(([name]) => !name.endsWith('_index'))
  const values = await Promise.all(state.map(([, tensor]) => tensor.toFloat32()))
  return values.flatMap((part) => [...part])
}
