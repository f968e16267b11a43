import * as assert from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { scope } from '../../lib/dispose.js'
import type { LinearProbeHandle } from '../../lib/native.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'

const test = suite('linear probe trainer')

const [LAYERS, FEATURES, CLASSES, ROWS] = [3, 5, 4, 12]
const SETTINGS = { learningRate: 0.05, weightDecay: 0.1 }
const ADAMW = { betas: [0.9, 0.99], eps: 1e-8 } as const
const features = randomNumbers(ROWS * LAYERS * FEATURES, 7).map((x) => 2 * x - 1)
const targets = Array.from(randomNumbers(ROWS, 8), (x) => Math.floor(CLASSES * x))
const batches = [
  [0, 5, 3, 9],
  [1, 1, 11],
  [2, 4, 6, 7, 8, 10],
]

function create(layers = LAYERS, seed = 3): Promise<LinearProbeHandle> {
  return native().linearProbeCreate(
    { layers, features: FEATURES, classes: CLASSES },
    { device: 'cpu', seed, ...ADAMW },
  )
}

async function weights(probe: LinearProbeHandle): Promise<[Float32Array, Float32Array]> {
  return scope(async () => {
    const [weight, bias] = await native().linearProbeWeights(probe)
    return [await new Tensor(weight).toFloat32(), await new Tensor(bias).toFloat32()]
  })
}

/** A linear classifier of one layer, trained by the formulas of the loss and of AdamW, in float64. */
class Reference {
  readonly parameters: number[] // (C, F) and then (C)
  readonly m: number[]
  readonly v: number[]
  step = 0

  constructor(
    readonly layer: number,
    weight: Float32Array,
    bias: Float32Array,
  ) {
    this.parameters = [
      ...weight.subarray(layer * CLASSES * FEATURES, (layer + 1) * CLASSES * FEATURES),
      ...bias.subarray(layer * CLASSES, (layer + 1) * CLASSES),
    ]
    this.m = this.parameters.map(() => 0)
    this.v = this.parameters.map(() => 0)
  }

  logits(row: number): number[] {
    return Array.from({ length: CLASSES }, (_, c) => {
      let sum = this.parameters[CLASSES * FEATURES + c] as number
      for (let f = 0; f < FEATURES; f++) {
        sum += (this.parameters[c * FEATURES + f] as number) * this.feature(row, f)
      }
      return sum
    })
  }

  feature(row: number, f: number): number {
    return features[(row * LAYERS + this.layer) * FEATURES + f] as number
  }

  /** Trains on `rows`; gives the summed loss and the hits of before. */
  train(rows: readonly number[]): { loss: number; correct: number } {
    const gradient = this.parameters.map(() => 0)
    let [loss, correct] = [0, 0]
    for (const row of rows) {
      const logits = this.logits(row)
      const total = logits.reduce((sum, x) => sum + Math.exp(x), 0)
      const target = targets[row] as number
      loss += Math.log(total) - (logits[target] as number)
      correct += logits.indexOf(Math.max(...logits)) === target ? 1 : 0
      for (let c = 0; c < CLASSES; c++) {
        const delta = (Math.exp(logits[c] as number) / total - (c === target ? 1 : 0)) / rows.length
        const add = (i: number, part: number) => {
          gradient[i] = (gradient[i] as number) + part
        }
        for (let f = 0; f < FEATURES; f++) add(c * FEATURES + f, delta * this.feature(row, f))
        add(CLASSES * FEATURES + c, delta)
      }
    }
    this.step++
    const [beta1, beta2] = ADAMW.betas
    gradient.forEach((g, i) => {
      const m = beta1 * (this.m[i] as number) + (1 - beta1) * g
      const v = beta2 * (this.v[i] as number) + (1 - beta2) * g * g
      this.m[i] = m
      this.v[i] = v
      const decayed = (this.parameters[i] as number) * (1 - SETTINGS.learningRate * SETTINGS.weightDecay)
      const update = m / (1 - beta1 ** this.step) / (Math.sqrt(v / (1 - beta2 ** this.step)) + ADAMW.eps)
      this.parameters[i] = decayed - SETTINGS.learningRate * update
    })
    return { loss, correct }
  }
}

