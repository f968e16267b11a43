import { equal, is, not, ok, throws } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { BeitForImageClassification, keep, memory, scope, Tensor } from '../../lib/index.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('handles')
const disposed = (error: Error & { code?: string }) => error.code === 'ERR_DISPOSED'

test('dispose() frees at once and may be called again', () => {
  const before = memory()
  const tensor = Tensor.from(new Float32Array(1000))
  equal(memory(), { handles: before.handles + 1, bytes: before.bytes + 4000 })
  tensor.dispose()
  equal(memory(), before)
  tensor.dispose()
  equal(memory(), before)
  ok(tensor.disposed)
})

test('use after dispose() is refused, in JavaScript and in the addon', async () => {
  const tensor = Tensor.from([1])
  const { handle } = tensor
  tensor.dispose()
  throws(() => tensor.handle, disposed)
  await rejects(() => tensor.toTypedArray(), 'ERR_DISPOSED', /Tensor was disposed/)
  throws(() => native().tensorInfo(handle), disposed)
  equal(tensor.shape, [1], 'its description stays')
})

test('what is no handle is refused', () => {
  for (const value of [undefined, null, 7, {}, 'tensor']) {
    throws(
      () => native().tensorInfo(value as never),
      (error: { code?: string }) => error.code === 'ERR_INVALID_ARGUMENT',
    )
  }
})

test("new, as PyTorch's modules are made, is answered with what makes one", () => {
  const made = (construct: () => unknown, message: string) =>
    throws(construct, (error: Error & { code?: string }) => {
      is(error.message, message)
      return error.code === 'ERR_INVALID_ARGUMENT'
    })
  const anyOf = (made: unknown) => made as new (...given: unknown[]) => unknown
  made(() => new (anyOf(Tensor))([1, 2]), 'a Tensor is not made by new: use Tensor.from')
  made(
    () => new (anyOf(BeitForImageClassification))({ depth: 2 }),
    'a BeitForImageClassification is not made by new: use BeitForImageClassification.create or BeitForImageClassification.load',
  )
})

test('dispose() while a job uses the tensor: the job still finishes', async () => {
  const tensor = Tensor.from(new Float32Array(100_000).fill(3))
  const converted = tensor.to({ dtype: 'float64' })
  tensor.dispose()
  is((await (await converted).toTypedArray())[99_999], 3)
})

test('using', () => {
  const before = memory().handles
  {
    using tensor = Tensor.from([1, 2])
    is(memory().handles, before + 1)
    not(tensor.disposed)
  }
  is(memory().handles, before)
})

test('scope() disposes what was made in it, except what it returns', () => {
  const before = memory().handles
  let inner: Tensor | undefined
  const result = scope(() => {
    inner = Tensor.from([1])
    return { list: [Tensor.from([2])], map: new Map([['a', Tensor.from([3])]]) }
  })
  ok(inner?.disposed)
  is(memory().handles, before + 2)
  result.list[0]?.dispose()
  result.map.get('a')?.dispose()
  is(memory().handles, before)
})

test('scope() across awaits, and scopes side by side do not mix', async () => {
  // Not by memory().handles: across awaits the collector may free what other tests left.
  const made: Tensor[] = []
  const work = (value: number) =>
    scope(async () => {
      const whole = Tensor.from([value])
      const half = await whole.to({ dtype: 'bfloat16' })
      made.push(whole, half)
      await new Promise((resolve) => setTimeout(resolve, 5))
      return await half.to({ dtype: 'float32' })
    })
  const results = await Promise.all([1, 2, 3].map(work))
  equal(
    made.map((tensor) => tensor.disposed),
    Array(6).fill(true),
  )
  equal(await Promise.all(results.map(async (tensor) => (await tensor.toFloat32())[0])), [1, 2, 3])
  for (const tensor of results) tensor.dispose()
})

test('scope() awaits whatever has a then, as a query of another library; other bodies are refused', async () => {
  let made: Tensor | undefined
  const later = {
    // biome-ignore lint/suspicious/noThenProperty: it is what this is about
    then(resolve: (value: string) => void) {
      made = Tensor.from([1])
      setTimeout(() => resolve(made?.disposed ? 'too early' : 'in time'), 5)
    },
  }
  is(await scope(() => later as unknown as Promise<string>), 'in time')
  ok(made?.disposed)
  const wrong = (call: () => unknown, text: string) =>
    throws(call, (error: Error & { code?: string }) => {
      return error.code === 'ERR_INVALID_ARGUMENT' && error.message.includes(text)
    })
  wrong(() => scope(undefined as never), 'body must be a function, got undefined')
  wrong(() => keep([] as never), 'item must be a tensor or model, got []')
})

test('nested scopes hand their result to the outer one', () => {
  const before = memory().handles
  scope(() => {
    const inner = scope(() => Tensor.from([1]))
    not(inner.disposed)
  })
  is(memory().handles, before)
})

test('keep() takes a tensor out of the scope it was made in, from any depth', () => {
  let kept: Tensor | undefined
  scope(() => {
    const outer = Tensor.from([1])
    scope(() => {
      kept = keep(outer)
    })
  })
  not(kept?.disposed)
  kept?.dispose()
})

test('a scope that throws or rejects still disposes', async () => {
  const before = memory().handles
  throws(() =>
    scope(() => {
      Tensor.from([1])
      throw new Error('on purpose')
    }),
  )
  const failing = scope(async () => {
    Tensor.from([1])
    throw new Error('on purpose')
  })
  await failing.catch(() => {})
  is(memory().handles, before)
})

test.run()
