/** From a batch of the loader to the loss of its step, as fine-tuning does it: plans, erasing and targets. */
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { Batch } from '../../lib/data/batches.js'
import type { LabelledImages, Target } from '../../lib/data/labels.js'
import { scope } from '../../lib/dispose.js'
import { ImageClassification } from '../../lib/objectives/image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { classificationBatches } from '../../lib/train/classification_batches.js'
import type { FinetuneSettings } from '../../lib/train/finetune_options.js'
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
import { near, OPTIONS } from './golden_training.js'
import { microClassifier } from './micro_finetune.js'

const test = suite('classification batches')
const [C, SIDE] = [4, 32]
/** Of five images: the one in the middle is its own partner. */
const SINGLE = [2, 0, 3, 3, 1]
const SEVERAL = [[0, 2], [], [1], [0, 1, 2, 3], [3]]

for (const loss of ['cross-entropy', 'binary-cross-entropy'] as const) {
  test(`${loss}: what mixPlan and randomErasing say of seed, epoch, batch and draws is what is computed`, () =>
    scope(async () => {
      const several = loss === 'binary-cross-entropy'
      const data = labels(several ? SEVERAL : SINGLE)
      const settings = await finetuneSettings({ loss })
      const { model, seed, labelSmoothing } = settings
      const make = classificationBatches(settings, data)
      const trainer = await new ImageClassification({ model, loss, labelSmoothing }).createTrainer(OPTIONS)
      const mixing = {
        mixup: 0.8,
        cutmix: 1,
        probability: 0.8,
        switchProbability: 0.5,
        imageSize: [SIDE, SIDE] as const,
      }
      const kinds = new Set<string | undefined>()
      let boxes = 0
      for (let batch = 0; batch < 3; batch++) {
        // Rows in another order than the source, as after shuffling; a repeated image draws anew.
        const [epoch, indices, draws] = [3, [4, 1, 0, 3, 2], [4, 1, 5, 8, 2]]
        const bytes = Uint8Array.from(randomNumbers(5 * 3 * SIDE * SIDE, batch + 1), (value) => value * 256)
        const pixels = Tensor.from(bytes, [5, 3, SIDE, SIDE])
        const given = make({ pixels, indices, draws, epoch, batch } as Batch)

        const plan = native().mixPlan(mixing, seed, epoch, batch)
        kinds.add(plan?.kind)
        const values = normalised(bytes, SIDE, model.preprocessing)
        const erasing = { minArea: 0.02, maxArea: 1 / 3, minAspect: 0.3, maxAspect: 1 / 0.3, count: 2 }
        boxes += erase(values, SIDE, { ...erasing, probability: 0.5, seed, epoch, indices: draws })
        const seen = plan === null ? values : mixed(values, SIDE, plan)
        const logits = await logitsOf(model, seen)
        const rows = several
          ? indices.map((i) => Array.from({ length: C }, (_, c) => Number(SEVERAL[i]?.includes(c))))
          : oneHot(
              indices.map((i) => SINGLE[i] as number),
              C,
            )
        const targets = mixedTargets(smoothed(rows, labelSmoothing), plan?.lambda ?? 1)
        const expected = several ? binaryCrossEntropy(logits, targets) : crossEntropy(logits, targets)
        near((await trainer.evaluate(given)).loss, expected, 1e-5, `batch ${batch}`)
      }
      equal(kinds, new Set([undefined, 'mixup', 'cutmix']))
      ok(boxes > 3, `${boxes} boxes`)
    }))
}

test('with nothing switched on a batch is its images and class ids', () =>
  scope(async () => {
    const settings = await finetuneSettings({ mixup: 0, cutmix: 0, erasing: 0 })
    const pixels = Tensor.from(new Uint8Array(2 * 3 * SIDE * SIDE), [2, 3, SIDE, SIDE])
    const batch = { pixels, indices: [3, 1], draws: [3, 1], epoch: 0, batch: 0 } as unknown as Batch
    const given = classificationBatches(settings, labels(SINGLE))(batch)
    equal([given.mix, given.erase], [null, null])
    is(given.pixels, pixels)
    equal(await given.targets?.toTypedArray(), BigInt64Array.from([3n, 0n]))
    const never = { ...settings, mixup: 1, mixProbability: 0 }
    is(classificationBatches(never, labels(SINGLE))(batch).mix, null)
  }))

test.run()

const labels = (targets: Target[]) =>
  ({
    name: 'labels',
    targetKind: typeof targets[0] === 'number' ? 'class' : 'classes',
    targets: (index: number) => targets[index],
  }) as LabelledImages

/** Of a model whose logits differ: a head of initial weights says nearly the same of every image. */
async function finetuneSettings(more: Partial<FinetuneSettings>): Promise<FinetuneSettings> {
  const model = await microClassifier({ numClasses: C, dropPath: 0, seed: 4 })
  const head = Tensor.from(
    randomNumbers(C * 24, 9).map((value) => 2 * value - 1),
    [C, 24],
  )
  await model.loadStateDict(new Map([['head.weight', head]]), { strict: false })
  return {
    model,
    seed: 1,
    loss: 'cross-entropy',
    labelSmoothing: 0.1,
    erasing: 0.5,
    erasingCount: 2,
    mixup: 0.8,
    cutmix: 1,
    mixProbability: 0.8,
    mixSwitch: 0.5,
    ...more,
  } as FinetuneSettings
}

async function logitsOf(model: FinetuneSettings['model'], values: Float32Array): Promise<number[][]> {
  const logits = await model.forward(Tensor.from(values, [5, 3, SIDE, SIDE]))
  const flat = [...(await logits.toFloat32())]
  return Array.from({ length: 5 }, (_, i) => flat.slice(i * C, (i + 1) * C))
}