const near = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) < 1e-5, `${what}: ${actual}, expected ${expected}`)

test('weights begin normal with deviation 0.01, biases at zero, and depend on the seed alone', async () => {
  const probe = await native().linearProbeCreate(
    { layers: 4, features: 500, classes: 10 },
    { device: 'cpu', seed: 1, ...ADAMW },
  )
  const [weight, bias] = await weights(probe)
  const deviation = Math.sqrt(weight.reduce((sum, x) => sum + x * x, 0) / weight.length)
  assert.ok(Math.abs(deviation - 0.01) < 0.0003, String(deviation))
  assert.ok(bias.every((x) => x === 0))
  assert.equal((await weights(await create()))[0], (await weights(await create()))[0])
  assert.not.equal((await weights(await create()))[0], (await weights(await create(LAYERS, 4)))[0])
})

test('three steps of all layers are those of each layer alone by the formulas; totals add up', async () => {
  const probe = await create()
  const references = await weights(probe).then(([weight, bias]) =>
    Array.from({ length: LAYERS }, (_, layer) => new Reference(layer, weight, bias)),
  )
  using bank = Tensor.from(features, [ROWS, LAYERS, FEATURES])
  using labels = Tensor.from(BigInt64Array.from(targets, BigInt))
  const expected = references.map(() => ({ loss: 0, correct: 0 }))
  for (const rows of batches) {
    using chosen = Tensor.from(Int32Array.from(rows))
    await native().linearProbeStep(probe, bank.handle, labels.handle, chosen.handle, SETTINGS)
    references.forEach((reference, layer) => {
      const { loss, correct } = reference.train(rows)
      const sums = expected[layer] as { loss: number; correct: number }
      sums.loss += loss
      sums.correct += correct
    })
  }
  const [weight, bias] = await weights(probe)
  references.forEach(({ parameters }, layer) => {
    const own = [
      ...weight.subarray(layer * CLASSES * FEATURES, (layer + 1) * CLASSES * FEATURES),
      ...bias.subarray(layer * CLASSES, (layer + 1) * CLASSES),
    ]
    own.forEach((value, i) => {
      near(value, parameters[i] as number, `layer ${layer}, parameter ${i}`)
    })
  })
  const totals = await native().linearProbeTotals(probe)
  assert.is(totals.images, 13)
  expected.forEach(({ loss, correct }, layer) => {
    near((totals.loss[layer] as number) / 13, loss / 13, `loss of layer ${layer}`)
    assert.is(totals.correct[layer], correct)
  })

  // Evaluation changes no weight, and the totals began anew.
  await native().linearProbeEvaluate(probe, bank.handle, labels.handle, null)
  const evaluated = await native().linearProbeTotals(probe)
  assert.is(evaluated.images, ROWS)
  references.forEach((reference, layer) => {
    const hits = targets.filter((target, row) => {
      const logits = reference.logits(row)
      return logits.indexOf(Math.max(...logits)) === target
    })
    assert.is(evaluated.correct[layer], hits.length)
  })
  assert.equal(await weights(probe), [weight, bias])
})

test('features of another shape and targets of another dtype are refused', async () => {
  const probe = await create()
  using bank = Tensor.from(features, [ROWS, FEATURES, LAYERS])
  using right = Tensor.from(features, [ROWS, LAYERS, FEATURES])
  using labels = Tensor.from(BigInt64Array.from(targets, BigInt))
  using floats = Tensor.from(Float32Array.from(targets))
  const step = (a: Tensor, b: Tensor) => native().linearProbeStep(probe, a.handle, b.handle, null, SETTINGS)
  await rejects(step(bank, labels), 'ERR_SHAPE_MISMATCH', /features: expected \(B, 3, 5\)/)
  await rejects(step(right, floats), 'ERR_SHAPE_MISMATCH', /targets: expected int64/)
})

test.run()
