/** What a resumed run needs: moments, step count and generator. */
import { equal, is, not } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { Tensor } from '../../lib/tensor.js'
import type { MicroBatch } from '../../lib/train/trainer.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { changed, goldenRun, SETTINGS, snapshot } from './golden_training.js'

const test = suite('optimizer state')

test('a run that is stopped and resumed with drop path ends with the same bits', () =>
  scope(async () => {
    const whole = await goldenRun('mim_shared_rel_pos', { dropPath: 0.5 })
    const trainer = await whole.trainer({ seed: 7 })
    for (const batch of whole.batches) await trainer.step([batch], SETTINGS)

    const stopped = await goldenRun('mim_shared_rel_pos', { dropPath: 0.5 })
    const before = await stopped.trainer({ seed: 7 })
    await before.step([stopped.batches[0] as MicroBatch], SETTINGS)

    const resumed = await goldenRun('mim_shared_rel_pos', { dropPath: 0.5 })
    const after = await resumed.trainer({ seed: 99 })
    await resumed.model.loadStateDict(await stopped.model.stateDict())
    await after.load(await before.state())
    await after.evaluate(resumed.batches[0] as MicroBatch)
    for (const batch of resumed.batches.slice(1)) await after.step([batch], SETTINGS)

    const weights = await snapshot(await whole.model.stateDict())
    equal(changed(weights, await snapshot(await resumed.model.stateDict())), [])
    equal(changed(await snapshot(await trainer.state()), await snapshot(await after.state())), [])
  }))

test('drop path: the seed decides, in training alone', () =>
  scope(async () => {
    const { batches, trainer } = await goldenRun('mim_shared_rel_pos', { dropPath: 0.5 })
    const [batch] = batches as [MicroBatch]
    const losses = async (seed: number) => {
      const trained = await trainer({ seed })
      const still = { learningRate: 0, weightDecay: 0 }
      return [(await trained.step([batch], still)).loss, (await trained.step([batch], still)).loss]
    }
    equal(await losses(1), await losses(1))
    not.equal((await losses(1))[0], (await losses(2))[0])
    not.equal((await losses(1))[0], (await losses(1))[1])

    const without = await goldenRun('mim_shared_rel_pos')
    is((await (await trainer()).evaluate(batch)).loss, (await (await without.trainer()).evaluate(batch)).loss)
  }))

test('the state names every moment, counts the steps and is of the parameters alone', () =>
  scope(async () => {
    const { model, batches, trainer: create } = await goldenRun('mim_abs_pos_rect')
    const trainer = await create()
    for (let i = 0; i < 3; i++) await trainer.step([batches[0] as MicroBatch], SETTINGS)
    const state = await trainer.state()
    const parameters = [...(await model.stateDict()).keys()].filter(
      (name) => !name.endsWith('relative_position_index'),
    )
    equal(
      [...state.keys()],
      [
        'step',
        ...parameters.map((name) => `exp_avg.${name}`),
        ...parameters.map((name) => `exp_avg_sq.${name}`),
        'generator',
      ],
    )
    equal([...((await (state.get('step') as Tensor).toTypedArray()) as BigInt64Array)], [3n])
    is(state.get('generator')?.dtype, 'uint8')
  }))

test('a state that does not fit is refused and changes nothing', () =>
  scope(async () => {
    const { batches, trainer: create } = await goldenRun('mim_abs_pos_rect')
    const trainer = await create()
    await trainer.step([batches[0] as MicroBatch], SETTINGS)
    const before = await snapshot(await trainer.state())
    const refused = async (change: (state: Map<string, Tensor>) => void, message: RegExp) => {
      const state = await trainer.state()
      change(state)
      await rejects(trainer.load(state), 'ERR_CHECKPOINT_MISMATCH', message)
      equal(changed(before, await snapshot(await trainer.state())), [])
    }
    const zeros = (shape: number[]) =>
      Tensor.from(new Float32Array(shape.reduce((product, size) => product * size, 1)), shape)
    await refused((state) => state.delete('exp_avg.norm.bias'), /has no 'exp_avg.norm.bias'/)
    await refused((state) => state.set('exp_avg.head.bias', zeros([4])), /'exp_avg.head.bias' is no part/)
    await refused(
      (state) => state.set('exp_avg_sq.norm.bias', zeros([47])),
      /'exp_avg_sq.norm.bias': expected Float \[48\], got Float \[47\]/,
    )
    await refused((state) => state.set('step', zeros([])), /'step': expected Long \[\], got Float \[\]/)
  }))

test.run()
