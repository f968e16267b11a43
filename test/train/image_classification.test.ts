/** What a classification step makes of its batch: targets, smoothing, erasing, mixing, what counts as right. */
import { equal, is, ok } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import type { BatchErasing, MixPlan } from '../../lib/native.js'
import {
  ImageClassification,
  type ImageClassificationOptions,
} from '../../lib/objectives/image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import type { MicroBatch } from '../../lib/train/trainer.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'
import {
  binaryCrossEntropy,
  crossEntropy,
  erase,
  mixed,
  mixedTargets,
  normalised,
  oneHot,
  smoothed,
} from './classification_by_hand.js'
import { changed, near, OPTIONS, SETTINGS, snapshot } from './golden_training.js'
import { microClassifier } from './micro_finetune.js'

const test = suite('image classification step')
const [B, C, SIDE] = [6, 5, 32]
const IMAGE = 3 * SIDE * SIDE
const LABELS = [3, 0, 4, 4, 1, 2]
const MIXUP: MixPlan = { kind: 'mixup', lambda: 0.3, box: null }
const CUTMIX: MixPlan = { kind: 'cutmix', lambda: 1 - (10 * 20) / (32 * 32), box: [3, 12, 10, 20] }
const ERASE: BatchErasing = {
  probability: 0.6,
  minArea: 0.02,
  maxArea: 1 / 3,
  minAspect: 0.3,
  maxAspect: 1 / 0.3,
  count: 2,
  seed: 5,
  epoch: 1,
  indices: [11, 4, 7, 90, 2, 35],
}

test('cross-entropy of ids, of weights and of smoothed targets is that of the logits', () =>
  scope(async () => {
    const { logitsOf, lossOf } = await classifier()
    const pixels = floats()
    const logits = await logitsOf(pixels)
    for (const smoothing of [0, 0.1]) {
      const expected = crossEntropy(logits, smoothed(hot(), smoothing))
      const options = { labelSmoothing: smoothing }
      near(await lossOf({ pixels, targets: ids() }, options), expected, 1e-6, 'ids')
      near(await lossOf({ pixels, targets: weights(hot()) }, options), expected, 1e-6, 'weights')
      const soft = softTargets()
      near(
        await lossOf({ pixels, targets: weights(soft) }, options),
        crossEntropy(logits, smoothed(soft, smoothing)),
        1e-6,
        'soft targets',
      )
    }
  }))

test('binary cross-entropy takes each class by itself, several or none', () =>
  scope(async () => {
    const { logitsOf, lossOf } = await classifier()
    const pixels = floats()
    const logits = await logitsOf(pixels)
    const several = hot()
    several[0] = [1, 1, 0, 0, 1]
    several[1] = [0, 0, 0, 0, 0]
    for (const labelSmoothing of [0, 0.2]) {
      const options = { loss: 'binary-cross-entropy', labelSmoothing } as const
      for (const [targets, rows] of [
        [weights(several), several],
        [ids(), hot()],
      ] as const) {
        const expected = binaryCrossEntropy(logits, smoothed(rows, labelSmoothing))
        near(await lossOf({ pixels, targets }, options), expected, 1e-6, 'loss')
      }
    }
  }))

for (const [name, mix] of Object.entries({ mixup: MIXUP, cutmix: CUTMIX })) {
  test(`${name} mixes images and smoothed targets with the batch in reverse order`, () =>
    scope(async () => {
      const { logitsOf, lossOf } = await classifier()
      const pixels = floats()
      const logits = await logitsOf(Tensor.from(mixed(await pixels.toFloat32(), SIDE, mix), pixels.shape))
      const expected = mixedTargets(smoothed(hot(), 0.1), mix.lambda)
      const before = await pixels.toFloat32()
      for (const given of [ids(), weights(hot())]) {
        const loss = await lossOf({ pixels, targets: given, mix }, { labelSmoothing: 0.1 })
        near(loss, crossEntropy(logits, expected), 1e-6, 'cross-entropy')
      }
      const loss = await lossOf(
        { pixels, targets: ids(), mix },
        { loss: 'binary-cross-entropy', labelSmoothing: 0.1 },
      )
      near(loss, binaryCrossEntropy(logits, expected), 1e-6, 'binary cross-entropy')
      equal(await pixels.toFloat32(), before, 'the pixels given stay as they are')
    }))
}

