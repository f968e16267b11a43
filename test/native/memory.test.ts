import { setImmediate as tick } from 'node:timers/promises'
import { equal, ok } from 'uvu/assert'
import { BeitForMaskedImageModeling, memory, Tensor, threads } from '../../lib/index.js'
import { suite } from '../support/suite.js'

const test = suite('native memory')
const { gc } = globalThis
const withoutGc = gc ? null : 'needs node --expose-gc'
const megabyte = new Float32Array(256 * 1024)

// Small operations: a team of threads would take longer to meet than to compute, above all on a busy machine.
await threads(1)

/** Finalizers run when the event loop turns. */
async function collect() {
  gc?.()
  await tick()
  await tick()
}

test.skipIf(withoutGc, 'the garbage collector frees what nobody holds', async () => {
  await collect()
  const before = memory()
  for (let i = 0; i < 100; i++) Tensor.from(megabyte)
  ok(memory().handles >= before.handles + 100)
  await collect()
  ok(memory().handles <= before.handles + 5, `${memory().handles - before.handles} tensors are left`)
  ok(memory().bytes <= before.bytes + 5 * megabyte.byteLength)
})

test('2,000 tensors of 1 MB without dispose but with awaits stay bounded', async () => {
  const before = process.memoryUsage.rss()
  let peak = 0
  for (let i = 0; i < 2000; i++) {
    await Tensor.from(megabyte).to({ dtype: 'float32' })
    if (i % 50 === 0) peak = Math.max(peak, process.memoryUsage.rss())
  }
  const grown = (peak - before) / 2 ** 20
  ok(grown < 600, `resident memory grew by ${grown.toFixed(0)} MB; all of them are 4,000 MB`)
})

test('2,000 forward passes without dispose but with awaits stay bounded', async () => {
  const vocabSize = 8192
  const model = await BeitForMaskedImageModeling.create({
    imageSize: 32,
    patchSize: 8,
    hiddenSize: 32,
    depth: 2,
    heads: 2,
    vocabSize,
  })
  const pixels = Tensor.from(new Float32Array(2 * 3 * 32 * 32), [2, 3, 32, 32])
  const resultMB = (2 * 16 * vocabSize * 4) / 2 ** 20
  const before = process.memoryUsage.rss()
  let peak = 0
  for (let i = 0; i < 2000; i++) {
    const logits = await model.forward(pixels, { allTokens: true })
    if (i === 0) equal(logits.shape, [2, 16, vocabSize])
    if (i % 50 === 0) peak = Math.max(peak, process.memoryUsage.rss())
  }
  const grown = (peak - before) / 2 ** 20
  ok(grown < 600, `resident memory grew by ${grown.toFixed(0)} MB; all results are ${2000 * resultMB} MB`)
})

test('2,000 tensors that are disposed need the memory of a few', async () => {
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 2000; i++) {
    using tensor = Tensor.from(megabyte)
    ;(await tensor.to({ dtype: 'float32' })).dispose()
  }
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20
  ok(grown < 100, `resident memory grew by ${grown.toFixed(0)} MB`)
})

test.run()
