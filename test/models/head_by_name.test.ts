/** A trained head for classes of other names: no row changes its name. */
import { join } from 'node:path'
import { equal, is, match, not } from 'uvu/assert'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import type { DType } from '../../lib/tensor.js'
import { Tensor } from '../../lib/tensor.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('rows of a head by name')

const CONFIG = { imageSize: 32, patchSize: 16, hiddenSize: 24, depth: 2, heads: 3 } as const

/** Rows of weight and bias of each class. */
async function rowsOf(model: BeitForImageClassification) {
  const state = await model.stateDict()
  const read = async (name: string) => (await state.get(name)?.toFloat32()) ?? new Float32Array()
  const [weight, bias] = [await read('head.weight'), await read('head.bias')]
  const width = weight.length / bias.length
  return Object.fromEntries(
    (model.labels ?? []).map((label, id) => [
      label,
      [...weight.subarray(id * width, (id + 1) * width), bias[id]],
    ]),
  )
}

async function saved() {
  const path = join(temporary(), 'model.safetensors')
  using model = await BeitForImageClassification.create(CONFIG, { labels: ['a', 'b', 'c'] })
  const weight = Tensor.from(
    Float32Array.from({ length: 72 }, (_, i) => i / 4),
    [3, 24],
  )
  const bias = Tensor.from(new Float32Array([100, 200, 300]), [3])
  await model.loadStateDict(new Map(Object.entries({ 'head.weight': weight, 'head.bias': bias })), {
    strict: false,
  })
  await model.save(path)
  return { path, rows: await rowsOf(model) }
}

test('the same names in another order: rows go with them', async () => {
  const { path, rows } = await saved()
  for (const dtype of ['float32', 'float64', 'bfloat16'] as DType[]) {
    using model = await BeitForImageClassification.load(path, { labels: ['c', 'a', 'b'], dtype })
    equal(model.labels, ['c', 'a', 'b'])
    equal(await rowsOf(model), { c: rows.c, a: rows.a, b: rows.b }, dtype)
    match(model.loadReport?.lines.join('\n') ?? '', /head by name: 3 of 3 classes/)
  }
  using same = await BeitForImageClassification.load(path, { labels: ['a', 'b', 'c'] })
  equal(await rowsOf(same), rows)
  equal(same.loadReport?.adaptations, [])
})

test('other names begin anew, as in a new head of the seed', async () => {
  const { path, rows } = await saved()
  using model = await BeitForImageClassification.load(path, { labels: ['x', 'c', 'y'], seed: 5 })
  const own = await rowsOf(model)
  equal(own.c, rows.c)
  not.equal(own.x, rows.a)
  for (const name of ['x', 'y']) {
    const row = own[name] as number[]
    // Normal of deviation 0.02, times 0.001 in a new head, and no bias.
    is(Math.max(...row.map(Math.abs)) < 0.1 && row.some((x) => x !== 0), true, name)
    is(row.at(-1), 0)
  }
  match(model.loadReport?.lines.join('\n') ?? '', /head by name: 1 of 3 .* \(the file has a, b, c\)/)
  using again = await BeitForImageClassification.load(path, { labels: ['x', 'c', 'y'], seed: 5 })
  equal(await rowsOf(again), own)
})

test('rows keep their names where the labels are set', async () => {
  const { path, rows } = await saved()
  using model = await BeitForImageClassification.load(path)
  model.labels = ['x', 'y', 'z']
  equal(Object.values(await rowsOf(model)), Object.values(rows))
})

test.run()