test('8-bit pixels are normalised, then erased, then mixed', () =>
  scope(async () => {
    const { model, logitsOf, lossOf } = await classifier()
    const bytes = Uint8Array.from(randomNumbers(B * IMAGE, 7), (value) => value * 256)
    const values = normalised(bytes, SIDE, model.preprocessing)
    const boxes = erase(values, SIDE, ERASE)
    ok(boxes > 1 && boxes < 2 * B, `${boxes} boxes`)
    const pixels = Tensor.from(bytes, [B, 3, SIDE, SIDE])
    for (const mix of [null, MIXUP, CUTMIX]) {
      const seen = mix === null ? values : mixed(values, SIDE, mix)
      const logits = await logitsOf(Tensor.from(seen, pixels.shape))
      const targets = mixedTargets(hot(), mix?.lambda ?? 1)
      near(
        await lossOf({ pixels, targets: ids(), erase: ERASE, mix }),
        crossEntropy(logits, targets),
        1e-5,
        'loss',
      )
    }
  }))

test('right is the class of the largest weight in the target that was trained on', () =>
  scope(async () => {
    const { logitsOf, resultOf } = await classifier()
    const pixels = floats()
    const likeliest = (rows: number[][]) => rows.map((row) => row.indexOf(Math.max(...row)))
    const plain = likeliest(await logitsOf(pixels))
    const { correct, images } = await resultOf({ pixels, targets: ids() })
    is(images, B)
    is(correct, plain.filter((id, i) => id === LABELS[i]).length)

    const right = Tensor.from(BigInt64Array.from(plain.slice(0, B), BigInt), [B])
    is((await resultOf({ pixels, targets: right })).correct, B)
    // Several classes of the same weight: any of them; of no class: nothing.
    const all = Array.from({ length: B }, () => new Array<number>(C).fill(1))
    is((await resultOf({ pixels, targets: weights(all) })).correct, B)
    const none = all.map((row, i) => (i < 2 ? row.map(() => 0) : row))
    is((await resultOf({ pixels, targets: weights(none) })).correct, B - 2)

    const seen = likeliest(
      await logitsOf(Tensor.from(mixed(await pixels.toFloat32(), SIDE, MIXUP), pixels.shape)),
    )
    // lambda 0.3: the partner weighs more.
    const expected = seen.filter((id, i) => id === LABELS[B - 1 - i]).length
    is((await resultOf({ pixels, targets: ids(), mix: MIXUP })).correct, expected)
    const objective = new ImageClassification({ model: await microClassifier() })
    equal(objective.metrics({ ...(await resultOf({ pixels, targets: ids() })) }).accuracy, correct / B)
  }))

test('batches that do not fit are refused before anything is computed', () =>
  scope(async () => {
    const { resultOf } = await classifier()
    const right: MicroBatch = { pixels: floats(), targets: ids() }
    const refused = (more: Partial<MicroBatch>, code: Parameters<typeof rejects>[1], message: RegExp) =>
      rejects(() => resultOf({ ...right, ...more }), code, message)
    const int = (...values: number[]) => Tensor.from(BigInt64Array.from(values, BigInt), [values.length])
    await refused({ targets: null }, 'ERR_INVALID_ARGUMENT', /targets: classification needs them/)
    await refused(
      { targets: int(0, 1, 2) },
      'ERR_SHAPE_MISMATCH',
      /targets: expected int64 \[6\] or float32 \[6, 5\]/,
    )
    await refused(
      { targets: int(0, 1, 2, 3, 4, 5) },
      'ERR_INVALID_ARGUMENT',
      /class ids from 0 to 4, got 0 to 5/,
    )
    await refused(
      { targets: int(0, 1, 2, 3, 4, -1) },
      'ERR_INVALID_ARGUMENT',
      /class ids from 0 to 4, got -1 to 4/,
    )
    for (const wrong of [1.5, -0.5, Number.NaN]) {
      const rows = hot()
      ;(rows[2] as number[])[1] = wrong
      await refused(
        { targets: weights(rows) },
        'ERR_INVALID_ARGUMENT',
        /targets: expected weights from 0 to 1/,
      )
    }
    const small = Tensor.from(new Float32Array(B * 3 * 16 * 16), [B, 3, 16, 16])
    await refused({ pixels: small }, 'ERR_SHAPE_MISMATCH', /pixels: expected \(B, 3, 32, 32\)/)
    await refused(
      { erase: { ...ERASE, indices: [1, 2] } },
      'ERR_SHAPE_MISMATCH',
      /erase\.indices: expected 6/,
    )
    await refused({ erase: { ...ERASE, probability: 2 } }, 'ERR_INVALID_ARGUMENT', /erase\.probability/)
    await refused({ mix: { ...MIXUP, lambda: 1.2 } }, 'ERR_INVALID_ARGUMENT', /mix\.lambda/)
    await refused(
      { mix: { ...CUTMIX, box: [30, 0, 3, 3] } },
      'ERR_INVALID_ARGUMENT',
      /mix\.box: .* within 32 x 32/,
    )
    await refused({ mix: { ...MIXUP, kind: 'mixit' as 'mixup' } }, 'ERR_INVALID_ARGUMENT', /mix\.kind/)
    await rejects(
      classifier({ labelSmoothing: 1.5 }).then(({ resultOf }) => resultOf(right)),
      'ERR_INVALID_ARGUMENT',
      /labelSmoothing: expected/,
    )
    await rejects(
      classifier({ loss: 'mse' as 'cross-entropy' }).then(({ resultOf }) => resultOf(right)),
      'ERR_INVALID_ARGUMENT',
      /loss: expected 'cross-entropy' or/,
    )
  }))

