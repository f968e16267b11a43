/** What a classification step takes of a batch: the images, their targets, and how they are mixed and erased. */
import { native } from '../binding.js'
import { batchTargets } from '../data/batch_targets.js'
import type { Batch } from '../data/batches.js'
import type { LabelledImages } from '../data/labels.js'
import type { MixSettings } from '../native.js'
import type { FinetuneSettings } from './finetune_options.js'
import type { MicroBatch } from './trainer.js'

/** What random erasing takes for a box, as the original has it: shares of the area, ratio of the sides. */
const ERASED_BOX = { minArea: 0.02, maxArea: 1 / 3, minAspect: 0.3, maxAspect: 1 / 0.3 } as const

/** Makes micro-batches of batches of `data`. Every choice is a function of seed, epoch, and batch or image. */
export function classificationBatches(
  settings: FinetuneSettings,
  data: LabelledImages,
): (batch: Batch) => MicroBatch {
  const { seed, erasing, erasingCount, loss } = settings
  const { numClasses } = settings.model.config
  const mixing = mixSettings(settings)
  return ({ pixels, indices, draws, epoch, batch }) => {
    return {
      pixels,
      targets: batchTargets(data, indices, { numClasses, multiLabel: loss === 'binary-cross-entropy' }),
      mix: mixing && native().mixPlan(mixing, seed, epoch, batch),
      erase:
        erasing === 0
          ? null
          : { probability: erasing, count: erasingCount, ...ERASED_BOX, seed, epoch, indices: draws },
    }
  }
}

/** null: batches are never mixed. */
function mixSettings({
  mixup,
  cutmix,
  mixProbability,
  mixSwitch,
  model,
}: FinetuneSettings): MixSettings | null {
  if ((mixup === 0 && cutmix === 0) || mixProbability === 0) return null
  const { imageSize } = model.config
  return { mixup, cutmix, probability: mixProbability, switchProbability: mixSwitch, imageSize }
}
