/** Classification on a GPU: scores, a training step, evaluation and probes give what they give on the CPU. */
import { equal, ok } from 'uvu/assert'
import type { ImageFolder } from '../../lib/data/image_folder.js'
import { labelled } from '../../lib/data/labels.js'
import { scope } from '../../lib/dispose.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { knnProbe } from '../../lib/evaluate/knn_probe.js'
import { linearProbe } from '../../lib/evaluate/linear_probe.js'
import type { StepResult } from '../../lib/native.js'
import { ImageClassification } from '../../lib/objectives/image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import type { FinetuneEvent } from '../../lib/train/events.js'
import { finetune } from '../../lib/train/finetune.js'
import { smallClassifier } from '../evaluate/classifiers.js'
import { CLASSES, probeImages, probeModel } from '../evaluate/probe_images.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named, randomNumbers } from '../support/tensors.js'
import { collect } from '../train/micro.js'
import { microClassifier, microFinetune, stripes } from '../train/micro_finetune.js'

const test = suite('classification on a GPU', { timeout: 120_000 })
const OPTIONS = { betas: [0.9, 0.999], eps: 1e-8, clipGradient: 3, seed: 0, precision: 'fp32' } as const
const SETTINGS = { learningRate: 1e-3, weightDecay: 0.05 }

/** Uint8 images (6, 3, 32, 32). */
const images = () =>
  Tensor.from(
    Uint8Array.from(randomNumbers(6 * 3 * 32 * 32, 4), (x) => Math.floor(255 * x)),
    [6, 3, 32, 32],
  )

test.skipIf(noGpu, 'logits and features are those of the CPU', () =>
  scope(async () => {
    const pixels = Tensor.from(randomNumbers(2 * 3 * 32 * 32, 7), [2, 3, 32, 32])
    const model = await microClassifier({ seed: 2 })
    const onGpu = await model.to({ device: 'cuda' })
    const moved = await pixels.to({ device: 'cuda' })
    near(
      await (await onGpu.forward(moved)).toFloat32(),
      await (await model.forward(pixels)).toFloat32(),
      1e-4,
    )
    near(
      await (await onGpu.features(moved)).toFloat32(),
      await (await model.features(pixels)).toFloat32(),
      1e-4,
    )
  }),
)

/** Three steps with erasing, mixing, layer decay and an average of the weights; without drop path, whose generator differs. */
async function steps(device: string, mix: 'mixup' | 'cutmix') {
  const model = await (await microClassifier({ seed: 2, dropPath: 0 })).to({ device })
  const ema = await model.to({})
  const objective = new ImageClassification({
    model,
    ...{ labelSmoothing: 0.1, layerDecay: 0.65, ema: { model: ema, decay: 0.9 } },
  })
  const trainer = await objective.createTrainer(OPTIONS)
  const box = { probability: 1, minArea: 0.02, maxArea: 1 / 3, minAspect: 0.3, maxAspect: 1 / 0.3, count: 1 }
  const results: StepResult[] = []
  for (const epoch of [0, 1, 2]) {
    const batch = {
      pixels: await images().to({ device }),
      targets: await Tensor.from(BigInt64Array.from([0n, 1n, 2n, 0n, 1n, 2n])).to({ device }),
      erase: { ...box, seed: 1, epoch, indices: [0, 1, 2, 3, 4, 5] },
      mix:
        mix === 'mixup'
          ? { kind: mix, lambda: 0.7, box: null }
          : { kind: mix, lambda: 0.75, box: [4, 8, 16, 16] as const },
    }
    results.push(await trainer.step([batch], SETTINGS))
  }
  return { results, weights: await model.stateDict(), average: await ema.stateDict() }
}

for (const mix of ['mixup', 'cutmix'] as const) {
  test.skipIf(noGpu, `three steps with erasing, ${mix} and averaged weights end as on the CPU`, () =>
    scope(async () => {
      const [cpu, gpu] = [await steps('cpu', mix), await steps('cuda', mix)]
      for (const [i, expected] of cpu.results.entries()) {
        const actual = gpu.results[i] as StepResult
        near([actual.loss, actual.gradientNorm], [expected.loss, expected.gradientNorm], 1e-3)
        equal([actual.images, actual.finite], [expected.images, true])
      }
      for (const part of ['weights', 'average'] as const) {
        for (const [name, tensor] of cpu[part]) {
          // AdamW divides by the gradient's own size: where that is rounding alone, a step may go either way.
          near(await named(gpu[part], name).toFloat32(), await tensor.toFloat32(), 1e-2, 2e-4)
        }
      }
    }),
  )
}

