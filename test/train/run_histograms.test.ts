import { equal } from 'uvu/assert'
import type { Module } from '../../lib/models/module.js'
import { Tensor } from '../../lib/tensor.js'
import { runHistograms } from '../../lib/train/run_histograms.js'
import type { Trainer } from '../../lib/train/trainer.js'
import { suite } from '../support/suite.js'

const test = suite('histograms of a run')

test('a matrix and its gradient each by itself; vectors and indices not at all', async () => {
  const stateDict = async () =>
    new Map([
      ['a', Tensor.from([[1, 2, 3, 5]])],
      ['fresh', Tensor.from([[0, 1]])],
      ['bias', Tensor.from([1, 2])],
      ['index', Tensor.from([[1, 2]], undefined, { dtype: 'int64' })],
    ])
  const gradients = async () =>
    new Map([
      ['a', Tensor.from([[0, 0, 0, -8]])],
      ['bias', Tensor.from([1, 2])],
    ])
  const found = await runHistograms({ stateDict } as Module, { gradients } as Trainer, [3, 0, 1])
  const ranges = [...found].map(([tag, { counts, edges }]) => [tag, edges[0], edges.at(-1), counts[0]])
  equal(ranges, [
    ['codebook/tokens', 0, 3, 3],
    ['weights/a', 1, 5, 1],
    ['gradients/a', -8, 0, 1],
    ['weights/fresh', 0, 1, 1],
  ])
  const none = await runHistograms(
    { stateDict } as Module,
    { gradients: async () => new Map() } as Trainer,
    [],
  )
  equal([...none.keys()], ['weights/a', 'weights/fresh'])
})

test.run()
