/** The way operations are reached by themselves: native().runOperation. */
import * as assert from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('operations')
const settings = { precision: 'fp32', optimize: 'off' } as const

test('an operation gives its result and the gradient of each tensor', async () => {
  const x = Tensor.from([0, 1], [2], { dtype: 'float64' })
  const weights = Tensor.from([1, 2], [2], { dtype: 'float64' })
  const { outputs, gradients } = await native().runOperation(
    'gelu',
    [x.handle],
    {},
    {
      ...settings,
      gradients: [weights.handle],
    },
  )
  const [value] = outputs
  const [gradient] = gradients
  // Phi(1) = 0.8413447461, phi(1) = 0.2419707245
  assert.ok(close(await numbers(value), [0, 0.8413447461]))
  assert.ok(close(await numbers(gradient), [0.5, 2 * (0.8413447461 + 0.2419707245)]))
})

test('an unknown operation is named', async () => {
  await rejects(
    () => native().runOperation('nothing', [], {}, settings),
    'ERR_INVALID_ARGUMENT',
    /no operation is called 'nothing'/,
  )
})

async function numbers(handle: unknown): Promise<number[]> {
  assert.ok(handle)
  return Array.from(await new Tensor(handle as never).toTypedArray(), Number)
}

function close(actual: number[], expected: number[]): boolean {
  return (
    actual.length === expected.length && actual.every((v, i) => Math.abs(v - (expected[i] as number)) < 1e-9)
  )
}

test.run()