test.skipIf(noGpu, 'evaluate() gives the accuracy and the loss of the CPU', () =>
  scope(async () => {
    const data = await labelled(await probeImages(6))
    const model = await smallClassifier({ labels: CLASSES })
    const [cpu, gpu] = [
      await evaluate({ model, data, batchSize: 4 }),
      await evaluate({ model: await model.to({ device: 'cuda' }), data, batchSize: 4 }),
    ]
    near([gpu.loss], [cpu.loss], 1e-4)
    equal([gpu.accuracy, gpu.confusion, gpu.images], [cpu.accuracy, cpu.confusion, cpu.images])
  }),
)

test.skipIf(noGpu, 'k-NN and linear probe give the scores of the CPU', () =>
  scope(async () => {
    const [data, validation] = [await probeImages(8, 1), await probeImages(4, 2)]
    const model = await probeModel()
    const onGpu = await model.to({ device: 'cuda' })
    const nearest = { data, validation, neighbours: [1, 5] }
    const [cpu, gpu] = [await knnProbe({ model, ...nearest }), await knnProbe({ model: onGpu, ...nearest })]
    equal(gpu.scores, cpu.scores)
    const learned = { data, validation, epochs: 3, batchSize: 8 }
    const [slow, fast] = [
      await linearProbe({ model, ...learned }),
      await linearProbe({ model: onGpu, ...learned }),
    ]
    for (const [i, { loss }] of slow.layers.entries())
      near([fast.layers[i]?.loss ?? Number.NaN], [loss], 1e-3)
  }),
)

test.skipIf(noGpu, 'finetune() runs there in bf16, with every augmentation, and predicts afterwards', () =>
  scope(async () => {
    const data = await stripes()
    const { model, ...options } = await microFinetune(`${temporary()}/run`, data)
    const onGpu = await model.to({ device: 'cuda' })
    const more = { precision: 'bf16', ema: 0.9, validation: data, epochs: 2 } as const
    const events = await collect(finetune({ ...options, ...more, model: onGpu }))
    const done = events.at(-1)
    ok(done?.type === 'done' && done.reason === 'finished' && Number.isFinite(done.loss))
    const evaluation = events.find((event) => event.type === 'evaluation')
    ok(evaluation !== undefined && evaluation.ema !== null)
    const probability = (await onGpu.predict(data.sample(0).path))[0]?.[0]?.probability ?? Number.NaN
    ok(probability > 0 && probability <= 1)
  }),
)

test.skipIf(noGpu, 'a run begun on the GPU goes on on the CPU, and the other way round', () =>
  scope(async () => {
    const data = await stripes()
    for (const [first, second] of [
      ['cuda', 'cpu'],
      ['cpu', 'cuda'],
    ] as const) {
      const output = `${temporary()}/run`
      await stoppedRun(first, output, data, 3)
      const [start, ...events] = await stoppedRun(second, output, data, 6)
      ok(start?.type === 'start')
      equal(start.resumedStep, 3)
      const done = events.at(-1)
      ok(done?.type === 'done')
      equal([done.step, Number.isFinite(done.loss)], [6, true])
    }
  }),
)

test.run()

/** The micro run with averaged weights on `device`, begun or resumed, stopped after step `stop`. */
async function stoppedRun(device: string, output: string, data: ImageFolder, stop: number) {
  const controller = new AbortController()
  const { model, ...options } = await microFinetune(output, data)
  const run = { ...options, model: await model.to({ device }), ema: 0.9, resume: 'auto' } as const
  const events: FinetuneEvent[] = []
  for await (const event of finetune({ ...run, signal: controller.signal })) {
    events.push(event)
    if (event.type === 'step' && event.step === stop) controller.abort()
  }
  return events
}

/** Each number within `tolerance` of what is expected, relative, or within `absolute`. */
function near(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  absolute = tolerance,
): void {
  equal(actual.length, expected.length)
  for (let i = 0; i < expected.length; i++) {
    const [got, want] = [actual[i] as number, expected[i] as number]
    const isNear = Math.abs(got - want) <= Math.max(absolute, tolerance * Math.abs(want))
    ok(isNear, `${i}: expected ${want} within ${tolerance}, got ${got}`)
  }
}