test('one micro-batch that does not fit, and the step leaves weights, moments and average as they were', () =>
  scope(async () => {
    const { model } = await classifier()
    const average = await model.to({})
    const ema = { model: average, decay: 0.5 }
    const trainer = await new ImageClassification({ model, ema }).createTrainer(OPTIONS)
    const right = { pixels: floats(), targets: ids() }
    await trainer.step([right], SETTINGS)
    const everything = async () => [
      await snapshot(await model.stateDict()),
      await snapshot(await average.stateDict()),
      await snapshot(await trainer.state()),
    ]
    const before = await everything()
    const wrong = { ...right, targets: Tensor.from(BigInt64Array.from([0n, 1n, 2n, 3n, 4n, 5n]), [B]) }
    await rejects(trainer.step([right, wrong], SETTINGS), 'ERR_INVALID_ARGUMENT', /class ids from 0 to 4/)
    const after = await everything()
    for (const [i, bits] of before.entries()) equal(changed(bits, after[i] as typeof bits), [])
  }))

test.run()

/** A classifier whose logits differ: a head of initial weights says the same of every image. */
async function classifier(always: Omit<ImageClassificationOptions, 'model'> = {}) {
  const model = await microClassifier({ numClasses: C, dropPath: 0, seed: 4 })
  const head = Tensor.from(
    randomNumbers(C * 24, 9).map((value) => 2 * value - 1),
    [C, 24],
  )
  await model.loadStateDict(new Map([['head.weight', head]]), { strict: false })
  const resultOf = async (batch: MicroBatch, options: Omit<ImageClassificationOptions, 'model'> = {}) => {
    const trainer = await new ImageClassification({ model, ...always, ...options }).createTrainer(OPTIONS)
    return trainer.evaluate(batch)
  }
  return {
    model,
    resultOf,
    lossOf: async (...given: Parameters<typeof resultOf>) => (await resultOf(...given)).loss,
    logitsOf: async (pixels: Tensor) => {
      const flat = [...(await (await model.forward(pixels)).toFloat32())]
      return Array.from({ length: B }, (_, i) => flat.slice(i * C, (i + 1) * C))
    },
  }
}

const floats = () =>
  Tensor.from(
    randomNumbers(B * IMAGE, 3).map((value) => 4 * value - 2),
    [B, 3, SIDE, SIDE],
  )
const ids = () => Tensor.from(BigInt64Array.from(LABELS, BigInt), [B])
const weights = (rows: number[][]) => Tensor.from(Float32Array.from(rows.flat()), [B, C])
const hot = () => oneHot(LABELS, C)

function softTargets(): number[][] {
  const flat = randomNumbers(B * C, 5)
  return LABELS.map((_, i) => {
    const row = [...flat.subarray(i * C, (i + 1) * C)]
    const sum = row.reduce((a, b) => a + b, 0)
    return row.map((value) => value / sum)
  })
}
