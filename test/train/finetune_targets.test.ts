/** Fine-tuning on several labels an image, on soft ones, and in bf16: what plain runs do not show. */
import { join } from 'node:path'
import { equal, is, not, ok } from 'uvu/assert'
import { MODEL_FILE, TRAINER_FILE } from '../../lib/checkpoint/run_checkpoint.js'
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import type { ImageFolder } from '../../lib/data/image_folder.js'
import { type LabelledImages, labelled } from '../../lib/data/labels.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import type { Tensor } from '../../lib/tensor.js'
import { bestWeights } from '../../lib/train/best_weights.js'
import type { FinetuneEvent } from '../../lib/train/events.js'
import { finetune } from '../../lib/train/finetune.js'
import type { FinetuneOptions } from '../../lib/train/finetune_options.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect } from './micro.js'
import { CLASSES, labelsOf, microClassifier, microFinetune, PLAIN, stripes } from './micro_finetune.js'

const test = suite('finetune targets')

/** The stripes under other labels. */
const relabelled = async (each: number, label: (name: string) => unknown, classes: readonly string[]) => {
  const images: ImageFolder = await stripes(each)
  return labelled(images, { labels: labelsOf(images, label), classes })
}

test('several labels: each class by itself, and the best checkpoint is that of the highest mean average precision', async () => {
  const classes = ['across', 'striped', 'upright']
  const label = (name: string) => (name === 'plain' ? [] : [name, 'striped'])
  const [data, validation] = [await relabelled(8, label, classes), await relabelled(4, label, classes)]
  is(data.targetKind, 'classes')
  const output = temporary()
  const events = await run(output, data, {
    ...PLAIN,
    loss: 'binary-cross-entropy',
    model: await microClassifier({ dropPath: 0 }),
    ...{
      validation,
      epochs: 50,
      learningRate: 5e-3,
      accumulate: 1,
      evaluateEveryEpochs: 5,
      keepCheckpoints: 1,
    },
  })
  const [first] = events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))
  ok(Math.abs((first as number) - Math.log(2)) < 0.02, `a new head gives every class a half: ${first}`)
  const evaluations = events.flatMap((event) => (event.type === 'evaluation' ? [event] : []))
  const scores = evaluations.map(({ multiLabel }) => multiLabel?.meanAveragePrecision as number)
  const highest = Math.max(...scores)
  ok(highest > 0.95, `${scores}`)
  const done = events.at(-1)
  ok(done?.type === 'done' && done.best !== null)
  const step = evaluations[scores.indexOf(highest)]?.step
  equal([done.best.step, done.best.metric, done.best.value], [step, 'meanAveragePrecision', highest])
  const model = await BeitForImageClassification.load((await bestWeights(output)) as string)
  equal(model.labels, classes)
  const again = await evaluate({ model, data: validation, threads: 1 })
  ok(Math.abs((again.multiLabel?.meanAveragePrecision as number) - highest) < 1e-9)
})

test('soft labels: the loss falls to their entropy and not below', async () => {
  const weights: Record<string, object> = {
    across: { across: 0.7, plain: 0.3 },
    plain: { plain: 1 },
    upright: { upright: 0.6, across: 0.4 },
  }
  const data = await relabelled(8, (name) => weights[name], CLASSES)
  is(data.targetKind, 'weights')
  const events = await run(temporary(), data, {
    ...PLAIN,
    model: await microClassifier({ dropPath: 0 }),
    ...{ validation: data, epochs: 50, learningRate: 5e-3, accumulate: 1, evaluateEveryEpochs: 50 },
  })
  const entropy = -(0.7 * Math.log(0.7) + 0.3 * Math.log(0.3) + 0.6 * Math.log(0.6) + 0.4 * Math.log(0.4)) / 3
  const [first] = events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))
  ok(Math.abs((first as number) - Math.log(3)) < 0.02, `a new head gives every class a third: ${first}`)
  const evaluation = events.find((event) => event.type === 'evaluation')
  ok(evaluation?.type === 'evaluation')
  ok(evaluation.loss > entropy - 1e-6 && evaluation.loss < entropy + 0.1, `${evaluation.loss}, ${entropy}`)
  equal([evaluation.multiLabel, evaluation.accuracy], [null, 1])
})

test('bf16 with clipping, averaging and accumulation: near float32, clipped, and averaged in float32', async () => {
  const data = await stripes(4)
  const more = { clipGradient: 0.01, ema: 0.75, epochs: 1, warmupEpochs: 0, maxSteps: 1 } as const
  const [single, half] = [temporary(), temporary()]
  const [expected] = stepsOf(await run(single, data, { ...more, precision: 'fp32' }))
  const [step] = stepsOf(await run(half, data, { ...more, precision: 'bf16' }))
  ok(expected !== undefined && step !== undefined)
  // The head is so new that the loss is log 3 in either.
  ok(Math.abs(step.loss - expected.loss) < 0.01, `${step.loss}, ${expected.loss}`)
  not.equal(step.gradientNorm, expected.gradientNorm)
  ok(Math.abs(step.gradientNorm / expected.gradientNorm - 1) < 0.02)
  ok(step.gradientNorm > more.clipGradient, `${step.gradientNorm}`)

  // After one step the first moment is 0.1 of the gradient that the optimizer got.
  const { tensors } = await readSafetensors(join(half, 'checkpoints', 'step-00000001', TRAINER_FILE))
  const moments = [...tensors].filter(([name]) => name.includes('exp_avg') && !name.includes('exp_avg_sq'))
  let squares = 0
  for (const [, moment] of moments) squares += (await moment.toFloat32()).reduce((sum, x) => sum + x * x, 0)
  ok(Math.abs(Math.sqrt(squares) / (0.1 * more.clipGradient) - 1) < 1e-3, `${Math.sqrt(squares)}`)

  const before = await valuesOf(await microClassifier())
  const after = await valuesOf(
    await BeitForImageClassification.load(join(half, 'checkpoints', 'step-00000001', MODEL_FILE)),
  )
  const averaged = await valuesOf(await BeitForImageClassification.load((await bestWeights(half)) as string))
  const off = averaged.map((x, i) => Math.abs(x - 0.75 * (before[i] as number) - 0.25 * (after[i] as number)))
  ok(Math.max(...off) < 1e-7, `${Math.max(...off)}`)
})

test.run()

async function run(
  output: string,
  data: ImageFolder | LabelledImages,
  more: Partial<FinetuneOptions>,
): Promise<FinetuneEvent[]> {
  return collect(finetune({ ...(await microFinetune(output, data)), ...more }))
}

const stepsOf = (events: readonly FinetuneEvent[]) =>
  events.flatMap((event) => (event.type === 'step' ? [event] : []))

/** All parameters, one after the other. */
async function valuesOf(model: BeitForImageClassification): Promise<number[]> {
  const state = await model.stateDict()
  const names = (await model.parameterShapes()).map(({ name }) => name)
  const parts = await Promise.all(names.map((name) => (state.get(name) as Tensor).toFloat32()))
  return parts.flatMap((part) => [...part])
}
